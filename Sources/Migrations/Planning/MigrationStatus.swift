/// What is applied to a database and what is not.
public struct MigrationStatus: Sendable, Hashable {
  /// Where one migration stands.
  public enum State: String, Sendable, Hashable, Codable {
    /// It is applied.
    case applied
    /// It is not applied yet.
    case pending
    /// It is not applied, though a higher one is.
    case outOfOrder
    /// It is applied, and this program has no file for it.
    case unknown
    /// It stopped half way, outside a transaction.
    case halfDone
  }

  /// One migration.
  public struct Line: Sendable, Hashable {
    /// The number.
    public var version: Int64
    /// The words of the file name.
    public var title: String
    /// Where it stands.
    public var state: State
    /// What the database recorded, when it is applied or half done.
    public var record: AppliedMigration?
    /// Whether the up script is another than the one that was applied. False when that is not known.
    public var isChanged: Bool
  }

  /// One set of migrations.
  public struct SetStatus: Sendable, Hashable {
    /// The name.
    public var name: String
    /// Its migrations in ascending order.
    public var lines: [Line]
    /// The highest version this program has, or 0.
    public var latestVersion: Int64
    /// The highest version applied, or 0.
    public var version: Int64
    /// Whether this program lacks the set, which the database has.
    public var isOrphan: Bool

    /// How many of its migrations are not applied yet.
    public var pendingCount: Int { lines.count { $0.state == .pending || $0.state == .outOfOrder } }
  }

  /// The sets in their order.
  public var sets: [SetStatus]
  /// Whether a migration stopped half way, ours or another tool's.
  public var isDirty: Bool

  /// The number that golang-migrate's table shows: the version of the first set, or that of the migration of it that
  /// stopped half way; 0 for none.
  public var version: Int64
  /// The highest version this program has in its first set.
  public var latestVersion: Int64 { sets.first?.latestVersion ?? 0 }
  /// Whether files and database differ in more than what is pending, or something stopped half way: a changed file, a
  /// version without a file, a late file. What ``MigrationPolicies`` accept is told all the same.
  public var hasFindings: Bool {
    isDirty
      || sets.contains { set in
        !set.isOrphan && set.lines.contains { $0.isChanged || $0.state == .unknown || $0.state == .outOfOrder }
      }
  }
  /// Migrations whose up script is another than the one that was applied, as `set/version`.
  public var changed: [String] {
    sets.flatMap { set in set.lines.filter(\.isChanged).map { "\(set.name)/\($0.version)" } }
  }
  /// How many migrations are not applied yet.
  public var pendingCount: Int { sets.reduce(0) { $0 + $1.pendingCount } }
}

extension MigrationStatus {
  init(_ ledger: MigrationLedger) {
    sets = ledger.accounts.map(SetStatus.init)
    let dirtyRow = ledger.versionRow.flatMap { $0.dirty ? $0 : nil }
    version = dirtyRow?.version ?? sets.first?.version ?? 0
    isDirty = dirtyRow != nil || ledger.halfDone != nil
  }
}

extension MigrationStatus.SetStatus {
  fileprivate init(_ account: MigrationLedger.Account) {
    name = account.set.name
    latestVersion = account.set.latestVersion
    version = account.version
    isOrphan = account.isOrphan
    let late = Set(account.outOfOrder.map(\.version))
    let records = Dictionary(account.applied.map { ($0.version, $0) }) { first, _ in first }
    let versions = Set(account.set.migrations.map(\.version)).union(records.keys).sorted()
    lines = versions.map { version in
      let (file, record) = (account.set[version], records[version])
      let state: MigrationStatus.State =
        if record?.progress != nil {
          .halfDone
        } else if file == nil {
          .unknown
        } else if record != nil {
          .applied
        } else {
          late.contains(version) ? .outOfOrder : .pending
        }
      let isChanged = if let checksum = record?.checksum, let file { checksum != file.up.checksum } else { false }
      return MigrationStatus.Line(
        version: version, title: file?.title ?? record?.title ?? "", state: state, record: record, isChanged: isChanged)
    }
    if let foreign = account.foreignVersion {
      lines.append(
        MigrationStatus.Line(version: foreign, title: "", state: .unknown, record: nil, isChanged: false))
    }
  }
}
