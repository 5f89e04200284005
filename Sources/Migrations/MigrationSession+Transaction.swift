internal import MigrationFiles
internal import Postgres
internal import Synchronization

/// The server's refusal of a migration's own SQL, as against ours.
struct StatementRefusal: Error {
  var cause: PostgresError
  /// The statement; nil when it was the transaction's end.
  var statement: SQLStatement?
}

extension MigrationSession {
  /// Runs a step and records it in one transaction; tries again when it gets no lock.
  func runInTransaction(_ step: MigrationStep) async throws -> Duration {
    let statements = try step.script.statements()
    return try await watchingLocks(of: step) { try await runInTransaction(step, statements) }
  }

  private func runInTransaction(_ step: MigrationStep, _ statements: [SQLStatement]) async throws -> Duration {
    var delay = configuration.lockRetryDelay
    var tries = 1
    while true {
      do {
        return try await attempt(step, statements)
      } catch let refusal as StatementRefusal {
        try await rollBack(after: refusal.cause)
        guard refusal.cause.isWaitForLock, tries < configuration.lockAttempts else {
          throw step.failure(refusal.cause, in: refusal.statement)
        }
      }
      tries += 1
      migrator.report(.retrying(step, attempt: tries, delay: delay))
      try await Task.sleep(for: delay)
      delay *= 2
    }
  }

  private func attempt(_ step: MigrationStep, _ statements: [SQLStatement]) async throws -> Duration {
    try await begin()
    let start = ContinuousClock.now
    for statement in statements { try await run(statement) }
    let duration = start.duration(to: .now)
    // What the script set for itself must neither reach our tables nor the next migration.
    try await work.script("RESET SESSION AUTHORIZATION; RESET ALL; " + versionStatements(after: step))
    try await record(step, duration)
    do {
      try await work.script("COMMIT")
    } catch let error as PostgresError where error.code == .server {
      // Deferred constraints speak up here.
      throw StatementRefusal(cause: error)
    }
    return duration
  }

  /// Begins the transaction of a migration.
  func begin() async throws {
    // The splitter takes backslashes for what they are by the standard; the server has to agree.
    try await work.script(
      """
      BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL standard_conforming_strings = on;
      SET LOCAL lock_timeout = \(configuration.lockTimeout.milliseconds)
      """)
  }

  /// Runs one statement of a migration.
  func run(_ statement: SQLStatement) async throws {
    do {
      try await work.script(statement.text)
    } catch let error as PostgresError where error.code == .server {
      throw StatementRefusal(cause: error, statement: statement)
    }
  }

  private func record(_ step: MigrationStep, _ duration: Duration) async throws {
    switch step.direction {
    case .up:
      guard let migration = ledger.migration(of: step) else { return }
      try await tables.insert(migration, of: step.set, owner: ledger.owns(step.set), .applied(duration), work)
    case .down:
      try await forget(step)
    }
  }

  /// Removes the record of a step that was undone.
  func forget(_ step: MigrationStep) async throws {
    guard try await tables.delete(step.version, of: step.set, work) else {
      throw MigrationError(
        .changedMeanwhile, "somebody else undid \(step.version) \(step.title) at the same time; run the command again")
    }
  }

  /// Statements that make the version table show the state after `step`; none for sets it does not show.
  func versionStatements(after step: MigrationStep) -> String {
    guard ledger.owns(step.set) else { return "" }
    var after = ledger
    after.apply(step)
    return tables.settingVersion(
      after.version == 0 ? nil : MigrationLedger.VersionRow(version: after.version, dirty: false))
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

  /// Runs `body`, and tells who stands in its way when it waits for a lock.
  func watchingLocks<Result: Sendable>(
    of step: MigrationStep, _ body: @Sendable () async throws -> Result
  ) async throws -> Result {
    let inTheWay = Blockers()
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { [migrator, work] in
        // Most steps are done long before this; only those that are not cost a connection.
        try await Task.sleep(for: .milliseconds(500))
        try await migrator.withConnection { onlooker in
          var known: [Int32] = []
          while true {
            let blockers = try await onlooker.blockers(of: work.processID)
            if !blockers.isEmpty, blockers.map(\.processID) != known { migrator.report(.blocked(step, by: blockers)) }
            known = blockers.map(\.processID)
            if !blockers.isEmpty { inTheWay.holders.withLock { $0 = blockers } }
            try await Task.sleep(for: .milliseconds(500))
          }
        }
      }
      defer { group.cancelAll() }
      do {
        return try await body()
      } catch let error as MigrationError {
        throw error.naming(inTheWay.holders.withLock { $0 })
      }
    }
  }
}

/// Who was last seen in the way of a step.
private final class Blockers: Sendable {
  let holders = Mutex<[LockHolder]>([])
}

extension MigrationError {
  /// The same error, and who was in the way if it is about a lock.
  fileprivate func naming(_ holders: [LockHolder]) -> MigrationError {
    guard !holders.isEmpty, (cause as? PostgresError)?.isWaitForLock == true else { return self }
    var error = self
    error.message += "; in its way: " + holders.map { "\($0): \($0.outline)" }.joined(separator: "; ")
    return error
  }
}

extension PostgresClient {
  /// The sessions that `processID` waits for.
  fileprivate func blockers(of processID: Int32) async throws -> [LockHolder] {
    try await all(
      """
      \(LockHolder.query)
      WHERE a.pid = ANY (pg_catalog.pg_blocking_pids(\(processID)))
      ORDER BY a.pid
      """, as: LockHolder.Columns.self, name: "FindBlockers"
    ).map(LockHolder.init)
  }
}
