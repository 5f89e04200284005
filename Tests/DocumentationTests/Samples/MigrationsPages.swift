import EventLoop
public import Migrations
import Postgres

// What stands in migrations/README.md. The build tool plugin makes `embeddedMigrations` in a reader's target.

private let embeddedMigrations: [Migration] = []

extension MigrationSet {
  /// The tables of hello.
  public static let hello = MigrationSet("hello", embeddedMigrations)
}

// What stands in Migrations.docc.

private func migrateAFolder(_ loop: EventLoop) async throws -> MigrationReport {
  let migrator = Migrator(
    try MigrationSet(directory: "db/migrations"), options: try ConnectOptions("postgres://localhost/app"), loop: loop)
  let report = try await migrator.up()

  return report
}
