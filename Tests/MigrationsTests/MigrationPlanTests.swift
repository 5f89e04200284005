import Testing

@testable import Migrations

@Suite struct MigrationPlanTests {
  @Test func `up takes what is pending in order, or the first few`() throws {
    let ledger = ledger(files: [1, 2, 3, 5], applied: [1])
    #expect(
      try MigrationPlan.up(ledger, policies: .init()).steps.map(\.description) == ["up 2 m2", "up 3 m3", "up 5 m5"])
    #expect(try MigrationPlan.up(ledger, limit: 1, policies: .init()).steps.map(\.version) == [2])
    #expect(try MigrationPlan.up(ledger, limit: 9, policies: .init()).steps.count == 3)
  }

  @Test func `down takes the last ones, the latest first`() throws {
    let ledger = ledger(files: [1, 2, 3], applied: [1, 2, 3])
    #expect(try MigrationPlan.down(ledger, count: 2).steps.map(\.description) == ["down 3 m3", "down 2 m2"])
    #expect(try MigrationPlan.downAll(ledger).steps.map(\.version) == [3, 2, 1])
  }

  @Test func `down across sets follows the order of application`() throws {
    var ledger = ledger(files: [1, 2], applied: [1, 2])
    ledger.accounts[0].applied[1].order = 9
    ledger.accounts.append(account(name: "hello", files: [1], applied: [1], firstOrder: 5))
    #expect(try MigrationPlan.down(ledger, count: 2).steps.map { "\($0.set) \($0.version)" } == ["main 2", "hello 1"])
  }

  @Test func `down on an empty database says so`() {
    #expect(refusal { try MigrationPlan.down(ledger(files: [1], applied: []), count: 1) }?.code == .nothingApplied)
    #expect(throws: Never.self) { try MigrationPlan.downAll(ledger(files: [1], applied: [])) }
  }

  @Test func `more downs than were applied are refused before any is run`() {
    let error = refusal { try MigrationPlan.down(ledger(files: [1, 2], applied: [1]), count: 2) }
    #expect(error?.code == .nothingApplied)
    #expect(error?.message.contains("migrate down --all") == true)
  }

  @Test(
    arguments: [
      (0, ["down 3 m3", "down 1 m1"]), (1, ["down 3 m3"]), (3, []), (5, ["up 5 m5"]), (6, ["up 5 m5", "up 6 m6"]),
    ] as [(Int64, [String])])
  func `to goes up or down`(version: Int64, steps: [String]) throws {
    let ledger = ledger(files: [1, 3, 5, 6], applied: [1, 3])
    #expect(try MigrationPlan.to(version, ledger, policies: .init()).steps.map(\.description) == steps)
  }

  @Test func `to a version that does not exist lists those that do`() {
    let whole = refusal { try MigrationPlan.to(99, ledger(files: [1, 2, 3], applied: []), policies: .init()) }
    #expect(whole?.code == .noSuchVersion)
    #expect(whole?.message == "there is no version 99; there are 1 to 3, and 0 for the empty database")
    let gaps = refusal { try MigrationPlan.to(4, ledger(files: [1, 3, 9], applied: []), policies: .init()) }
    #expect(
      gaps?.message == "there is no version 4; there are 1, 3, 9; the nearest is 3 m3, and 0 for the empty database")
    #expect(
      refusal { try MigrationPlan.to(1, ledger(files: [], applied: []), policies: .init()) }?.code == .noSuchVersion)
    #expect(
      refusal { try MigrationPlan.to(1, set: "x", ledger(files: [1], applied: []), policies: .init()) }?.message
        == "there is no set of migrations \"x\"; there are \"main\"")
  }

  @Test func `a lower version that comes late is refused with the ways out, or run where that was chosen`() throws {
    let ledger = ledger(files: [1, 2, 3], applied: [1, 3])
    let error = refusal { try MigrationPlan.up(ledger, policies: .init()) }
    #expect(error?.code == .outOfOrder)
    #expect(error?.message.contains("2 m2 is not applied, though 3 is") == true)
    #expect(error?.message.contains("migrate to 1") == true)
    var policies = MigrationPolicies()
    policies.outOfOrder = .run
    #expect(try MigrationPlan.up(ledger, policies: policies).steps.map(\.version) == [2])
    // Going back is always possible.
    #expect(try MigrationPlan.to(1, ledger, policies: .init()).steps.map(\.description) == ["down 3 m3"])
  }

  @Test func `a newer database is refused, or left alone where that was chosen`() throws {
    let ledger = ledger(files: [1, 2], applied: [1, 2, 3])
    let error = refusal { try MigrationPlan.up(ledger, policies: .init()) }
    #expect(error?.code == .databaseIsNewer)
    #expect(error?.message.contains("version 3") == true)
    var policies = MigrationPolicies()
    policies.newerDatabase = .run
    #expect(try MigrationPlan.up(ledger, policies: policies).isEmpty)
  }

  @Test func `a version without a file is undone by the SQL the database kept`() throws {
    let ledger = ledger(files: [1, 2], applied: [1, 2, 3])
    let step = try #require(try MigrationPlan.down(ledger, count: 1).steps.first)
    #expect(step.isFromHistory)
    #expect(step.script.text == "-- kept 3")
  }

  @Test func `the file is preferred to what the database kept`() throws {
    let step = try #require(try MigrationPlan.down(ledger(files: [1], applied: [1]), count: 1).steps.first)
    #expect(!step.isFromHistory)
    #expect(step.script.text == "-- down 1")
  }

  @Test func `what has no way back is not begun`() {
    var ledger = ledger(files: [1, 2], applied: [1, 2])
    var migrations = ledger.accounts[0].set.migrations
    migrations[0].down = nil
    ledger.accounts[0].set = MigrationSet("main", migrations)
    #expect(refusal { try MigrationPlan.downAll(ledger) }?.code == .irreversible)
    #expect(throws: Never.self) { try MigrationPlan.down(ledger, count: 1) }
  }

  @Test func `redo is the last one back and forward`() throws {
    let ledger = ledger(files: [1, 2], applied: [1, 2])
    #expect(try MigrationPlan.redo(ledger).steps.map(\.description) == ["down 2 m2", "up 2 m2"])
  }

  @Test func `a migration that stopped half way stops everything and names the three commands`() {
    var ledger = ledger(files: [1, 2, 3], applied: [1, 2])
    ledger.accounts[0].applied[1].progress = .init(direction: .up, statementsDone: 1, checksum: "")
    let error = refusal { try MigrationPlan.up(ledger, policies: .init()) }
    #expect(error?.code == .dirty)
    for command in ["migrate resume", "migrate force 2", "migrate force 1"] {
      #expect(error?.message.contains(command) == true)
    }
  }

  @Test(arguments: [
    ("main", "migrate force 2.", "migrate force 1"),
    ("hello", "migrate force 2 --set hello.", "migrate force 1 --set hello"),
  ])
  func `the way out of a half-done migration names the set where a command would take another`(
    set: String, finished: String, undone: String
  ) {
    var ledger = ledger(files: [1, 2], applied: [1, 2])
    ledger.accounts.append(account(name: "hello", files: [1, 2], applied: [1, 2], firstOrder: 5))
    ledger.accounts[set == "main" ? 0 : 1].applied[1].progress = .init(
      direction: .up, statementsDone: 1, checksum: "")
    let message = refusal { try MigrationPlan.up(ledger, policies: .init()) }?.message ?? ""
    #expect(message.contains("If you have finished it by hand: \(finished)"))
    #expect(message.hasSuffix("If you have undone it by hand: \(undone)"))
  }

  @Test(arguments: [MigrationStep.Direction.up, .down])
  func `the way out of a late half-done migration forgets nothing above it`(direction: MigrationStep.Direction) {
    var ledger = ledger(files: [1, 2, 3], applied: [1, 2, 3])
    ledger.accounts[0].applied[1].progress = .init(direction: direction, statementsDone: 1, checksum: "")
    let message = refusal { try MigrationPlan.up(ledger, policies: .init()) }?.message ?? ""
    #expect(message.contains("migrate resume"))
    #expect(message.contains("migrate force 3"))
    #expect(!message.contains("migrate force 2") && !message.contains("migrate force 1"))
  }

  @Test func `the way out of a late version names the set where a command would take another`() {
    var ledger = ledger(files: [1], applied: [1])
    ledger.accounts.append(account(name: "hello", files: [1, 2, 3], applied: [1, 3], firstOrder: 5))
    let up = refusal { try MigrationPlan.up(ledger, policies: .init()) }
    #expect(up?.code == .outOfOrder)
    #expect(up?.message.contains("migrate to 1 --set hello and then up again") == true)
    let to = refusal { try MigrationPlan.to(3, set: "hello", ledger, policies: .init()) }
    #expect(to?.message == up?.message)
  }

  @Test func `to makes no step on a newer database either, unless that was chosen`() throws {
    let ledger = ledger(files: [1, 2, 4], applied: [1, 2, 3])
    #expect(refusal { try MigrationPlan.to(4, ledger, policies: .init()) }?.code == .databaseIsNewer)
    var policies = MigrationPolicies()
    policies.newerDatabase = .run
    #expect(try MigrationPlan.to(4, ledger, policies: policies).steps.map(\.description) == ["up 4 m4"])
    // Where there is nothing to run, nothing is refused; and back is always possible.
    #expect(try MigrationPlan.to(3, ledger, policies: .init()).isEmpty)
    #expect(try MigrationPlan.to(2, ledger, policies: .init()).steps.map(\.description) == ["down 3 m3"])
  }

  @Test func `another tool's dirty mark stops everything`() {
    var ledger = ledger(files: [1, 2], applied: [1])
    ledger.versionRow = .init(version: 2, dirty: true)
    #expect(refusal { try MigrationPlan.down(ledger, count: 1) }?.code == .dirty)
  }

  @Test func `a set that only the database knows is left alone by up and shown by status`() throws {
    var ledger = ledger(files: [1], applied: [1])
    ledger.accounts.append(account(name: "gone", files: [], applied: [7], firstOrder: 9, isOrphan: true))
    #expect(try MigrationPlan.up(ledger, policies: .init()).isEmpty)
    let status = MigrationStatus(ledger)
    #expect(status.sets.map(\.name) == ["main", "gone"])
    #expect(status.sets[1].lines.map(\.state) == [.unknown])
  }

  @Test func `two sets of one name are refused`() {
    let sets = [MigrationSet("main", []), MigrationSet("hello", []), MigrationSet("hello", [])]
    let error = refusal {
      try MigrationLedger.reconciling(MigrationRecord(versionRow: nil, history: [], owner: nil), with: sets).ledger
    }
    #expect(error?.code == .setMismatch && error?.message.contains("\"hello\"") == true)
  }
}

