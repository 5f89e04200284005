internal import MigrationFiles
internal import Postgres

extension MigrationSession {
  /// Runs a step outside a transaction, statement by statement, and records how far it came after each.
  ///
  /// Where the server allows it, a statement and the record of it are one transaction. Between one that stands alone and
  /// its record the process may die: such a statement is looked at again on the next try.
  ///
  /// - Parameter done: How many statements an earlier try finished; nil for the first try.
  func runByStatement(_ step: MigrationStep, resumingAfter done: Int? = nil) async throws -> Duration {
    let units = try step.script.units()
    var progress = AppliedMigration.Progress(
      direction: step.direction, statementsDone: done ?? 0, checksum: step.script.checksum)
    // What was invalid before is nobody's fault here.
    var invalid = try await work.invalidIndexes()
    if done == nil { try await begin(step, progress) }
    let start = ContinuousClock.now
    var settings = ScriptSettings()
    for unit in units.prefix(progress.statementsDone) { settings.note(unit) }
    for (index, unit) in units.enumerated().dropFirst(progress.statementsDone) {
      let isRetry = done == index
      if isRetry { try await work.script(settingUpSession.inlined()) }
      progress.statementsDone = index + 1
      do {
        if isRetry, try await isFinished(unit, under: settings.statements, of: step) {
          try await work.script(Self.resetRole)
          try await tables.setProgress(progress, of: step.version, in: step.set, work)
        } else {
          if isRetry { invalid = try await work.invalidIndexes() }
          try await watchingLocks(of: step) {
            try await run(unit, under: settings.statements, of: step, then: progress)
          }
        }
      } catch let refusal as StatementRefusal {
        throw try await stopped(
          step, at: index, of: units.count, refusal, isFirstTry: done == nil,
          leaving: unit.inTransaction
            ? []
            // On a later try its own may be among them from the first: those that it names.
            : try await work.invalidIndexes().filter { index in
              !invalid.contains(index) || isRetry && unit.mentions(index)
            })
      }
      settings.note(unit)
      migrator.report(.statementDone(step, done: index + 1, count: units.count))
    }
    let duration = start.duration(to: .now)
    try await end(step, duration)
    return duration
  }

  /// Goes on with the migration that stopped half way.
  mutating func resume() async throws -> MigrationReport {
    guard let halfDone = ledger.halfDone, let progress = halfDone.progress else {
      try ledger.checkClean()
      throw MigrationError(.notDirty, "no migration stopped half way: there is nothing to resume")
    }
    let before = ledger
    let step = try ledger.stepToResume(halfDone, progress)
    migrator.report(.started(step, index: 1, count: 1))
    let duration = try await runByStatement(step, resumingAfter: progress.statementsDone)
    finish(step, in: duration)
    // The way back may have been the first half of a redo, which the next one has to know of.
    if step.direction == .up { await keepCatalogue() }
    return MigrationReport(completed: completed, from: before, to: ledger)
  }

  // MARK: Begin and end

  private func begin(_ step: MigrationStep, _ progress: AppliedMigration.Progress) async throws {
    try await inTransaction {
      switch step.direction {
      case .up:
        guard let migration = ledger.migration(of: step) else { return }
        try await work.execute(
          tables.insertion(migration, of: step.set, owner: ledger.owns(step.set), .begun(progress)),
          name: "RecordMigration")
      case .down:
        try await tables.setProgress(progress, of: step.version, in: step.set, work)
      }
      // golang-migrate refuses to work on a dirty database, as it should.
      try await setVersion(MigrationLedger.VersionRow(version: step.version, dirty: true), of: step.set)
    }
  }

  private func end(_ step: MigrationStep, _ duration: Duration) async throws {
    try await inTransaction {
      try await work.script(Self.reset)
      try await setVersion(versionRow(after: step), of: step.set)
      switch step.direction {
      case .up: try await tables.setProgress(nil, of: step.version, in: step.set, duration: duration, work)
      case .down: try await work.execute(tables.deletion(step.version, of: step.set), name: "ForgetMigration")
      }
    }
  }

  /// Takes back what ``begin`` wrote, when the first statement failed and left nothing.
  private func withdraw(_ step: MigrationStep) async throws {
    try await inTransaction {
      try await work.script(Self.reset)
      try await setVersion(
        ledger.version == 0 ? nil : MigrationLedger.VersionRow(version: ledger.version, dirty: false), of: step.set)
      switch step.direction {
      case .up: try await work.execute(tables.deletion(step.version, of: step.set), name: "ForgetMigration")
      case .down: try await tables.setProgress(nil, of: step.version, in: step.set, work)
      }
    }
  }

