/// What the files say beside what the database says, for every set. A pure value: it is read once under the lock, and
/// plans are made of it.
struct MigrationLedger: Sendable, Hashable {
  /// The version table as golang-migrate knows it: at most one row.
  struct VersionRow: Sendable, Hashable {
    var version: Int64
    var dirty: Bool
  }

  /// One set beside its history.
  struct Account: Sendable, Hashable {
    var set: MigrationSet
    /// What is applied, ascending by version.
    var applied: [AppliedMigration]
    /// A version another tool left in the version table that no file has: what lies between is not known.
    var foreignVersion: Int64?
    /// Whether this program has no such set: its rows are another program's, or a module's that is gone.
    var isOrphan = false
  }

  /// The sets in their order; the first owns the version table.
  var accounts: [Account]
  /// The version table's row, after the record was brought in line with it.
  var versionRow: VersionRow?
}

extension MigrationLedger {
  /// Everything applied, in the order of application.
  var applied: [AppliedMigration] {
    accounts.flatMap(\.applied).sorted { $0.order < $1.order }
  }

  /// The migration that stopped half way, if one did.
  var halfDone: AppliedMigration? {
    applied.first { $0.progress != nil }
  }

  func account(of set: String?) throws(MigrationError) -> Account {
    guard let name = set else {
      guard let first = accounts.first else {
        throw MigrationError(.noSuchVersion, "this program has no migrations")
      }
      return first
    }
    guard let account = accounts.first(where: { $0.set.name == name }) else {
      let names = accounts.map { "\"\($0.set.name)\"" }.joined(separator: ", ")
      throw MigrationError(.noSuchVersion, "there is no set of migrations \"\(name)\"; there are \(names)")
    }
    return account
  }

  /// Refuses to go on from a migration that stopped half way, and says how to mend it.
  func checkClean() throws(MigrationError) {
    if let halfDone, let progress = halfDone.progress {
      throw MigrationError(
        .dirty,
        """
        \(progress.direction.rawValue) \(halfDone.version) \(halfDone.title) stopped after \(progress.statementsDone) \
        \(progress.statementsDone == 1 ? "statement" : "statements"); it runs outside a transaction. To go on where it \
        stopped: migrate resume. \(remedyByHand(halfDone, progress.direction))
        """)
    }
    if let versionRow, versionRow.dirty {
      throw MigrationError(
        .dirty,
        """
        the version table is marked dirty: another tool stopped half way on its way to version \(versionRow.version), and \
        left no record how far it came. Bring the database by hand to the state of one version, then name that version: \
        migrate force V
        """)
    }
  }

  /// What says that a migration is there or is not, once somebody made it so.
  private func remedyByHand(_ migration: AppliedMigration, _ direction: MigrationStep.Direction) -> String {
    let applied = accounts.first { $0.set.name == migration.set }?.applied ?? []
    let highest = applied.last?.version ?? 0
    let present = "migrate force \(highest)\(naming(migration.set))"
    // A late one has higher ones above it, which force would forget with it.
    guard highest == migration.version else {
      return "If it is there as a whole, by your hand: \(present)"
    }
    let previous = applied.last { $0.version < migration.version }?.version ?? 0
    let absent = "migrate force \(previous)\(naming(migration.set))"
    return """
      If you have finished it by hand: \(direction == .up ? present : absent). If you have undone it by hand: \
      \(direction == .up ? absent : present)
      """
  }

  /// The flag that names a set, where a command would take another one without it.
  func naming(_ set: String) -> String { owns(set) ? "" : " --set \(set)" }

  /// The step that undoes `migration`: by the file this program has, else by what the database kept.
  func stepDown(_ migration: AppliedMigration) throws(MigrationError) -> MigrationStep {
    let account = accounts.first { $0.set.name == migration.set }
    let file = account?.set[migration.version]
    guard let script = file.map(\.down) ?? migration.down else {
      throw MigrationError(
        .irreversible,
        file == nil && migration.checksum == nil
          ? "\(migration.version) \(migration.title) cannot be undone: this program does not have it, and the tool that applied it kept no SQL"
          : "\(migration.version) \(migration.title) cannot be undone: it has no down script")
    }
    return MigrationStep(
      direction: .down, set: migration.set, version: migration.version, title: migration.title, script: script,
      isFromHistory: file == nil)
  }
}

extension MigrationLedger.Account {
  /// The highest version that is applied, or 0.
  var version: Int64 { max(foreignVersion ?? 0, applied.last?.version ?? 0) }

  /// What is not applied yet, ascending.
  var pending: [Migration] {
    let versions = Set(applied.map(\.version))
    return set.migrations.filter { !versions.contains($0.version) }
  }

  /// What was skipped: pending below something applied.
  var outOfOrder: [Migration] {
    pending.filter { $0.version < applied.last?.version ?? 0 }
  }

  /// What is applied and not among the files.
  var unknown: [Int64] {
    applied.map(\.version).filter { set[$0] == nil } + (foreignVersion.map { [$0] } ?? [])
  }

  func knows(_ version: Int64) -> Bool {
    set[version] != nil || applied.contains { $0.version == version } || version == foreignVersion
  }

  func refusal(of version: Int64) -> String {
    guard let first = set.migrations.first, let last = set.migrations.last else {
      return "there is no version \(version): the set \"\(set.name)\" is empty"
    }
    let contiguous = last.version - first.version == Int64(set.migrations.count - 1)
    let existing =
      contiguous || set.migrations.count > 12
      ? "\(first.version) to \(last.version)"
      : set.migrations.map { String($0.version) }.joined(separator: ", ")
    let near = set.migrations.min { abs($0.version - version) < abs($1.version - version) }
    let nearest = contiguous ? "" : near.map { "; the nearest is \($0.version) \($0.title)" } ?? ""
    return "there is no version \(version); there are \(existing)\(nearest), and 0 for the empty database"
  }

  func check(_ policies: MigrationPolicies, naming flag: String = "") throws(MigrationError) {
    guard !isOrphan else { return }
    try checkKnown(policies)
    try checkOrder(policies, upTo: .max, naming: flag)
  }

  func checkKnown(_ policies: MigrationPolicies) throws(MigrationError) {
    guard let newest = unknown.max(), policies.newerDatabase == .refuse else { return }
    throw MigrationError(
      .databaseIsNewer,
      """
      the database has version \(newest) of "\(set.name)", and this program knows \(set.latestVersion) as the highest: a \
      newer version of the program was here. Run that one, or undo what it applied with migrate down, which uses the SQL \
      kept in the database
      """)
  }

  func checkOrder(
    _ policies: MigrationPolicies, upTo limit: Int64, naming flag: String = ""
  ) throws(MigrationError) {
    let late = outOfOrder.filter { $0.version <= limit }
    guard let first = late.first, policies.outOfOrder == .refuse else { return }
    let names = late.map { "\($0.version) \($0.title)" }.joined(separator: ", ")
    throw MigrationError(
      .outOfOrder,
      """
      \(names) \(late.count == 1 ? "is" : "are") not applied, though \(version) is. Two ways out: give \
      \(late.count == 1 ? "the file a number" : "the files numbers") above \(version) (as after a merge of two branches), \
      or go back with migrate to \(applied.last { $0.version < first.version }?.version ?? 0)\(flag) and then up again
      """)
  }
}