@Suite struct MigrationStatusTests {
  @Test func `each migration is told by its state`() {
    var ledger = ledger(files: [1, 2, 3, 4], applied: [1, 3, 9])
    ledger.accounts[0].applied[0].checksum = "another"
    let status = MigrationStatus(ledger)
    #expect(status.sets[0].lines.map(\.version) == [1, 2, 3, 4, 9])
    #expect(status.sets[0].lines.map(\.state) == [.applied, .outOfOrder, .applied, .outOfOrder, .unknown])
    #expect(status.sets[0].lines.map(\.isChanged) == [true, false, false, false, false])
    #expect(status.version == 9)
    #expect(status.latestVersion == 4)
    #expect(status.pendingCount == 2)
    #expect(!status.isDirty)
  }
}

@Suite struct ReconcilingTests {
  private func reconcile(
    files: [Int64], history: [Int64], row: MigrationLedger.VersionRow?, owner: String? = "main", name: String = "main"
  ) throws -> (ledger: MigrationLedger, changes: Reconciliation) {
    let record = MigrationRecord(
      versionRow: row, history: account(name: "main", files: [], applied: history).applied,
      owner: history.isEmpty ? nil : owner)
    return try MigrationLedger.reconciling(record, with: [MigrationSet(name, files.map(migration))])
  }

