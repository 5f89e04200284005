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

  /// Why a step was not tried.
  public enum Omission: String, Sendable, Hashable, Codable {
    /// It runs outside a transaction.
    case outsideTransaction
    /// It uses a value of an enum that `ALTER TYPE … ADD VALUE` added in a step before it. The server allows that once the
    /// value is committed, which it is in a real run, and is not while the steps share a transaction.
    case newEnumValue
    /// It comes after one that was not tried.
    case behindOmitted
  }

  /// The step.
  public var step: MigrationStep
  /// The locks it took that steps before it had not, strongest first. Those that only hinder other migrations or
  /// maintenance are among them; those of mere reading are not.
  public var locks: [Lock]
  /// How long it ran; nil when it was not tried.
  public var duration: Duration?
  /// Why it was not tried; nil when it was.
  public var omission: Omission?

  package init(step: MigrationStep, locks: [Lock], duration: Duration) {
    self.step = step
    self.locks = locks
    self.duration = duration
  }

  package init(step: MigrationStep, omission: Omission) {
    self.step = step
    self.locks = []
    self.omission = omission
  }
}
