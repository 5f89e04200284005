/// What the database recorded, as it was read.
struct MigrationRecord: Sendable, Hashable {
  var versionRow: MigrationLedger.VersionRow?
  /// All rows of the history in the order of application.
  var history: [AppliedMigration]
  /// The set whose versions the version table shows; nil while the history is empty.
  var owner: String?
}

/// How the history is brought in line with the version table, after another tool changed the latter.
struct Reconciliation: Sendable, Hashable {
  /// Applied by the other tool: to be recorded.
  var adopted: [Migration] = []
  /// Undone by the other tool: no longer true.
  var forgotten: [AppliedMigration] = []

  var isEmpty: Bool { adopted.isEmpty && forgotten.isEmpty }
}

extension MigrationLedger {
  /// Lays `record` beside `sets`. The first set owns the version table; what golang-migrate did there since is taken in.
  ///
  /// That tool knows one number, so everything up to it counts as applied by it, and nothing above. A version that is
  /// missing from a history which is otherwise in line stays missing: it is out of order, and not for us to assume.
  static func reconciling(
    _ record: MigrationRecord, with sets: [MigrationSet]
  ) throws(MigrationError) -> (ledger: MigrationLedger, changes: Reconciliation) {
    let sets = try named(sets, owner: record.owner)
    var accounts = sets.map { set in
      Account(
        set: set, applied: record.history.filter { $0.set == set.name }.sorted { $0.version < $1.version })
    }
    // What no set of this program covers is kept in sight: it can be undone, and is never overlooked.
    let names = Set(sets.map(\.name))
    for orphan in Set(record.history.map(\.set)).subtracting(names).sorted() {
      accounts.append(
        Account(
          set: MigrationSet(orphan, []),
          applied: record.history.filter { $0.set == orphan }.sorted { $0.version < $1.version },
          isOrphan: true))
    }
    var changes = Reconciliation()
    // A script half way outside a transaction has its row in both tables already,
    // and what a dirty version left behind is for people to say.
    if !accounts.isEmpty, record.versionRow?.dirty != true, record.history.allSatisfy({ $0.progress == nil }) {
      changes = accounts[0].reconcile(with: record.versionRow)
    }
    return (MigrationLedger(accounts: accounts, versionRow: record.versionRow), changes)
  }

  /// Gives the set without a name the name the database knows it by, and refuses a list headed by the wrong set.
  private static func named(_ sets: [MigrationSet], owner: String?) throws(MigrationError) -> [MigrationSet] {
    var sets = sets
    guard var first = sets.first else { return sets }
    if first.name.isEmpty {
      first.name = owner ?? "main"
      sets[0] = first
    }
    let names = sets.map(\.name)
    if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
      throw MigrationError(
        .setMismatch,
        "two sets of migrations are called \"\(twice)\"; give each a name of its own, for its history is kept by it")
    }
    if let owner, owner != first.name {
      throw MigrationError(
        .setMismatch,
        """
        the version table of this database shows the set "\(owner)", and this program lists "\(first.name)" first. List \
        "\(owner)" first too, or no set at all and let the other program migrate; keep the versions of this program \
        elsewhere with --table only if the two share no set
        """)
    }
    return sets
  }
}

extension MigrationLedger.Account {
  fileprivate mutating func reconcile(with row: MigrationLedger.VersionRow?) -> Reconciliation {
    var changes = Reconciliation()
    let recorded = applied.last?.version ?? 0
    let actual = row?.version ?? 0
    guard actual != recorded else { return changes }

    changes.forgotten = applied.filter { $0.version > actual }
    applied.removeAll { $0.version > actual }
    changes.adopted = set.migrations.filter { $0.version > recorded && $0.version <= actual }
    let lastOrder = applied.map(\.order).max() ?? 0
    for (index, migration) in changes.adopted.enumerated() {
      applied.append(
        AppliedMigration(
          set: set.name, version: migration.version, title: migration.title, down: migration.down,
          order: lastOrder + Int64(index) + 1))
    }
    if actual > applied.last?.version ?? 0, set[actual] == nil { foreignVersion = actual }
    return changes
  }
}
