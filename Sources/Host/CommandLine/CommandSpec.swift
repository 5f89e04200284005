/// A command as people type it: what `help` shows and what the parser accepts.
struct CommandSpec: Sendable {
  /// A flag of its own. Settings are flags of every command that reads the configuration.
  struct Flag: Sendable, Hashable {
    let name: String
    /// What the value is called in help; nil for a flag without a value.
    let value: String?
    let summary: String
    /// The values, where they can be counted.
    var choices: [String] = []
  }

  /// The words, such as `migrate up`.
  let words: [String]
  /// What follows them, such as `[N]`; empty when nothing may.
  var argument = ""
  let summary: String
  /// What its help says beyond the summary; empty when that says it all.
  var details = ""
  let example: String
  var flags: [Flag] = []
  /// The settings that help names in full; the others are listed by `help settings`.
  var mainSettings: [String] = []
  var readsConfiguration = true

  var name: String { words.joined(separator: " ") }

  static let all = [serve] + migrate + config + [graph, doctor, completion, version, help]
}

// MARK: The commands

extension CommandSpec {
  static let configFile = Flag(
    name: "config", value: "FILE", summary: "Read settings from FILE. Default: keel.yaml, if there is one.")
  static let serve = CommandSpec(
    words: ["serve"], summary: "Run the app until SIGTERM or SIGINT.",
    example: "serve --listen 127.0.0.1:8080 --log-format json", flags: [configFile],
    mainSettings: ["database.url", "host.listen", "log.level", "log.format"])

  static let version = CommandSpec(
    words: ["version"], summary: "Print the program's version.", example: "version", readsConfiguration: false)
  static let help = CommandSpec(
    words: ["help"], argument: "[COMMAND]", summary: "Explain a command, or list the settings with help settings.",
    example: "help migrate up", readsConfiguration: false)
}