  @Test func `an empty database has nothing`() throws {
    let (ledger, changes) = try reconcile(files: [1, 2], history: [], row: nil)
    #expect(ledger.version == 0)
    #expect(changes.isEmpty)
  }

  @Test func `a database of golang-migrate is taken over`() throws {
    let (ledger, changes) = try reconcile(files: [1, 2, 3], history: [], row: .init(version: 2, dirty: false))
    #expect(changes.adopted.map(\.version) == [1, 2])
    #expect(ledger.accounts[0].applied.map(\.version) == [1, 2])
    #expect(ledger.accounts[0].pending.map(\.version) == [3])
  }

  @Test func `what golang-migrate did in between is taken in`() throws {
    let up = try reconcile(files: [1, 2, 3, 4], history: [1, 2], row: .init(version: 4, dirty: false))
    #expect(up.changes.adopted.map(\.version) == [3, 4])
    let down = try reconcile(files: [1, 2, 3], history: [1, 2, 3], row: .init(version: 1, dirty: false))
    #expect(down.changes.forgotten.map(\.version) == [2, 3])
    #expect(down.ledger.accounts[0].pending.map(\.version) == [2, 3])
    let all = try reconcile(files: [1, 2], history: [1, 2], row: nil)
    #expect(all.changes.forgotten.map(\.version) == [1, 2])
  }

