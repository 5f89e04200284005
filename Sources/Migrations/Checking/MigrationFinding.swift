/// Something that is not as it should be between the files, the record and the database.
public struct MigrationFinding: Sendable, Hashable {
  /// What kind of thing.
  public enum Kind: String, Sendable, Hashable, Codable {
    /// The up script is another than the one that was applied.
    case changedUp
    /// The down script is another than the one kept when the migration was applied.
    case changedDown
    /// A migration is applied and this program has no file for it.
    case unknown
    /// A migration is not applied, though a higher one is.
    case outOfOrder
    /// Another tool moved the version since the record was last written.
    case movedByOtherTool
    /// A migration stopped half way.
    case halfDone
    /// An index is invalid: a CREATE INDEX CONCURRENTLY failed.
    case invalidIndex
    /// Something in the database is not as the last run left it: somebody changed it by hand.
    case drift
  }

  /// What kind of thing.
  public var kind: Kind
  /// The set, where it concerns one.
  public var set: String?
  /// The version, where it concerns one.
  public var version: Int64?
  /// What is the matter, and what to do.
  public var message: String
}

extension MigrationFinding: CustomStringConvertible {
  /// The message.
  public var description: String { message }
}

extension MigrationFinding {
  /// What files and record tell without asking the database further.
  static func all(in ledger: MigrationLedger, _ changes: Reconciliation) -> [MigrationFinding] {
    var findings: [MigrationFinding] = []
    do throws(MigrationError) {
      try ledger.checkClean()
    } catch {
      findings.append(MigrationFinding(kind: .halfDone, message: error.message))
    }
    let moved =
      changes.adopted.map { "\($0.version) was applied" } + changes.forgotten.map { "\($0.version) was undone" }
    if !moved.isEmpty {
      findings.append(
        MigrationFinding(
          kind: .movedByOtherTool, set: ledger.accounts.first?.set.name,
          message:
            "another tool moved the version: \(moved.joined(separator: ", ")); the next run of a migration records it"))
    }
    for account in ledger.accounts { findings += all(in: account) }
    return findings
  }

  private static func all(in account: MigrationLedger.Account) -> [MigrationFinding] {
    let set = account.set.name
    var findings: [MigrationFinding] = []
    for record in account.applied where record.progress == nil {
      guard let file = account.set[record.version] else { continue }
      let name = "\(record.version) \(record.title)"
      if let checksum = record.checksum, checksum != file.up.checksum {
        findings.append(
          MigrationFinding(
            kind: .changedUp, set: set, version: record.version,
            message:
              "\(file.up.file) is not what was applied as \(name): put it back, and make the change in a new migration")
        )
      }
      if record.checksum != nil, record.down?.checksum != file.down?.checksum {
        findings.append(
          MigrationFinding(
            kind: .changedDown, set: set, version: record.version,
            message:
              "the down script of \(name) is not what it was when \(name) was applied; the file is what would run"))
      }
    }
    for version in account.unknown {
      findings.append(
        MigrationFinding(
          kind: .unknown, set: set, version: version,
          message: "version \(version) of \"\(set)\" is applied, and this program has no file for it"))
    }
    for migration in account.outOfOrder {
      findings.append(
        MigrationFinding(
          kind: .outOfOrder, set: set, version: migration.version,
          message: "\(migration.version) \(migration.title) is not applied, though \(account.version) is"))
    }
    return findings
  }
}
