internal import MigrationFiles
internal import Postgres

extension MigrationSession {
  /// Takes back what a script set for itself, which must neither reach our tables nor the next migration. The role comes
  /// back as the connection began with it, which may be another than the one that logged in.
  static let reset = "\(resetRole); RESET ALL; \(discard)"
  static let resetRole = "RESET SESSION AUTHORIZATION; RESET ROLE"
  /// A temporary table cannot go while a cursor is open on it, or a check is deferred.
  private static let discard = "SET CONSTRAINTS ALL IMMEDIATE; CLOSE ALL; DISCARD TEMP"

  /// Runs a step and records it in one transaction; tries again when it gets no lock.
  ///
  /// That takes two round trips: one begins and asks whether the lock is held; one runs the script, records it and
  /// commits. No transaction is open between one step and the next, whatever those do who hear of it.
  func runInTransaction(_ step: MigrationStep) async throws -> Duration {
    let statements = try step.script.statements()
    do {
      return try await watchingLocks(of: step) { waiter in
        try await retryingLocks(of: step) {
          do {
            return try await attempt(step, statements, as: waiter)
          } catch let refusal as StatementRefusal {
            try await rollBack(after: refusal.cause)
            throw refusal
          }
        }
      }
    } catch let refusal as StatementRefusal {
      throw step.failure(refusal)
    }
  }

  private func attempt(
    _ step: MigrationStep, _ statements: [SQLStatement], as waiter: LockWaiter
  ) async throws -> Duration {
    // A transaction's own settings have to come before any query in it, so before our questions too.
    let settings = statements.prefix { $0.words.starts(with: ["SET", "TRANSACTION"]) }
    waiter.is(.process(try await begin(step, Array(settings))))
    let pieces = ScriptPiece.pieces(of: Array(statements.dropFirst(settings.count)))
    if let piece = pieces.first, pieces.count == 1 { return try await runAndRecord(step, piece) }
    let start = ContinuousClock.now
    for piece in pieces { try await run(piece) }
    let duration = start.duration(to: .now)
    try await refusing {
      // By itself: the server reads a text in the encoding that was set when it came.
      try await work.script(resetting)
      try await work.script(try recording(step, seconds: "\(duration / .seconds(1))"), name: "RecordMigration")
    }
    return duration
  }

  /// Runs a step's script, records and commits it, all in one text. The server reads a text as a whole before it runs any
  /// of it, so what the script sets cannot change how the rest is read.
  ///
  /// - Returns: How long the script took at the server.
  private func runAndRecord(_ step: MigrationStep, _ piece: ScriptPiece) async throws -> Duration {
    let end = "SELECT \(Self.elapsed);\n\(resetting);\n" + (try recording(step, seconds: SQL(unchecked: Self.elapsed)))
    do {
      let seconds = try await work.scriptValue(piece.text(followedBy: end), name: "RunMigration")
      return .seconds(seconds.flatMap(Double.init) ?? 0)
    } catch let error as PostgresError where error.code == .server {
      throw piece.refusal(error)
    }
  }

  /// How long the text it stands in has been running. Its names are found whatever the search path is.
  private static let elapsed = """
    pg_catalog.date_part('epoch', \
    pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) pg_catalog.statement_timestamp())
    """

  /// Begins the transaction of a migration, if the lock is held.
  ///
  /// - Parameters:
  ///   - step: What is undone must be recorded, and stay so until the end.
  ///   - settings: Statements of the step that cannot wait.
  /// - Returns: The server's process, which behind a pooler is another in each transaction.
  @discardableResult
  func begin(_ step: MigrationStep? = nil, _ settings: [SQLStatement] = []) async throws -> Int32 {
    var beginning: SQL = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;"
    if !settings.isEmpty {
      try await work.script(beginning.text)
      try await run(settings)
      beginning = ""
    }
    let undone = step.flatMap { $0.direction == .down ? tables.holding($0.version, of: $0.set) : nil }
    let text: SQL = """
      \(beginning)
      \(settingUp);
      \(watchingClient)
      SELECT concat_ws(' ', pg_backend_pid(), \(lock.isHeld)::int, (\(undone ?? "SELECT 1")))
      """
    let answer = try await refusing { try await work.scriptValue(text.inlined(), name: "BeginMigration") }
    let state = (answer ?? "").split(separator: " ").compactMap { Int32($0) }
    guard state.count == 3 else {
      throw MigrationError(.database, "the server's answer to the beginning of a migration makes no sense")
    }
    let (process, isHeld, recorded) = (state[0], state[1] == 1, state[2])
    guard isHeld else { throw MigrationLock.lost }
    if let step, recorded == 0 {
      throw MigrationError(
        .changedMeanwhile, "somebody else undid \(step.version) \(step.title) at the same time; run the command again")
    }
    return process
  }

  /// Has the server look every second whether this process is still there while it runs a script, and undo that when it
  /// is not: by itself it would find out at the end, with the commit behind it. Servers of 14 and later can, on Linux.
  var watchingClient: SQL {
    guard work.serverVersion >= 140_000 else { return "" }
    return "SELECT set_config('client_connection_check_interval', '1000', true) WHERE version() ~ 'linux';"
  }

  /// The text that records a step and commits it.
  private func recording(_ step: MigrationStep, seconds: SQL) throws -> String {
    var statements = ledger.owns(step.set) ? tables.settingVersion(versionRow(after: step)) : []
    switch step.direction {
    case .up:
      // A plan goes up by nothing but the migrations of the ledger it was made from.
      guard let migration = ledger.migration(of: step) else {
        preconditionFailure("\(step) was planned, and is not among the migrations")
      }
      statements.append(
        tables.insertion(migration, of: step.set, owner: ledger.owns(step.set), .applied(seconds: seconds)))
    case .down:
      statements.append(tables.deletion(step.version, of: step.set))
    }
    // Deferred constraints speak up here.
    return try statements.map { try $0.inlined() + ";\n" }.joined() + "COMMIT"
  }

  /// Takes back what a script set for itself, but not the limit on waiting for locks, which our own tables need too.
  private var resetting: String { "\(Self.resetRole); RESET ALL; \(limitingLocks.text); \(Self.discard)" }

  /// What each migration finds set. The splitter takes backslashes for what they are by the standard; the server has
  /// to agree.
  var settingUp: SQL { "SET LOCAL standard_conforming_strings = on; \(limitingLocks)" }

  private var limitingLocks: SQL {
    SQL(unchecked: "SET LOCAL lock_timeout = \(configuration.lockTimeout.milliseconds)")
  }

  /// Runs statements of a migration, as few round trips as their size allows.
  func run(_ statements: [SQLStatement]) async throws {
    for piece in ScriptPiece.pieces(of: statements) { try await run(piece) }
  }

  private func run(_ piece: ScriptPiece) async throws {
    do {
      try await work.script(piece.text)
    } catch let error as PostgresError where error.code == .server {
      throw piece.refusal(error)
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

  /// Runs `statements` in a transaction of their own, in one round trip.
  func inTransaction(_ statements: [SQL], name: String) async throws {
    let text = try statements.map { try $0.inlined() + ";\n" }.joined()
    do {
      try await work.script("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;\n\(text)COMMIT", name: name)
    } catch let error as PostgresError {
      try await rollBack(after: error)
      throw error
    }
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
