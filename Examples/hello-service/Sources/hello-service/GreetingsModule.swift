import Container
import DatabaseModule
import Migrations
import Postgres

/// Who was greeted, and how often.
protocol Greetings: Sendable {
  func greet(_ name: String) async throws -> Int
}

struct GreetingsModule: Module {
  var body: [any ModuleElement] {
    Migrations(MigrationSet("hello", embeddedMigrations))
    Provide(PostgresGreetings.init(pool:)).as((any Greetings).self) { $0 }
  }
}

private struct PostgresGreetings: Greetings {
  let pool: PostgresPool

  func greet(_ name: String) async throws -> Int {
    try await pool.one(
      """
      INSERT INTO greetings (name) VALUES (\(name))
      ON CONFLICT (name) DO UPDATE SET count = greetings.count + 1
      RETURNING count
      """, name: "Greet")
  }
}
