extension CommandSpec {
  static let directory = Flag(
    name: "dir", value: "PATH",
    summary: "Take the migrations from the .sql files of this folder, not the built-in ones.")
  static let everything = Flag(name: "all", value: nil, summary: "Of migrate down: undo every migration; asks first.")
  static let dryRun = Flag(name: "dry-run", value: nil, summary: "Print what would be run, as migrate plan does.")
  static let yes = Flag(name: "yes", value: nil, summary: "Do not ask.")
  static let rehearsal = Flag(
    name: "check", value: nil,
    summary: "Of migrate plan: run it in a transaction that is rolled back, and list the locks that each step takes.")
  static let set = Flag(
    name: "set", value: "NAME", summary: "The set of migrations that is meant. Default: the first, the app's own.")

  static let migrate =
    migratingCommands + lookingCommands + mendingCommands + folderCommands

  private static let migratingCommands = [
    migrate("up", "[N]", "Apply the pending migrations, or the next N of them.", example: "", [dryRun, json]),
    migrate(
      "down", "[N]", "Undo the last migration, or the last N of them.", example: "2", [everything, yes, dryRun, json]),
    migrate(
      "to", "VERSION", "Apply or undo until VERSION is the last one applied; 0 undoes all.", example: "21",
      [set, dryRun, json]),
    migrate("redo", "", "Undo the last migration and apply it again.", example: "", [dryRun, json]),
  ]

  private static let lookingCommands = [
    migrate(
      "version", "", "Print the version of the last migration applied; 0 on an empty database.", example: "",
      details: """
        A migration that stopped half way is printed with (dirty) behind its version, and the command ends with code 3.
        """, [json]),
    migrate(
      "status", "", "List the migrations: which are applied, when and by whom.", example: "--json",
      details: """
        Ends with code 0 when everything is applied, 2 when migrations are pending, 3 when files and database differ or a
        migration stopped half way.
        """, [json]),
    migrate(
      "plan", "[GOAL]", "Print the SQL that up, or another GOAL, would run, with its transactions.", example: "down 2",
      details: "GOAL is what one would say after migrate: up 3, down, to 21, redo. Without one it is up.",
      [rehearsal, everything, set, json]),
    migrate(
      "verify", "", "Compare files, record and database; ends with code 3 if they differ.", example: "", [json]),
  ]

  private static let mendingCommands = [
    migrate("resume", "", "Go on with a migration that stopped half way.", example: "", [json]),
    migrate(
      "force", "VERSION", "Say that the database is at VERSION, mended by hand; runs nothing.", example: "21",
      [set, json]),
    migrate(
      "baseline", "VERSION", "Take over a database made without migrations, whose state is that of VERSION.",
      example: "12", [set, json]),
  ]

  private static let folderCommands = [
    CommandSpec(
      words: ["migrate", "new"], argument: "TITLE", summary: "Write a new pair of migration files.",
      details: "The folder is that of --dir, or else ./migrations if it has .sql files. Needs no database.",
      example: "migrate new add users --dir db/migrations", flags: [directory], readsConfiguration: false),
    CommandSpec(
      words: ["migrate", "import"], argument: "FOLDER",
      summary: "Explain the files of another tool: golang-migrate, goose, Flyway and others.",
      details: "Reads the folder, changes nothing and needs no database.",
      example: "migrate import db/migrations", readsConfiguration: false),
  ]

  private static func migrate(
    _ word: String, _ argument: String, _ summary: String, example: String, details: String = "", _ flags: [Flag]
  ) -> CommandSpec {
    CommandSpec(
      words: ["migrate", word], argument: argument, summary: summary, details: details,
      example: "migrate \(word) \(example)".trimmingEnd, flags: flags + [directory, configFile],
      mainSettings: [
        "database.url", "database.migrations_table", "database.migrations_schema", "database.lock_timeout",
      ])
  }
}
