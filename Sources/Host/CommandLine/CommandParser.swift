internal import AppConfiguration

/// A command line, understood.
struct ParsedCommand: Sendable {
  let spec: CommandSpec
  /// What stands after the command's words.
  var arguments: [String] = []
  /// `--config`.
  var configFile: String?
  /// Values of settings, by the settings' paths.
  var settings: [String: String] = [:]
  var wantsHelp = false
}

/// A command line that cannot be understood: what is wrong, and what was probably meant.
struct UsageError: Error, CustomStringConvertible {
  let description: String
}

/// Reads a command line.
struct CommandParser {
  let catalogs: [SettingsCatalog]

  private var settings: [AnySetting] { catalogs.flatMap(\.settings) }

  /// - Throws: ``UsageError``.
  func parse(_ words: [String]) throws(UsageError) -> ParsedCommand {
    if words.isEmpty || ["--help", "-h"].contains(words[0]) { return ParsedCommand(spec: .help) }
    if ["--version", "-v"].contains(words[0]) { return ParsedCommand(spec: .version) }
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
      throw UsageError(description: "\(spec.name) takes no argument, but there is '\(extra)'")
    }
    return parsed
  }

  private func command(_ words: [String]) throws(UsageError) -> CommandSpec {
    if let spec = CommandSpec.all.first(where: { words.starts(with: $0.words) }) { return spec }
    // `migrate` alone, or with a word that is none of its subcommands.
    let family = CommandSpec.all.filter { $0.words.count > 1 && $0.words[0] == words[0] }
    if !family.isEmpty {
      let known = family.map { $0.words[1] }
      guard words.count > 1, !words[1].hasPrefix("-") else {
        throw UsageError(description: "\(words[0]) wants to know what to do: \(known.joined(separator: ", "))")
      }
      throw unknown("subcommand '\(words[0]) \(words[1])'", words[1], known) { "\(words[0]) \($0)" }
    }
    throw unknown("command '\(words[0])'", words[0], Array(Set(CommandSpec.all.map { $0.words[0] })).sorted()) { $0 }
  }

  private func readFlag(
    _ word: String, _ rest: inout ArraySlice<String>, _ parsed: inout ParsedCommand
  ) throws(UsageError) {
    let parts = word.drop { $0 == "-" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts.first ?? "")
    let setting = parsed.spec.readsConfiguration ? settings.first { $0.flag == name } : nil
    guard word.hasPrefix("--"), setting != nil || parsed.spec.flags.contains(where: { $0.name == name }) else {
      let known = parsed.spec.flags.map(\.name) + (parsed.spec.readsConfiguration ? settings.map(\.flag) : [])
      throw unknown("flag '\(word.prefix { $0 != "=" })' of \(parsed.spec.name)", name, known) { "--\($0)" }
    }
    guard let value = parts.count > 1 ? String(parts[1]) : rest.popFirst() else {
      throw UsageError(description: "--\(name) wants a value")
    }
    if let setting {
      parsed.settings[setting.path] = value
    } else {
      parsed.configFile = value
    }
  }

  private func unknown(
    _ what: String, _ word: String, _ known: [String], _ shown: (String) -> String
  ) -> UsageError {
    let nearest = Suggestion.nearest(to: word, among: known).map { "; did you mean \(shown($0))?" } ?? ""
    return UsageError(description: "unknown \(what)\(nearest)")
  }
}