  @Test func `a gap in a history that is in line stays a gap`() throws {
    let (ledger, changes) = try reconcile(files: [1, 2, 3], history: [1, 3], row: .init(version: 3, dirty: false))
    #expect(changes.isEmpty)
    #expect(ledger.accounts[0].outOfOrder.map(\.version) == [2])
  }

  @Test func `a version nobody here knows makes the database newer`() throws {
    let (ledger, changes) = try reconcile(files: [1, 2], history: [1], row: .init(version: 7, dirty: false))
    #expect(changes.adopted.map(\.version) == [2])
    #expect(ledger.version == 7)
    #expect(refusal { try MigrationPlan.up(ledger, policies: .init()) }?.code == .databaseIsNewer)
    #expect(refusal { try MigrationPlan.down(ledger, count: 1) }?.code == .irreversible)
  }

  @Test func `a version that no file has, between those there are, is neither left nor gone below`() throws {
    var (ledger, changes) = try reconcile(files: [1, 2, 3, 10], history: [], row: .init(version: 9, dirty: false))
    #expect(changes.adopted.map(\.version) == [1, 2, 3])
    #expect(ledger.version == 9)
    for goal in [MigrationGoal.up(), .to(10)] {
      let error = refusal { try goal.plan(ledger, .init()) }
      #expect(error?.code == .databaseIsNewer)
      #expect(error?.message.contains("version 9") == true)
    }
    for version in [0, 1, 3] as [Int64] {
      #expect(refusal { try MigrationPlan.to(version, ledger, policies: .init()) }?.code == .irreversible)
    }
    #expect(try MigrationPlan.to(9, ledger, policies: .init()).isEmpty)
    // By choice it is left, and then the highest of both is the version.
    var policies = MigrationPolicies()
    policies.newerDatabase = .run
    let plan = try MigrationPlan.to(10, ledger, policies: policies)
    #expect(plan.steps.map(\.description) == ["up 10 m10"])
    for step in plan.steps { ledger.apply(step) }
    #expect(ledger.version == 10)
  }

  @Test func `a version that no file has, below one that was undone, is seen`() throws {
    let (ledger, changes) = try reconcile(
      files: [1, 2, 3, 5], history: [1, 2, 3, 5], row: .init(version: 4, dirty: false))
    #expect(changes.forgotten.map(\.version) == [5])
    #expect(ledger.version == 4)
    #expect(refusal { try MigrationPlan.up(ledger, policies: .init()) }?.code == .databaseIsNewer)
  }

  @Test func `a dirty version changes nothing of the record`() throws {
    let (_, changes) = try reconcile(files: [1, 2, 3], history: [1], row: .init(version: 3, dirty: true))
    #expect(changes.isEmpty)
  }

  @Test func `a set without a name is the one the database has`() throws {
    let (ledger, _) = try reconcile(files: [1, 2], history: [1], row: .init(version: 1, dirty: false), name: "")
    #expect(ledger.accounts[0].set.name == "main")
    #expect(ledger.accounts[0].applied.map(\.version) == [1])
  }

  @Test func `a list headed by another set than the version table's is refused`() {
    let error = refusal { try reconcile(files: [1], history: [1], row: .init(version: 1, dirty: false), name: "hello") }
    #expect(error?.code == .setMismatch)
  }
}

// MARK: Making them

private func migration(_ version: Int64) -> Migration {
  Migration(
    version: version, title: "m\(version)", up: .init(file: "\(version)_m.up.sql", text: "-- up \(version)"),
    down: .init(file: "\(version)_m.down.sql", text: "-- down \(version)"))
}

private func account(
  name: String, files: [Int64], applied: [Int64], firstOrder: Int64 = 1, isOrphan: Bool = false
) -> MigrationLedger.Account {
  let records = applied.enumerated().map { index, version in
    AppliedMigration(
      set: name, version: version, title: "m\(version)", checksum: migration(version).up.checksum,
      down: .init(file: "kept", text: "-- kept \(version)"), order: firstOrder + Int64(index))
  }
  return MigrationLedger.Account(set: MigrationSet(name, files.map(migration)), applied: records, isOrphan: isOrphan)
}

private func ledger(files: [Int64], applied: [Int64]) -> MigrationLedger {
  MigrationLedger(accounts: [account(name: "main", files: files, applied: applied)])
}

private func refusal(_ body: () throws -> some Any) -> MigrationError? {
  do {
    _ = try body()
    return nil
  } catch {
    return error as? MigrationError
  }
}
