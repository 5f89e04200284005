public import Container
public import Migrations

/// Contributes a set of migrations to the app's database: a line in the module that needs the tables.
///
/// Sets are applied in the order in which they stand in the app, before the pool opens.
public struct Migrations: Module {
  private let set: MigrationSet

  /// The set to apply.
  public init(_ set: MigrationSet) { self.set = set }

  /// The set, as a member of `Group<MigrationSet>`.
  public var body: [any ModuleElement] { Supply(set).grouped() }
}