  /// Makes the version table show `row`, if `set` is the one it shows.
  private func setVersion(_ row: MigrationLedger.VersionRow?, of set: String) async throws {
    guard ledger.owns(set) else { return }
    for statement in tables.settingVersion(row) { try await work.execute(statement, name: "SetVersion") }
  }

  // MARK: One statement

  private func run(
    _ unit: MigrationScriptParts.Unit, under settings: [SQLStatement], of step: MigrationStep,
    then progress: AppliedMigration.Progress
  ) async throws {
    // The record is written as we are; what the script has set so far is set anew for each of its statements, which
    // may be run by another process than those before.
    try await work.script(Self.resetRole)
    if unit.inTransaction {
      try await retryingLocks(of: step) {
        try await inTransaction {
          let own = unit.statements.prefix { $0.setsTransaction }
          try await run(Array(own))
          try await work.script((settingUp + ["SELECT \(watchingClient)"]).script())
          waiter.is(.process(try await work.one("SELECT pg_backend_pid()", as: Int32.self)))
          try await tables.setProgress(progress, of: step.version, in: step.set, work)
          try await run(settings + unit.statements.dropFirst(own.count))
          // What is deferred speaks up here, as a refusal, and not at the COMMIT.
          try await refusing { try await work.script("SET CONSTRAINTS ALL IMMEDIATE") }
        }
      }
    } else {
      try await work.script("SET standard_conforming_strings = on")
      try await run(settings)
      try await work.script(settingUpSession.inlined())
      for statement in unit.statements {
        waiter.is(.statement(String(statement.text.prefix(1024))))
        try await run([statement])
        try await refuseInvalid(builtBy: statement, of: step)
      }
      try await work.script(Self.resetRole)
      try await tables.setProgress(progress, of: step.version, in: step.set, work)
    }
  }

  /// What a statement outside a transaction finds set. It may write, whatever the role or the database has as its default.
  /// And the server looks whether this process is still there: it would go on for hours, and `migrate resume` would stand
  /// behind it. Those are settings of the session, and behind a pooler the session is anybody's: so only where the
  /// server's process is the one that libpq was told of.
  private var settingUpSession: SQL {
    let watching: SQL =
      work.serverVersion >= 140_000
      ? """
      CASE WHEN pg_catalog.version() OPERATOR(pg_catalog.~) 'linux'
        THEN pg_catalog.set_config('client_connection_check_interval', '1000', false) END
      """ : "NULL"
    // The script may have set any search path.
    return """
      SELECT pg_catalog.set_config('default_transaction_read_only', 'off', false), \(watching)
      WHERE pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.=) \(work.processID)
      """
  }

  // MARK: Failure

  private func stopped(
    _ step: MigrationStep, at index: Int, of count: Int, _ refusal: StatementRefusal, isFirstTry: Bool,
    leaving invalid: [String]
  ) async throws -> MigrationError {
    if index == 0, isFirstTry, invalid.isEmpty {
      try await withdraw(step)
      return step.failure(refusal)
    }
    var consequence = "\(index) of its \(count) statements are done; put right what stands in its way and go on with "
    consequence += "migrate resume"
    if !invalid.isEmpty {
      consequence += ", which builds again what it left half built; invalid are the indexes "
      consequence += invalid.joined(separator: ", ")
    }
    return step.failure(refusal, consequence: consequence)
  }
}

extension MigrationLedger {
  fileprivate func stepToResume(
    _ migration: AppliedMigration, _ progress: AppliedMigration.Progress
  ) throws(MigrationError) -> MigrationStep {
    let account = accounts.first { $0.set.name == migration.set }
    let file = account?.set[migration.version]
    let candidates = progress.direction == .up ? [file?.up] : [file?.down, migration.down]
    // Only the very same script has the same statements in the same places.
    guard let script = candidates.compactMap({ $0 }).first(where: { $0.checksum == progress.checksum }) else {
      throw MigrationError(
        .changedMeanwhile,
        """
        \(progress.direction.rawValue) \(migration.version) \(migration.title) stopped after \(progress.statementsDone) \
        statements, and its file has changed since. Put the file back as it was, or finish by hand and name the version: \
        migrate force \(account?.version ?? migration.version)\(naming(migration.set))
        """)
    }
    return MigrationStep(
      direction: progress.direction, set: migration.set, version: migration.version, title: migration.title,
      script: script, isFromHistory: file == nil)
  }
}

extension MigrationScriptParts.Unit {
  /// Whether the name of an index stands in it, of which this is the quoted form with the schema.
  fileprivate func mentions(_ index: String) -> Bool {
    let name = index.split(separator: ".").last.map { $0.filter { $0 != "\"" } } ?? index
    return statements.contains { $0.text.lowercased().contains(name.lowercased()) }
  }
}
