internal import MigrationFiles
internal import Postgres

extension MigrationSession {
  /// Takes back what a script set for itself, which must neither reach our tables nor the next migration. The role comes
  /// back as the connection began with it, which may be another than the one that logged in.
  static let reset = "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL"

  /// Runs a step and records it in one transaction; tries again when it gets no lock.
  ///
  /// That takes three round trips: one begins and asks whether the lock is held; one runs the script; one records and
  /// commits.
  func runInTransaction(_ step: MigrationStep) async throws -> Duration {
    let statements = try step.script.statements()
    return try await watchingLocks(of: step) { try await runInTransaction(step, statements, as: $0) }
  }

  private func runInTransaction(
    _ step: MigrationStep, _ statements: [SQLStatement], as waiter: LockWaiter
  ) async throws -> Duration {
    var delay = configuration.lockRetryDelay
    var tries = 1
    while true {
      do {
        return try await attempt(step, statements, as: waiter)
      } catch let refusal as StatementRefusal {
        try await rollBack(after: refusal.cause)
        guard refusal.cause.isWaitForLock, tries < configuration.lockAttempts else {
          throw step.failure(refusal)
        }
      }
      tries += 1
      migrator.report(.retrying(step, attempt: tries, delay: delay))
      try await Task.sleep(for: delay)
      delay *= 2
    }
  }

  private func attempt(
    _ step: MigrationStep, _ statements: [SQLStatement], as waiter: LockWaiter
  ) async throws -> Duration {
    waiter.is(.process(try await begin(step)))
    let start = ContinuousClock.now
    try await run(statements)
    let duration = start.duration(to: .now)
    try await end(step, duration)
    return duration
  }

  /// Begins the transaction of a migration, if the lock is held.
  ///
  /// - Parameter step: What is undone must be recorded, and stay so until the end.
  /// - Returns: The server's process, which behind a pooler is another in each transaction.
  @discardableResult
  func begin(_ step: MigrationStep? = nil) async throws -> Int32 {
    var batch = PostgresBatch()
    batch.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
    // The splitter takes backslashes for what they are by the standard; the server has to agree.
    let state = batch.one(
      """
      SELECT pg_backend_pid(), \(lock.isHeld), set_config('standard_conforming_strings', 'on', true),
        set_config('lock_timeout', \(String(configuration.lockTimeout.milliseconds)), true)
      """, as: (Int32, Bool, String, String).self)
    let undone = step.flatMap {
      $0.direction == .down ? batch.one(tables.holding($0.version, of: $0.set), as: Int.self) : nil
    }
    let answers = try await refusing { try await work.run(batch, name: "BeginMigration") }
    let (process, isHeld, _, _) = try answers[state]
    guard isHeld else { throw MigrationLock.lost }
    if let step, let undone, try answers[undone] == 0 {
      throw MigrationError(
        .changedMeanwhile, "somebody else undid \(step.version) \(step.title) at the same time; run the command again")
    }
    return process
  }

  /// Records a step and commits it.
  private func end(_ step: MigrationStep, _ duration: Duration) async throws {
    var batch = PostgresBatch()
    for statement in resetting { batch.execute(statement) }
    if ledger.owns(step.set) {
      for statement in tables.settingVersion(versionRow(after: step)) { batch.execute(statement) }
    }
    switch step.direction {
    case .up:
      guard let migration = ledger.migration(of: step) else { return }
      batch.execute(
        tables.insertion(migration, of: step.set, owner: ledger.owns(step.set), .applied(duration)))
    case .down:
      batch.execute(tables.deletion(step.version, of: step.set))
    }
    // Deferred constraints speak up here.
    batch.execute("COMMIT")
    try await refusing { _ = try await work.run(batch, name: "RecordMigration") }
  }

  /// Takes back what a script set for itself, but not the limit on waiting for locks, which our own tables need too.
  private var resetting: [SQL] {
    Self.reset.split(separator: "; ").map { SQL(unchecked: String($0)) } + [limitingLocks]
  }

  private var limitingLocks: SQL {
    SQL(unchecked: "SET LOCAL lock_timeout = \(configuration.lockTimeout.milliseconds)")
  }

  /// Runs statements of a migration, as few round trips as their size allows.
  func run(_ statements: [SQLStatement]) async throws {
    for piece in ScriptPiece.pieces(of: statements) {
      do {
        try await work.script(piece.text)
      } catch let error as PostgresError where error.code == .server {
        throw piece.refusal(error)
      }
    }
  }

  /// What the server refuses at a migration's beginning or end undoes it like a statement of its own.
  func refusing<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
      return try await body()
    } catch let error as PostgresError where error.code == .server {
      throw StatementRefusal(cause: error)
    }
  }

  /// What the version table shows after `step`.
  func versionRow(after step: MigrationStep) -> MigrationLedger.VersionRow? {
    var after = ledger
    after.apply(step)
    return after.version == 0 ? nil : MigrationLedger.VersionRow(version: after.version, dirty: false)
  }

  /// Runs `body` in a transaction of its own.
  func inTransaction(_ body: () async throws -> Void) async throws {
    try await work.script("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
    do {
      try await body()
    } catch let error as PostgresError {
      try await rollBack(after: error)
      throw error
    } catch let refusal as StatementRefusal {
      try await rollBack(after: refusal.cause)
      throw refusal
    }
    try await work.script("COMMIT")
  }

  private func rollBack(after error: PostgresError) async throws {
    // A broken connection has rolled back by itself.
    guard work.isOpen else { throw error }
    try await work.script("ROLLBACK")
  }
}
