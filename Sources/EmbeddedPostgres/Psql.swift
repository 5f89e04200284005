/// Runs single statements through the server's own client, for what has to happen before a driver connects. Blocks.
struct Psql {
  let installation: PostgresInstallation
  let user: ServerUser
  let socketDirectory: String
  let port: Int

  /// Creates a database unless it exists.
  func ensureDatabase(_ name: String) throws(EmbeddedPostgresError) {
    let found = try run("SELECT 1 FROM pg_database WHERE datname = \(literal(name))")
    if found.isEmpty { try createDatabase(name, template: nil) }
  }

  func createDatabase(_ name: String, template: String?) throws(EmbeddedPostgresError) {
    let clause = template.map { " TEMPLATE \(identifier($0))" } ?? ""
    _ = try run("CREATE DATABASE \(identifier(name))\(clause)")
  }

  func dropDatabase(_ name: String) throws(EmbeddedPostgresError) {
    _ = try run("DROP DATABASE IF EXISTS \(identifier(name)) WITH (FORCE)")
  }

  private func run(_ statement: String) throws(EmbeddedPostgresError) -> String {
    let arguments = [
      installation.program("psql"), "--no-psqlrc", "--no-password", "--quiet", "--tuples-only", "--no-align",
      "--host", socketDirectory, "--port", String(port), "--username", EmbeddedPostgres.userName,
      "--dbname", "postgres", "--command", statement,
    ]
    switch Tool.run(arguments, as: user) {
    case .success(let outcome) where outcome.succeeded:
      return outcome.output
    case .success(let outcome):
      throw EmbeddedPostgresError(
        .statementFailed, "The embedded PostgreSQL refused: \(statement)", log: outcome.output)
    case .failure(let failure):
      throw EmbeddedPostgresError(
        .statementFailed, "\(arguments[0]) could not be started (\(FileSystem.text(failure.error))).")
    }
  }

  /// A name that PostgreSQL would cut or refuse is refused here, where the reason can be told.
  static func checkName(_ name: String) throws(EmbeddedPostgresError) {
    if name.isEmpty || name.utf8.count > 63 || name.contains("\0") {
      throw EmbeddedPostgresError(.invalidOption, "\"\(name)\" is not a name for a database: it has 1 to 63 bytes.")
    }
  }

  private func identifier(_ name: String) -> String { "\"\(name.escaping("\""))\"" }

  private func literal(_ text: String) -> String { "'\(text.escaping("'"))'" }
}

extension String {
  /// With `escape` before each of some marks, or else each of these twice. By scalars: a mark that combines with a quotation mark
  /// makes another character of it.
  func escaping(_ marks: String, by escape: Unicode.Scalar? = nil) -> String {
    var result = UnicodeScalarView()
    for scalar in unicodeScalars {
      if marks.unicodeScalars.contains(scalar) { result.append(escape ?? scalar) }
      result.append(scalar)
    }
    return String(result)
  }
}
