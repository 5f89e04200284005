/// The Swift file that carries the migrations of a target in the binary.
package struct EmbeddedSource: Sendable {
  /// The target the file becomes part of.
  package var target: String
  /// The migrations.
  package var migrations: [MigrationSource]

  /// Describes the file for `target`.
  package init(target: String, migrations: [MigrationSource]) {
    self.target = target
    self.migrations = migrations
  }

  /// The text of the file: one statement a migration, so that the compiler's work grows no faster than their number.
  package var text: String {
    var text = """
      // Made by embed-migrations from the SQL files of \(target). Changes belong there.
      import Migrations

      /// The migrations of \(target), compiled into the binary.
      let embeddedMigrations: [Migration] = {
        var migrations: [Migration] = []
        migrations.reserveCapacity(\(migrations.count))

      """
    for migration in migrations {
      text += "  migrations.append(Migration(version: \(migration.version), title: \(Self.literal(migration.title)),\n"
      text += "    up: \(Self.script(migration.up)),\n"
      text += "    down: \(migration.down.map(Self.script) ?? "nil")))\n"
    }
    text += """
        return migrations
      }()

      """
    return text
  }

  private static func script(_ script: MigrationSource.Script) -> String {
    var name = script.path[...]
    if let slash = name.lastIndex(of: "/") { name = name[name.index(after: slash)...] }
    var arguments = "file: \(literal(String(name))), text: \(literal(script.text))"
    if script.firstLine != 1 { arguments += ", firstLine: \(script.firstLine)" }
    if !script.inTransaction { arguments += ", inTransaction: false" }
    return "Migration.Script(\(arguments))"
  }

  /// A string literal of plain ASCII on one line. What a multi-line literal would change (line ends, marks) is escaped.
  private static func literal(_ text: String) -> String {
    var literal = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": literal += "\\n"
      case "\"": literal += "\\\""
      case "\\": literal += "\\\\"
      case " "..."~": literal.unicodeScalars.append(scalar)
      case _: literal += "\\u{\(String(scalar.value, radix: 16))}"
      }
    }
    return literal + "\""
  }
}
