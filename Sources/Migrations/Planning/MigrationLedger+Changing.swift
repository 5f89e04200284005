extension MigrationLedger {
  /// The version of the first set: what the version table shows.
  var version: Int64 { accounts.first?.version ?? 0 }

  /// Whether the version table shows `set`.
  func owns(_ set: String) -> Bool { accounts.first?.set.name == set }

  /// The migration a step runs, when this program has its file.
  func migration(of step: MigrationStep) -> Migration? {
    accounts.first { $0.set.name == step.set }?.set[step.version]
  }

  /// The version of the first set once `step`, which is one of its own, is carried out.
  func version(after step: MigrationStep) -> Int64 {
    guard let account = accounts.first else { return 0 }
    let others = account.applied.last { $0.version != step.version }?.version ?? 0
    return max(account.foreignVersion ?? 0, others, step.direction == .up ? step.version : 0)
  }

  /// Takes in that `step` was carried out.
  mutating func apply(_ step: MigrationStep) {
    guard let index = accounts.firstIndex(where: { $0.set.name == step.set }) else { return }
    let known = accounts[index].applied.first { $0.version == step.version }
    accounts[index].applied.removeAll { $0.version == step.version }
    guard step.direction == .up else { return }
    let order = known?.order ?? (applied.last?.order ?? 0) + 1
    accounts[index].applied.append(
      AppliedMigration(
        set: step.set, version: step.version, title: step.title, checksum: step.script.checksum,
        down: accounts[index].set[step.version]?.down, order: order))
    accounts[index].applied.sort { $0.version < $1.version }
  }
}
