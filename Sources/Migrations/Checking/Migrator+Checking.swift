internal import MigrationFiles
internal import Postgres

// MARK: Checking

extension Migrator {
  /// Compares files, record and database: scripts that changed after they were applied, versions that other tools
  /// moved, what stopped half way, invalid indexes, and what somebody changed by hand since the last run. Changes nothing;
  /// an empty answer is a clean one.
  public func verify() async throws -> [MigrationFinding] {
    try await withWorkConnection { connection in
      let reading = try await read(connection)
      return MigrationFinding.all(in: reading.ledger, reading.changes)
        + (try await connection.invalidIndexes()).map { index in
          MigrationFinding(
            kind: .invalidIndex,
            message:
              "the index \(index) is invalid: building it failed. DROP INDEX CONCURRENTLY \(index), then build it again"
          )
        }
        + (try await reading.tables.driftedObjects(of: reading.ledger, connection)).map { change in
          MigrationFinding(
            kind: .drift, message: "\(change), by no migration: undo that by hand, or put it into a new migration")
        }
    }
  }

  /// Runs what `goal` asks for in one transaction that is rolled back, and tells which locks each step takes.
  ///
  /// Steps see what those before them did. A step outside a transaction cannot be tried, nor one that uses what the server
  /// allows after a commit alone, nor those behind it: ``RehearsedStep/omission`` says so. The
  /// locks are held until the end of the rehearsal: on a busy database keep it short, as
  /// ``Configuration/lockTimeout`` keeps the waiting.
  ///
  /// - Throws: ``MigrationError`` with the code ``MigrationError/Code/scriptFailed`` for the step that failed.
  public func rehearse(_ goal: MigrationGoal) async throws -> [RehearsedStep] {
    try await withWorkConnection(andForLock: true) { connection, spare in
      try await withSession(connection, spare, preparing: false) { session in
        // The locks are looked at from a session that does not see what the rehearsal creates.
        let session = session
        return try await withConnection { try await session.rehearse(goal, watchedFrom: $0) }
      }
    }
  }
}

extension MigrationSession {
  func rehearse(_ goal: MigrationGoal, watchedFrom onlooker: PostgresConnection) async throws -> [RehearsedStep] {
    let plan = try goal.plan(ledger, configuration.policies)
    for step in plan.steps { try step.script.checkSyntax() }
    let processID: Int32
    do {
      processID = try await begin()
    } catch let refusal as StatementRefusal {
      throw refusal.cause
    }
    var rehearsed: [RehearsedStep] = []
    var known: Set<RehearsedStep.Lock> = []
    for step in plan.steps {
      if rehearsed.last?.omission != nil || !step.script.inTransaction {
        rehearsed.append(
          RehearsedStep(step: step, omission: step.script.inTransaction ? .behindOmitted : .outsideTransaction))
        continue
      }
      try await work.script("SAVEPOINT \(Self.beforeStep)")
      let start = ContinuousClock.now
      do {
        // What a transaction has to begin with cannot be tried in the middle of one.
        try await run(Array(step.script.statements().drop { $0.setsTransaction }))
        try await finishRehearsing()
      } catch let refusal as StatementRefusal {
        if try await isForTheRehearsalAlone(refusal, watchedFrom: onlooker) {
          rehearsed.append(RehearsedStep(step: step, omission: .newEnumValue))
          continue
        }
        throw step.failure(refusal, consequence: "it was only tried: nothing is changed")
      }
      let duration = start.duration(to: .now)
      let locks = try await onlooker.locks(of: processID)
      rehearsed.append(RehearsedStep(step: step, locks: locks.filter { !known.contains($0) }, duration: duration))
      known.formUnion(locks)
    }
    try await work.script("ROLLBACK")
    return rehearsed
  }

  private static let beforeStep = "keel_before_step"

  /// Whether the server refused a step for a value of an enum that a step before it added: in a real run that is committed
  /// by then. One that the step added by itself is refused there too.
  private func isForTheRehearsalAlone(
    _ refusal: StatementRefusal, watchedFrom onlooker: PostgresConnection
  ) async throws -> Bool {
    guard refusal.cause.sqlState?.rawValue == "55P04" else { return false }
    try await work.script("ROLLBACK TO SAVEPOINT \(Self.beforeStep)")
    let values: SQL = "SELECT oid::int8, enumlabel::text FROM pg_catalog.pg_enum"
    let committed = Set(try await onlooker.all(values, as: (Int64, String).self, name: "FindEnumValues").map(\.0))
    // The message names the value, in whatever language; no field of the error does.
    return try await work.all(values, as: (Int64, String).self, name: "FindEnumValues")
      .contains { !committed.contains($0.0) && refusal.cause.message.contains($0.1) }
  }

  /// Does what the end of a step's own transaction would: deferred constraints are checked, and settings go.
  private func finishRehearsing() async throws {
    try await refusing {
      // Not rolled back: what waits for the end of the transaction would keep the next step from altering its table.
      try await work.script(
        "SET CONSTRAINTS ALL IMMEDIATE; \(Self.reset); \(settingUp.script())RELEASE SAVEPOINT \(Self.beforeStep)")
      let deferred = try await work.all(
        """
        SELECT DISTINCT format('%I.%I', n.nspname, c.conname) FROM pg_catalog.pg_constraint AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.connamespace
        WHERE c.condeferred AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND NOT EXISTS (
          SELECT FROM pg_catalog.pg_constraint AS o
          WHERE o.connamespace = c.connamespace AND o.conname = c.conname AND NOT o.condeferrable
        )
        """, as: String.self, name: "FindDeferredConstraints")
      if !deferred.isEmpty {
        try await work.script("SET CONSTRAINTS \(deferred.joined(separator: ", ")) DEFERRED")
      }
    }
  }
}

extension PostgresClient {
  /// The locks `processID` holds on tables that exist for everybody, strongest first.
  func locks(of processID: Int32) async throws -> [RehearsedStep.Lock] {
    // What the other session has just created is not visible from here, and no concern of anybody.
    try await all(
      """
      SELECT format('%I.%I', n.nspname, c.relname), l.mode,
        CASE WHEN c.relpages > 0 THEN c.reltuples::bigint ELSE pg_catalog.pg_stat_get_live_tuples(c.oid) END
      FROM pg_catalog.pg_locks AS l
      JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE l.pid = \(processID) AND l.locktype = 'relation' AND l.granted AND l.mode <> 'AccessShareLock'
        AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
        AND c.relkind IN ('r', 'p', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      ORDER BY array_position(
        ARRAY['AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock', 'ShareUpdateExclusiveLock',
          'RowExclusiveLock', 'RowShareLock'], l.mode), 1
      """, as: (String, String, Int64).self, name: "FindLocks"
    ).map { RehearsedStep.Lock(relation: $0.0, mode: $0.1, rows: $0.2) }
  }

  /// The indexes that were not built to their end. That of a partitioned table, made ON ONLY it, waits for those of its
  /// partitions.
  func invalidIndexes() async throws -> [String] {
    try await all(
      """
      SELECT format('%I.%I', n.nspname, c.relname)
      FROM \(MigrationSession.indexes)
      WHERE NOT i.indisvalid AND c.relkind = 'i' AND n.nspname !~ '^pg_'
      ORDER BY 1
      """, as: String.self, name: "FindInvalidIndexes")
  }
}
