public import Migrations

/// The proof that the schema is as the app's migrations want it: whoever depends on it comes after them.
public struct DatabaseSchema: Sendable {
  /// What brings the schema forward and back.
  public let migrator: Migrator
  private let migratesOnStart: Bool

  init(_ migrator: Migrator, _ settings: DatabaseSettings) {
    self.migrator = migrator
    migratesOnStart = settings.migrateOnStart
  }

  func prepare() async throws {
    guard migratesOnStart, !migrator.sets.isEmpty else { return }
    _ = try await migrator.up()
  }
}
