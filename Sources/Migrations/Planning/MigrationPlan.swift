/// What is to be run, in order. A plan is worked out from the files and the record of the database alone; making one
/// touches nothing.
public struct MigrationPlan: Sendable, Hashable {
  /// The steps in the order of their running.
  public var steps: [MigrationStep]

  /// A plan of `steps`.
  init(steps: [MigrationStep]) {
    self.steps = steps
  }

  /// Whether there is nothing to do.
  public var isEmpty: Bool { steps.isEmpty }
}

extension MigrationPlan {
  /// All pending migrations, or the first `limit` of them: sets in their order, versions ascending.
  static func up(
    _ ledger: MigrationLedger, limit: Int? = nil, policies: MigrationPolicies
  ) throws(MigrationError) -> Self {
    try ledger.checkClean()
    var steps: [MigrationStep] = []
    for account in ledger.accounts {
      try account.check(policies, naming: ledger.naming(account.set.name))
      steps += account.pending.map { MigrationStep(up: $0, set: account.set.name) }
    }
    return MigrationPlan(steps: Array(steps.prefix(limit ?? steps.count)))
  }

  /// The `count` migrations that were applied last, the latest first. They may belong to several sets.
  static func down(_ ledger: MigrationLedger, count: Int) throws(MigrationError) -> Self {
    try ledger.checkClean()
    let applied = ledger.applied
    guard !applied.isEmpty else {
      throw MigrationError(.nothingApplied, "no migration is applied to this database: there is nothing to undo")
    }
    guard count <= applied.count else {
      throw MigrationError(
        .nothingApplied,
        "\(applied.count) \(applied.count == 1 ? "migration is" : "migrations are") applied, fewer than the \(count) to undo; "
          + "migrate down --all undoes them all")
    }
    return try down(ledger, applied.suffix(count).reversed())
  }

  /// Everything that is applied, the latest first.
  static func downAll(_ ledger: MigrationLedger) throws(MigrationError) -> Self {
    try ledger.checkClean()
    return try down(ledger, ledger.applied.reversed())
  }

  /// From wherever `set` is to `version`, which 0 makes the empty database. Without a name it is the first set.
  static func to(
    _ version: Int64, set: String? = nil, _ ledger: MigrationLedger, policies: MigrationPolicies
  ) throws(MigrationError) -> Self {
    try ledger.checkClean()
    let account = try ledger.account(of: set)
    guard version == 0 || account.knows(version) else {
      throw MigrationError(.noSuchVersion, account.refusal(of: version))
    }
    let undone = account.applied.filter { $0.version > version }.sorted { $0.version > $1.version }
    let pending = account.pending.filter { $0.version <= version }
    if undone.isEmpty {
      if let foreign = account.foreignVersion, version < foreign { throw irreversible(foreign) }
      if !pending.isEmpty { try account.checkKnown(policies) }
      try account.checkOrder(policies, upTo: version, naming: ledger.naming(account.set.name))
      return MigrationPlan(steps: pending.map { MigrationStep(up: $0, set: account.set.name) })
    }
    // Going back leaves older gaps alone: closing them is what up is for.
    return try down(ledger, undone)
  }

  /// The one that was applied last, back and forward again.
  static func redo(_ ledger: MigrationLedger) throws(MigrationError) -> Self {
    let undo = try down(ledger, count: 1)
    guard let last = undo.steps.first, let migration = ledger.migration(of: last) else {
      throw MigrationError(
        .databaseIsNewer, "\(undo.steps.first?.version ?? 0) cannot be applied again: this program has no file for it")
    }
    return MigrationPlan(steps: [last, MigrationStep(up: migration, set: last.set)])
  }

  private static func down(
    _ ledger: MigrationLedger, _ applied: some Sequence<AppliedMigration>
  ) throws(MigrationError) -> Self {
    var steps: [MigrationStep] = []
    // Below a version that nobody here knows nothing can be undone in order.
    if let foreign = ledger.accounts.first?.foreignVersion, applied.contains(where: { ledger.owns($0.set) }) {
      throw irreversible(foreign)
    }
    for migration in applied { steps.append(try ledger.stepDown(migration)) }
    return MigrationPlan(steps: steps)
  }

  private static func irreversible(_ foreign: Int64) -> MigrationError {
    MigrationError(
      .irreversible,
      "the database is at version \(foreign), which another tool applied and this program has no file for; undo it with that tool"
    )
  }
}

extension MigrationStep {
  init(up migration: Migration, set: String) {
    self.init(direction: .up, set: set, version: migration.version, title: migration.title, script: migration.up)
  }
}
