internal import AppConfiguration

/// What a word on a command line can become. The shells' scripts ask here, so that all complete alike.
struct Completer {
  /// A word, and what to say of it where a shell shows that.
  struct Candidate: Hashable {
    let word: String
    let summary: String
  }

  enum Answer: Hashable {
    case words([Candidate])
    /// The names of files.
    case files
    /// The names of folders.
    case folders
  }

  let catalogs: [SettingsCatalog]

  /// - Parameter words: What stands after the program's name; the last one is being typed and may be empty.
  func complete(_ words: [String]) -> Answer {
    let typed = words.last ?? ""
    let before = Array(words.dropLast())
    guard let spec = CommandSpec.all.first(where: { before.starts(with: $0.words) }) else {
      return .words(commands(before, typed))
    }
    let rest = before.dropFirst(spec.words.count)
    if let mark = typed.firstIndex(of: "="), typed.hasPrefix("--") {
      let head = typed[...mark]
      guard case .words(let candidates) = values(of: String(typed[..<mark].dropFirst(2)), spec) else { return .files }
      return matching(typed, candidates.map { Candidate(word: head + $0.word, summary: $0.summary) })
    }
    if let last = rest.last, last.hasPrefix("--"), !last.contains("="), takesValue(String(last.dropFirst(2)), spec) {
      switch values(of: String(last.dropFirst(2)), spec) {
      case .words(let candidates): return matching(typed, candidates)
      case let answer: return answer
      }
    }
    if spec.words == CommandSpec.help.words { return .words(commands(Array(rest), typed)) }
    if spec.words == CommandSpec.completion.words, rest.isEmpty {
      return matching(typed, CompletionScript.shells.map { Candidate(word: $0, summary: "") })
    }
    guard typed.hasPrefix("-") || spec.argument.isEmpty else { return .words([]) }
    return matching(typed, flags(spec))
  }

  private func matching(_ typed: String, _ candidates: [Candidate]) -> Answer {
    .words(candidates.filter { $0.word.hasPrefix(typed) })
  }

  /// The next word of a command.
  private func commands(_ before: [String], _ typed: String) -> [Candidate] {
    var seen: Set<String> = []
    return CommandSpec.all.compactMap { spec in
      guard spec.words.count > before.count, spec.words.starts(with: before) else { return nil }
      let word = spec.words[before.count]
      guard word.hasPrefix(typed), seen.insert(word).inserted else { return nil }
      let family = CommandSpec.all.filter { $0.words.starts(with: before + [word]) }
      let summary = family.count == 1 ? spec.summary : family.map { $0.words.last ?? "" }.joined(separator: ", ")
      return Candidate(word: word, summary: summary)
    }
  }

  private func flags(_ spec: CommandSpec) -> [Candidate] {
    let own = spec.flags.map { Candidate(word: "--\($0.name)", summary: $0.summary) }
    let help = Candidate(word: "--help", summary: "Explain the command.")
    guard spec.readsConfiguration else { return own + [help] }
    return own + catalogs.flatMap(\.settings).map { Candidate(word: "--\($0.flag)", summary: $0.summary) } + [help]
  }

  private func takesValue(_ flag: String, _ spec: CommandSpec) -> Bool {
    if let own = spec.flags.first(where: { $0.name == flag }) { return own.value != nil }
    return spec.readsConfiguration && catalogs.flatMap(\.settings).contains { $0.flag == flag }
  }

  private func values(of flag: String, _ spec: CommandSpec) -> Answer {
    if let own = spec.flags.first(where: { $0.name == flag }) {
      switch own.value {
      case "FILE": return .files
      case "PATH": return .folders
      default: return .words(own.choices.map { Candidate(word: $0, summary: "") })
      }
    }
    guard let setting = catalogs.flatMap(\.settings).first(where: { $0.flag == flag }) else { return .words([]) }
    return .words(setting.choices.map { Candidate(word: $0, summary: $0 == setting.defaultText ? "default" : "") })
  }
}

extension AnySetting {
  /// The values, where they can be counted.
  var choices: [String] {
    if kind == Bool.kind { return ["true", "false"] }
    guard kind.hasPrefix("one of ") else { return [] }
    return kind.split(separator: "'", omittingEmptySubsequences: false).enumerated()
      .compactMap { $0.offset.isMultiple(of: 2) ? nil : String($0.element) }
  }
}
