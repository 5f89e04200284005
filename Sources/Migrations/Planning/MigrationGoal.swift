/// Where a migrator is to bring a database.
public enum MigrationGoal: Sendable, Hashable {
  /// Forward: everything pending, or the first `limit`.
  case up(limit: Int? = nil)
  /// Back: the last `count`.
  case down(count: Int)
  /// Back to the empty database.
  case downAll
  /// To a version of a set, without a name of the first; 0 is the empty database.
  case to(Int64, set: String? = nil)
  /// The last one back and forward again.
  case redo
}

extension MigrationGoal {
  /// Whether something is to be undone, so that there is hardly ever nothing to do.
  var goesBack: Bool {
    switch self {
    case .down, .downAll, .redo: true
    case .up, .to: false
    }
  }

  func plan(_ ledger: MigrationLedger, _ policies: MigrationPolicies) throws(MigrationError) -> MigrationPlan {
    switch self {
    case .up(let limit): try .up(ledger, limit: limit, policies: policies)
    case .down(let count): try .down(ledger, count: count)
    case .downAll: try .downAll(ledger)
    case .to(let version, let set): try .to(version, set: set, ledger, policies: policies)
    case .redo: try .redo(ledger)
    }
  }
}
