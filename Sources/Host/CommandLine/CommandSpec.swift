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
  static let directory = Flag(
    name: "dir", value: "PATH",
    summary: "Take the migrations from the .sql files of this folder, not the built-in ones.")
  static let everything = Flag(name: "all", value: nil, summary: "Of migrate down: undo every migration.")

  static let serve = CommandSpec(
    words: ["serve"], summary: "Run the app until SIGTERM or SIGINT.",
    example: "serve --listen 127.0.0.1:8080 --log-format json", flags: [configFile],
    mainSettings: ["database.url", "host.listen", "log.level", "log.format"])

  static let migrate = [
    migrate("up", "[N]", "Apply the pending migrations, or the next N of them.", example: ""),
    migrate("down", "[N]", "Undo the last migration, or the last N of them.", example: "2", [everything]),
    migrate("to", "VERSION", "Apply or undo until VERSION is the last one applied; 0 undoes all.", example: "21"),
    migrate("redo", "", "Undo the last migration and apply it again.", example: ""),
    migrate("version", "", "Print the version of the last migration applied; 0 on an empty database.", example: ""),
    migrate("status", "", "List the migrations: which are applied, when and by whom.", example: ""),
    migrate("verify", "", "Compare files, record and database; ends with code 3 if they differ.", example: ""),
    migrate("resume", "", "Go on with a migration that stopped half way.", example: ""),
    migrate("force", "VERSION", "Say that the database is at VERSION, mended by hand; runs nothing.", example: "21"),
  ]

  private static func migrate(
    _ word: String, _ argument: String, _ summary: String, example: String, _ flags: [Flag] = []
  ) -> CommandSpec {
    CommandSpec(
      words: ["migrate", word], argument: argument, summary: summary,
      example: "migrate \(word) \(example)".trimmingEnd, flags: flags + [directory, configFile],
      mainSettings: ["database.url", "database.migrations_table", "database.lock_timeout"])
  }

  static let version = CommandSpec(
    words: ["version"], summary: "Print the program's version.", example: "version", readsConfiguration: false)
  static let help = CommandSpec(
    words: ["help"], argument: "[COMMAND]", summary: "Explain a command, or list the settings with help settings.",
    example: "help migrate up", readsConfiguration: false)
}
