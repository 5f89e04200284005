public import Migrations

// What stands in migrations/README.md. The build tool plugin makes `embeddedMigrations` in a reader's target.

private let embeddedMigrations: [Migration] = []

extension MigrationSet {
  /// The tables of hello.
  public static let hello = MigrationSet("hello", embeddedMigrations)
}
