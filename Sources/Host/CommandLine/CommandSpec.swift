/// A command as people type it: what `help` shows and what the parser accepts.
struct CommandSpec: Sendable {
  /// A flag of its own. Settings are flags of every command that reads the configuration.
  struct Flag: Sendable {
    let name: String
    /// What the value is called in help; nil for a flag without a value.
    let value: String?
    let summary: String
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

  static let configFile = Flag(
    name: "config", value: "FILE", summary: "Read settings from FILE. Default: keel.yaml, if there is one.")

  static let serve = CommandSpec(
    words: ["serve"], summary: "Run the app until SIGTERM or SIGINT.",
    example: "serve --listen 127.0.0.1:8080 --database-url postgres://localhost/app", flags: [configFile],
    mainSettings: ["database.url", "host.listen", "log.level", "log.format"])

  static let migrateUp = migrate(
    "up", argument: "[N]", "Apply the pending migrations, or the next N of them.", example: "migrate up")
  static let migrateDown = migrate(
    "down", argument: "[N]", "Undo the last migration, or the last N of them.", example: "migrate down 2")
  static let migrateTo = migrate(
    "to", argument: "VERSION", "Apply or undo migrations until VERSION is the last one applied; 0 undoes all.",
    example: "migrate to 21")
  static let migrateVersion = migrate(
    "version", "Print the version of the last migration applied; 0 on an empty database.", example: "migrate version")

  private static func migrate(_ word: String, argument: String = "", _ summary: String, example: String) -> CommandSpec
  {
    CommandSpec(
      words: ["migrate", word], argument: argument, summary: summary, example: example, flags: [configFile],
      mainSettings: ["database.url", "database.migrations_table", "database.lock_timeout"])
  }

  static let version = CommandSpec(
    words: ["version"], summary: "Print the program's version.", example: "version", readsConfiguration: false)
  static let help = CommandSpec(
    words: ["help"], argument: "[COMMAND]", summary: "Explain a command, or list the settings with help settings.",
    example: "help migrate up", readsConfiguration: false)

  static let all = [serve, migrateUp, migrateDown, migrateTo, migrateVersion, version, help]
}
