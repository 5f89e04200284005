public import Migrations

extension MigrationSet {
  /// The migrations that every application may start from: accounts, permissions, libraries, movies and television.
  ///
  /// They are the `.sql` files beside this one, compiled into the binary.
  public static let shared = MigrationSet("shared", embeddedMigrations)
}
