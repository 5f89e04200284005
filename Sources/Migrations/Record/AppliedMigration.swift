public import FoundationEssentials

/// What the database recorded of one migration.
public struct AppliedMigration: Sendable, Hashable {
  /// How far a migration outside a transaction got before it stopped.
  public struct Progress: Sendable, Hashable {
    /// Which script was running.
    public var direction: MigrationStep.Direction
    /// How many of its statements are done.
    public var statementsDone: Int
    /// The checksum of the script as it was.
    public var checksum: String

    /// Describes the progress of a script.
    public init(direction: MigrationStep.Direction, statementsDone: Int, checksum: String) {
      self.direction = direction
      self.statementsDone = statementsDone
      self.checksum = checksum
    }
  }

  /// The set the migration belongs to.
  public var set: String
  /// The number.
  public var version: Int64
  /// The words of the file name.
  public var title: String
  /// The checksum of the up script as it was applied; nil when another tool applied it and the text is not known.
  public var checksum: String?
  /// The down script as it stood beside the up script that was applied; nil when there was none.
  public var down: Migration.Script?
  /// The place in the order of application.
  public var order: Int64
  /// When it was applied; nil when another tool did.
  public var appliedAt: Date?
  /// How long the up script took; nil when another tool ran it.
  public var duration: Duration?
  /// The role that applied it; nil when another tool did.
  public var appliedBy: String?
  /// Set while a script outside a transaction is under way, and left behind when it stopped half way.
  public var progress: Progress?

  /// Describes a migration that was applied.
  public init(
    set: String, version: Int64, title: String, checksum: String? = nil, down: Migration.Script? = nil,
    order: Int64, appliedAt: Date? = nil, duration: Duration? = nil, appliedBy: String? = nil, progress: Progress? = nil
  ) {
    self.set = set
    self.version = version
    self.title = title
    self.checksum = checksum
    self.down = down
    self.order = order
    self.appliedAt = appliedAt
    self.duration = duration
    self.appliedBy = appliedBy
    self.progress = progress
  }
}
