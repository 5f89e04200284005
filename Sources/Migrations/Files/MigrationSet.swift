/// A named list of migrations.
///
/// ## Usage
/// Compiled into the binary, with the build tool plugin on the target that holds the files:
/// ```swift
/// .target(name: "HelloMigrations",
///   dependencies: [.product(name: "Migrations", package: "keel")],
///   plugins: [.plugin(name: "EmbedMigrations", package: "keel")])
/// ```
/// ```swift
/// let set = MigrationSet("hello", embeddedMigrations)
/// ```
/// Or read from a folder when the program runs:
/// ```swift
/// let set = try MigrationSet(directory: "db/migrations")
/// ```
public struct MigrationSet: Sendable, Hashable {
  /// The name, which keeps the sets of several modules apart in one database.
  ///
  /// An empty name stands for the set that the database's version table belongs to, whatever that is called there.
  public var name: String
  /// The migrations in ascending order.
  public let migrations: [Migration]

  /// A set of `migrations`, which need no particular order. Each version occurs once: the build tool plugin and
  /// ``init(directory:name:missingDown:)`` see to that, and of two that you write by hand the first is kept.
  public init(_ name: String, _ migrations: [Migration]) {
    self.name = name
    var versions: Set<Int64> = []
    self.migrations =
      migrations
      .filter { versions.insert($0.version).inserted }
      .sorted { $0.version < $1.version }
  }

  /// The highest version, or 0 for an empty set.
  public var latestVersion: Int64 { migrations.last?.version ?? 0 }

  /// The migration numbered `version`.
  public subscript(version: Int64) -> Migration? {
    var (low, high) = (0, migrations.count)
    while low < high {
      let middle = (low + high) / 2
      if migrations[middle].version < version { low = middle + 1 } else { high = middle }
    }
    return low < migrations.count && migrations[low].version == version ? migrations[low] : nil
  }
}
