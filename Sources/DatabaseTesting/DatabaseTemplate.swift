public import Migrations
public import Postgres

/// What a test's database holds when the test begins.
///
/// It is made once in a process, and then copied for every test that asks for it.
///
/// ```swift
/// extension DatabaseTemplate {
///   static let shop = DatabaseTemplate(migrations: [.shop]) { connection in
///     try await connection.execute("INSERT INTO products (name) VALUES ('tea')")
///   }
/// }
/// ```
public struct DatabaseTemplate: Sendable {
  /// Brings a new database to where the tests begin.
  public typealias Seed = @Sendable (PostgresConnection) async throws -> Void

  /// Two templates are one when the same line of code made them with the same migrations.
  struct ID: Hashable {
    let migrations: [MigrationSet]
    let place: String
  }

  let id: ID
  let migrations: [MigrationSet]
  let seed: Seed?

  /// A database without tables.
  public static let empty = DatabaseTemplate(migrations: [])

  /// A migrated database.
  ///
  /// A seed belongs to its line of code: what it does must not depend on anything else, such as an argument of the
  /// function that makes the template.
  ///
  /// - Parameters:
  ///   - migrations: the sets to apply, in this order.
  ///   - fileID: with `line`, tells templates with different seeds apart.
  ///   - line: see `fileID`.
  ///   - seed: what to do after the migrations, such as inserting rows.
  public init(migrations: [MigrationSet], fileID: String = #fileID, line: Int = #line, seed: Seed? = nil) {
    self.migrations = migrations
    self.seed = seed
    id = ID(migrations: migrations, place: seed == nil ? "" : "\(fileID):\(line)")
  }
}
