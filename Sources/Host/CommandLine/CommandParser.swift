internal import AppConfiguration

/// A command line, understood.
struct ParsedCommand: Sendable {
  let spec: CommandSpec
  /// The command and those it shares its first word with, where help is wanted for the word alone.
  var family: [CommandSpec] = []
  /// What stands after the command's words.
  var arguments: [String] = []
  /// The flags of the command's own, by their names; one without a value has an empty text.
  var flags: [String: String] = [:]
  /// Values of settings, by the settings' paths.
  var settings: [String: String] = [:]
  var wantsHelp = false

  func has(_ flag: CommandSpec.Flag) -> Bool { flags[flag.name] != nil }

  func value(of flag: CommandSpec.Flag) -> String? { flags[flag.name] }
}

/// A command line that cannot be understood: what is wrong, and what was probably meant.
struct UsageError: Error, CustomStringConvertible {
  let description: String
}

extension String {
  /// As it may be repeated to whoever wrote it: a URL or another connection string may hold a password.
  var asArgument: String {
    contains("://") || contains("password=")
      ? "a connection string (the database follows --database-url)" : "'\(self)'"
  }
}

/// Reads a command line.
struct CommandParser {
  let catalogs: [SettingsCatalog]

  private var settings: [AnySetting] { catalogs.flatMap(\.settings) }

  /// - Throws: ``UsageError``.
  func parse(_ words: [String]) throws(UsageError) -> ParsedCommand {
    if words.isEmpty || ["--help", "-h"].contains(words[0]) { return ParsedCommand(spec: .help) }
    if ["--version", "-v"].contains(words[0]) { return ParsedCommand(spec: .version) }
    if words.count == 2, ["--help", "-h"].contains(words[1]), let first = family(of: words[0]).first {
      return ParsedCommand(spec: first, family: family(of: words[0]), wantsHelp: true)
    }
    let spec = try command(words)
    var parsed = ParsedCommand(spec: spec)
    var rest = words.dropFirst(spec.words.count)
    while let word = rest.popFirst() {
      if word == "--help" || word == "-h" {
        parsed.wantsHelp = true
      } else if word == "--" {
        parsed.arguments += rest
        rest = []
      } else if word.hasPrefix("-"), word.count > 1, Int(word) == nil {
        try readFlag(word, &rest, &parsed)
      } else {
        parsed.arguments.append(word)
      }
    }
    if spec.argument.isEmpty, let extra = parsed.arguments.first {
      throw UsageError(description: "\(spec.name) takes no argument, but there is \(extra.asArgument)")
    }
    return parsed
  }

  /// The commands of two words that begin with this one.
  private func family(of word: String) -> [CommandSpec] {
    CommandSpec.all.filter { $0.words.count > 1 && $0.words[0] == word }
  }

  private func command(_ words: [String]) throws(UsageError) -> CommandSpec {
    if let spec = CommandSpec.all.first(where: { words.starts(with: $0.words) }) { return spec }
    try refuseLeadingFlags(words)
    // `migrate` alone, or with a word that is none of its subcommands.
    let family = family(of: words[0])
    if !family.isEmpty {
      let known = family.map { $0.words[1] }
      guard words.count > 1, !words[1].hasPrefix("-") else {
        throw UsageError(description: "\(words[0]) wants to know what to do: \(known.joined(separator: ", "))")
      }
      let what = "subcommand \("\(words[0]) \(words[1])".asArgument)"
      throw unknown(what, words[1], known, listing: true) { "\(words[0]) \($0)" }
    }
    let known = Set(CommandSpec.all.map { $0.words[0] }).sorted()
    throw unknown("command \(words[0].asArgument)", words[0], known) { $0 }
  }

  /// `--config x serve`, `migrate --table t up`: names the command with its flags where they belong. Their values are
  /// not repeated: one may be a URL with a password.
  private func refuseLeadingFlags(_ words: [String]) throws(UsageError) {
    guard let start = words.firstIndex(where: { $0.hasPrefix("-") }), start < 2 else { return }
    let spec = CommandSpec.all.first { spec in
      guard spec.words.count > start, spec.words[..<start] == words[..<start] else { return false }
      return words[start...].indices.contains { words[$0...].starts(with: spec.words[start...]) }
    }
    guard let spec else {
      if start == 0 { throw UsageError(description: "there is no command; flags follow it, as in serve --config FILE") }
      return
    }
    let flags = words[start...].filter { $0.hasPrefix("-") }.map { String($0.prefix { $0 != "=" }) + " …" }
    throw UsageError(description: "flags follow the command: \(spec.name) \(flags.joined(separator: " "))")
  }

  private func readFlag(
    _ word: String, _ rest: inout ArraySlice<String>, _ parsed: inout ParsedCommand
  ) throws(UsageError) {
    let parts = word.drop { $0 == "-" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts.first ?? "")
    let own = parsed.spec.flags.first { $0.name == name }
    // A setting of an app may be called as a flag of the command, which then keeps its meaning.
    let setting = own == nil && parsed.spec.readsConfiguration ? settings.first { $0.flag == name } : nil
    guard word.hasPrefix("--"), setting != nil || own != nil else {
      let known = parsed.spec.flags.map(\.name) + (parsed.spec.readsConfiguration ? settings.map(\.flag) : [])
      let what = "flag \(String(word.prefix { $0 != "=" }).asArgument) of \(parsed.spec.name)"
      throw unknown(what, name, known) { "--\($0)" }
    }
    if let own, own.value == nil {
      guard parts.count == 1 else { throw UsageError(description: "--\(name) takes no value") }
      parsed.flags[name] = ""
      return
    }
    guard let value = parts.count > 1 ? String(parts[1]) : rest.popFirst() else {
      throw UsageError(description: "--\(name) wants a value")
    }
    if let setting {
      parsed.settings[setting.path] = value
    } else {
      parsed.flags[name] = value
    }
  }

  private func unknown(
    _ what: String, _ word: String, _ known: [String], listing: Bool = false, _ shown: (String) -> String
  ) -> UsageError {
    let list = listing ? "; there are \(known.joined(separator: ", "))" : ""
    let nearest = Suggestion.nearest(to: word, among: known).map { "; did you mean \(shown($0))?" }
    return UsageError(description: "unknown \(what)\(nearest ?? list)")
  }
}
