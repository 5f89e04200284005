internal import MigrationFiles
internal import Postgres

/// One migrator at work: it holds the lock, and what it knows of the database is true.
struct MigrationSession {
  let migrator: Migrator
  /// Where the migrations run.
  let work: PostgresConnection
  let lock: MigrationLock
  /// Knows the step under way.
  let waiter = LockWaiter()
  var tables: VersionTables
  var ledger: MigrationLedger
  private var changes: Reconciliation
  private(set) var completed: [MigrationReport.Completed] = []

  var configuration: Migrator.Configuration { migrator.configuration }

  init(migrator: Migrator, work: PostgresConnection, lock: MigrationLock, reading: Migrator.Reading) {
    self.migrator = migrator
    self.work = work
    self.lock = lock
    tables = reading.tables
    ledger = reading.ledger
    changes = reading.changes
  }

  /// Makes the tables, and takes in what another tool did.
  mutating func prepare() async throws {
    guard !tables.exists || !tables.hasHistory || !tables.hasCatalogue || !changes.isEmpty else { return }
    var statements = tables.creation
    if let owner = ledger.accounts.first {
      statements += changes.forgotten.map { tables.deletion($0.version, of: owner.set.name) }
      statements += changes.adopted.map { tables.insertion($0, of: owner.set.name, owner: true, .takenOver) }
    }
    try await inTransaction(statements, name: "PrepareMigrations")
    (tables.exists, tables.hasHistory, tables.hasCatalogue) = (true, true, true)
    guard !changes.isEmpty else { return }
    migrator.report(
      .reconciled(adopted: changes.adopted.map(\.version), forgotten: changes.forgotten.map(\.version)))
    try await refresh()
  }

  /// Reads the database again.
  mutating func refresh() async throws {
    let reading = try await migrator.read(work)
    (tables, ledger, changes) = (reading.tables, reading.ledger, reading.changes)
  }

  /// Carries out what `goal` asks for.
  mutating func run(_ goal: MigrationGoal) async throws -> MigrationReport {
    let before = ledger
    let plan = try goal.plan(ledger, configuration.policies)
    // A script that cannot run is refused before the first one has.
    for step in plan.steps { try step.script.checkSyntax() }
    try await keepForeignVersion(below: plan)
    if case .redo = goal { try await checkNoneIsUndone(by: plan) }
    for (index, step) in plan.steps.enumerated() {
      // Given up in between, the next is not begun.
      try Task.checkCancellation()
      do {
        migrator.report(.started(step, index: index + 1, count: plan.steps.count))
        finish(step, in: try await run(step))
      } catch var error as MigrationError {
        error.completed = completed.map(\.step)
        error.message += await advice(goal, step)
        throw error
      } catch let cause as PostgresError {
        var error = MigrationError(.database, "\(step) was interrupted: \(cause)", cause: cause)
        error.completed = completed.map(\.step)
        error.message += await advice(goal, step)
        throw error
      } catch let cause as CancellationError where !work.isOpen {
        // Neither the script nor the request to cancel it was answered.
        var error = MigrationError(
          .database,
          "\(step) was given up, and the server has not said what became of it: look with migrate status, once it answers again",
          cause: cause)
        error.completed = completed.map(\.step)
        throw error
      }
    }
    await keepCatalogue()
    return MigrationReport(completed: completed, from: before, to: ledger)
  }

  /// How to go on after a redo whose second half failed. One that stopped between two statements says so itself.
  private mutating func advice(_ goal: MigrationGoal, _ step: MigrationStep) async -> String {
    guard case .redo = goal, !completed.isEmpty else { return "" }
    if (try? await refresh()) != nil, ledger.halfDone != nil { return "" }
    return ". \(step.version) \(step.title) is undone now: go on with migrate up"
  }

  /// Refuses a redo after one whose second half failed: it would undo the migration before. That one, or the last run that
  /// came to its end, left a note of what was applied.
  private func checkNoneIsUndone(by plan: MigrationPlan) async throws {
    guard let last = plan.steps.first, tables.hasCatalogue else { return }
    let kept = try await work.optional(
      "SELECT versions FROM \(tables.catalogueTable)", as: String.self, name: "ReadKeptVersions")
    for account in ledger.accounts {
      for migration in account.pending {
        var before = ledger
        before.apply(MigrationStep(up: migration, set: account.set.name))
        guard before.fingerprint == kept else { continue }
        throw MigrationError(
          .redoUnfinished,
          """
          \(migration.version) \(migration.title) was undone and not applied again, and redo would now undo \(last.version) \
          \(last.title): go on with migrate up. If \(last.version) is the one you mean: migrate down, then migrate up 1
          """)
      }
    }
    // What the next one compares with, should this one fail half way.
    if kept != ledger.fingerprint { await keepCatalogue() }
  }

  /// Records the version of another tool that no file has, when a plan goes up: the version table forgets it then,
  /// and would show a lower one after a way back.
  private mutating func keepForeignVersion(below plan: MigrationPlan) async throws {
    guard let account = ledger.accounts.first, let version = account.foreignVersion,
      plan.steps.contains(where: { $0.direction == .up && ledger.owns($0.set) })
    else { return }
    // Nothing is known of it but the number, so there is no way back.
    let unknown = Migration(
      version: version, title: "of another tool", up: Migration.Script(file: "", text: ""), down: nil)
    try await inTransaction(
      [tables.insertion(unknown, of: account.set.name, owner: true, .takenOver)], name: "KeepForeignVersion")
    try await refresh()
  }

  /// Writes down what the database holds now, for ``Migrator/verify()`` to compare with. What was migrated stands whether
  /// that succeeds or not, so a failure is no error: there is then nothing to compare with.
  func keepCatalogue() async {
    do {
      _ = try await work.run(tables.keepingCatalogue(of: ledger), name: "KeepCatalogue")
    } catch {
      try? await work.script("ROLLBACK")
    }
  }

  mutating func finish(_ step: MigrationStep, in duration: Duration) {
    ledger.apply(step)
    completed.append(MigrationReport.Completed(step: step, duration: duration))
    migrator.report(.finished(step, duration: duration))
  }

  private func run(_ step: MigrationStep) async throws -> Duration {
    if step.script.inTransaction {
      return try await runInTransaction(step)
    } else {
      guard try await work.one("SELECT \(lock.isHeld)", as: Bool.self) else { throw MigrationLock.lost }
      return try await runByStatement(step)
    }
  }
}
