/// What a migrator tells while it works, for logs and command lines.
public enum MigrationEvent: Sendable {
  /// Another migrator works on the database; this one waits for it.
  case waiting(LockHolder?)
  /// Migrations that another tool applied or undid were taken into the record.
  case reconciled(adopted: [Int64], forgotten: [Int64])
  /// Files of applied migrations, as `set/version`, are others than those that were applied. Nothing is run for that.
  case changed([String])
  /// A step begins, the `index`th (from 1) of `count`.
  case started(MigrationStep, index: Int, count: Int)
  /// A step waits for locks that other sessions hold.
  case blocked(MigrationStep, by: [LockHolder])
  /// A step gave up waiting for a lock and undid what it had done; it is tried again after `delay`.
  case retrying(MigrationStep, attempt: Int, delay: Duration)
  /// A statement of a step that runs outside a transaction is done.
  case statementDone(MigrationStep, done: Int, count: Int)
  /// An index that a failed `CREATE INDEX CONCURRENTLY` left behind was dropped, to be built again.
  case droppedInvalidIndex(MigrationStep, index: String)
  /// A step is done.
  case finished(MigrationStep, duration: Duration)
}
