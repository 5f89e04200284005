/// What a migrator did.
public struct MigrationReport: Sendable, Hashable {
  /// A step and how long it took.
  public struct Completed: Sendable, Hashable {
    /// The step.
    public var step: MigrationStep
    /// How long its script ran.
    public var duration: Duration
  }

  /// The versions of a set.
  public struct SetVersions: Sendable, Hashable {
    /// The set's name.
    public var name: String
    /// The version before; 0 for none.
    public var from: Int64
    /// The version now; 0 for none.
    public var to: Int64
  }

  /// The steps in the order they were carried out; empty when there was nothing to do.
  public var completed: [Completed] = []
  /// The version of the first set before.
  public var from: Int64
  /// The version of the first set now.
  public var to: Int64
  /// The versions of all sets in their order, those that only the database has included.
  public var sets: [SetVersions]

  init(completed: [Completed] = [], from before: MigrationLedger, to after: MigrationLedger) {
    self.completed = completed
    from = before.version
    to = after.version
    sets = before.accounts.map { account in
      let now = after.accounts.first { $0.set.name == account.set.name }
      return SetVersions(name: account.set.name, from: account.version, to: now?.version ?? 0)
    }
  }
}
