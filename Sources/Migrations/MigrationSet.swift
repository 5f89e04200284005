/// A named list of migrations.
public struct MigrationSet: Sendable, Hashable {
  /// The name, which keeps the sets of several modules apart in one database.
  public var name: String
  /// The migrations in ascending order.
  public let migrations: [Migration]

  /// A set of `migrations`, which need no particular order.
  public init(_ name: String, _ migrations: [Migration]) {
    self.name = name
    self.migrations = migrations.sorted { $0.version < $1.version }
  }
}
