/// A step as it went in a transaction that was rolled back.
public struct RehearsedStep: Sendable, Hashable {
  /// A lock on something that was there before.
  public struct Lock: Sendable, Hashable {
    /// The table, with its schema.
    public var relation: String
    /// The mode as PostgreSQL calls it, such as `AccessExclusiveLock`.
    public var mode: String
    /// About how many rows the table has.
    public var rows: Int64

    /// Whether nobody can even read a table that is in use: it holds rows.
    public var blocksReaders: Bool { mode == "AccessExclusiveLock" && rows > 0 }

    package init(relation: String, mode: String, rows: Int64) {
      self.relation = relation
      self.mode = mode
      self.rows = rows
    }
  }

  /// The step.
  public var step: MigrationStep
  /// The locks it took that steps before it had not, strongest first. Those that only hinder other migrations or
  /// maintenance are among them; those of mere reading are not.
  public var locks: [Lock]
  /// How long it ran; nil when it was left out, because it, or one before it, runs outside a transaction.
  public var duration: Duration?

  package init(step: MigrationStep, locks: [Lock], duration: Duration?) {
    self.step = step
    self.locks = locks
    self.duration = duration
  }
}
