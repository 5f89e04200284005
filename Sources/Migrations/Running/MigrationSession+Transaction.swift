internal import MigrationFiles
internal import Postgres

extension MigrationSession {
  /// Takes back what a script set for itself, which must neither reach our tables nor the next migration. The role comes
  /// back as the connection began with it, which may be another than the one that logged in.
  static let reset = "\(resetRole); RESET ALL; \(discard)"
  static let resetRole = "RESET SESSION AUTHORIZATION; RESET ROLE"
  /// A temporary table cannot go while a cursor is open on it, or a check is deferred.
  private static let discard = "SET CONSTRAINTS ALL IMMEDIATE; CLOSE ALL; DISCARD TEMP"

  /// Whatever the role or the database has as its default.
  static let beginning: SQL = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"

  /// Runs a step and records it in one transaction; tries again when it gets no lock.
  ///
  /// That takes one round trip: a text begins, asks whether the lock is held, runs the script, records it and commits. No
  /// transaction is open between one step and the next, whatever those do who hear of it.
  func runInTransaction(_ step: MigrationStep) async throws -> Duration {
    let statements = try step.script.statements()
    do {
      return try await watchingLocks(of: step) {
        try await retryingLocks(of: step) {
          do {
            return try await attempt(step, statements)
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

  private func attempt(_ step: MigrationStep, _ statements: [SQLStatement]) async throws -> Duration {
    // A transaction's own settings have to come before any query in it, so before our questions too.
    let settings = statements.prefix { $0.setsTransaction }
    let pieces = ScriptPiece.pieces(of: Array(statements.dropFirst(settings.count)))
    // The server reads a text as a whole before it runs any of it: what the script sets cannot change how the rest is read,
    // and what we set not how the script is.
    if let piece = pieces.first, pieces.count == 1, settings.isEmpty, work.readsStandardStrings {
      return try await runAtOnce(step, piece)
    }
    waiter.is(.process(try await begin(step, Array(settings))))
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

  /// Begins, runs a step's script, records and commits it, all in one text.
  ///
  /// - Returns: How long the script took at the server, with the transaction's beginning and the taking back of settings.
  private func runAtOnce(_ step: MigrationStep, _ piece: ScriptPiece) async throws -> Duration {
    let beginning = try Beginning(self, step)
    let end = "\(resetting);\n" + (try recording(step, seconds: SQL(unchecked: Self.elapsed)))
    let text = piece.text(between: beginning.text, and: end)
    waiter.is(.statement(beginning.text))
    do {
      let seconds = try await work.scriptValue(text, name: "RunMigration")
      return .seconds(seconds.flatMap(Double.init) ?? 0)
    } catch let error as PostgresError where error.code == .server {
      try await refuse(error, by: beginning)
      throw piece.refusal(error, behind: beginning.text, of: beginning.count)
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
    if !settings.isEmpty {
      try await work.script(Self.beginning.text)
      try await run(settings)
    }
    let beginning = try Beginning(self, step, hasBegun: !settings.isEmpty)
    do {
      let text = beginning.text + "SELECT pg_catalog.pg_backend_pid()"
      let process = try await work.scriptValue(text, name: "BeginMigration").flatMap(Int32.init)
      guard let process else {
        throw MigrationError(.database, "the server's answer to the beginning of a migration makes no sense")
      }
      return process
    } catch let error as PostgresError where error.code == .server {
      try await refuse(error, by: beginning)
      throw StatementRefusal(cause: error)
    }
  }

  /// Rolls back and throws, where the error is the question's answer.
  private func refuse(_ error: PostgresError, by beginning: Beginning) async throws {
    guard let failure = beginning.failure(error) else { return }
    try await rollBack(after: error)
    throw failure
  }

  /// How the transaction of a migration begins: what each finds set, and the question whether it may run at all.
  private struct Beginning {
    /// Statements of ours, the last one ended too.
    let text: String
    /// How many they are.
    let count: Int
    private let step: MigrationStep?

    init(_ session: MigrationSession, _ step: MigrationStep?, hasBegun: Bool = false) throws {
      self.step = step
      var statements = hasBegun ? [] : [MigrationSession.beginning]
      statements += session.settingUp
      var question: SQL = "WHEN NOT \(session.lock.isHeld) THEN \(Self.lockIsLost)"
      if let step, step.direction == .down {
        let records = session.tables.holding(step.version, of: step.set)
        question = "\(question) WHEN (\(records)) = 0 THEN \(Self.isNotRecorded)"
      }
      // A no has to be a failure, so that nothing behind it is run. What else is asked costs least in the same statement.
      statements.append("SELECT CAST(CASE \(question) ELSE '1' END AS integer), \(session.watchingClient)")
      // Those who look at the server's sessions see this first.
      text =
        (step.map { "-- keel migrate: \($0.direction.rawValue) \($0.version)\n" } ?? "")
        + (try statements.script())
      count = statements.count
    }

    private static let lockIsLost = "keel: the lock is lost"
    private static let isNotRecorded = "keel: not recorded"

    /// What the question was answered with, when it was answered with no.
    func failure(_ error: PostgresError) -> MigrationError? {
      guard error.sqlState?.rawValue == "22P02", error.statementIndex == count - 1 else { return nil }
      if error.message.contains(Self.lockIsLost) { return MigrationLock.lost }
      guard let step, error.message.contains(Self.isNotRecorded) else { return nil }
      return MigrationError(
        .changedMeanwhile, "somebody else undid \(step.version) \(step.title) at the same time; run the command again")
    }
  }

  /// Has the server look every second whether this process is still there while it runs a script, and undo that when it
  /// is not: by itself it would find out at the end, with the commit behind it. Servers of 14 and later can, on Linux.
  var watchingClient: SQL {
    guard work.serverVersion >= 140_000 else { return "NULL" }
    return "CASE WHEN version() ~ 'linux' THEN set_config('client_connection_check_interval', '1000', true) END"
  }

  /// The text that records a step and commits it. It answers with the seconds the step took.
  private func recording(_ step: MigrationStep, seconds: SQL) throws -> String {
    let record: SQL
    switch step.direction {
    case .up:
      // A plan goes up by nothing but the migrations of the ledger it was made from.
      guard let migration = ledger.migration(of: step) else {
        preconditionFailure("\(step) was planned, and is not among the migrations")
      }
      record = tables.insertion(migration, of: step.set, owner: ledger.owns(step.set), .applied(seconds: seconds))
    case .down:
      record = tables.deletion(step.version, of: step.set)
    }
    let version = ledger.owns(step.set) ? tables.settingVersion(versionRow(after: step)) : []
    let statements = ["\(record) RETURNING \(seconds)"] + version
    // Deferred constraints speak up here.
    return try statements.script() + "COMMIT"
  }

  /// Takes back what a script set for itself, but not the limit on waiting for locks, which our own tables need too.
  private var resetting: String { "\(Self.resetRole); RESET ALL; \(limitingLocks.text); \(Self.discard)" }

  /// What each migration finds set. The splitter takes backslashes for what they are by the standard; the server has
  /// to agree.
  var settingUp: [SQL] { ["SET LOCAL standard_conforming_strings = on", limitingLocks] }

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
    let version = ledger.version(after: step)
    return version == 0 ? nil : MigrationLedger.VersionRow(version: version, dirty: false)
  }

  /// Runs `statements` in a transaction of their own, in one round trip.
  func inTransaction(_ statements: [SQL], name: String) async throws {
    let text = try ([Self.beginning] + statements).script() + "COMMIT"
    do {
      try await work.script(text, name: name)
    } catch let error as PostgresError {
      try await rollBack(after: error)
      throw error
    }
  }

  /// Runs `body` in a transaction of its own.
  func inTransaction(_ body: () async throws -> Void) async throws {
    try await work.script(Self.beginning.text)
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
    // What is wrong in its text is refused before it begins.
    if work.isInTransaction { try await work.script("ROLLBACK") }
  }
}

extension [SQL] {
  /// All in one text, the last one ended too.
  func script() throws -> String { try map { try $0.inlined() + ";\n" }.joined() }
}
