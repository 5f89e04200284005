internal import Postgres

// MARK: Mending

extension Migrator {
  /// Goes on with a migration outside a transaction that stopped half way, after its last finished statement. An index
  /// that was left half built is dropped and built again.
  ///
  /// - Throws: ``MigrationError`` with the code ``MigrationError/Code/notDirty`` when nothing stopped half way, and
  ///   ``MigrationError/Code/dirty`` while a session still builds what would have to be dropped.
  @discardableResult
  public func resume() async throws -> MigrationReport {
    try await withWorkConnection(andForLock: true) { connection, spare in
      try await withSession(connection, spare) { try await $0.resume() }
    }
  }

  /// Says that the database is at `version`, and runs nothing: for when you have put it right by hand.
  ///
  /// The migrations up to that version count as applied, those above do not, and nothing is dirty any more.
  ///
  /// - Parameters:
  ///   - version: A version of the set, or 0 for the empty database.
  ///   - set: The set; without a name it is the first.
  public func force(_ version: Int64, set: String? = nil) async throws {
    try await withWorkConnection(andForLock: true) { connection, spare in
      try await withSession(connection, spare) { try await $0.force(version, set: set) }
    }
  }

  /// Takes over a database whose schema was made without migrations: those up to `version` count as applied.
  ///
  /// - Parameters:
  ///   - version: The version whose state the database has.
  ///   - set: The set; without a name it is the first.
  /// - Throws: ``MigrationError`` with the code ``MigrationError/Code/alreadyMigrated`` when the database has a version.
  public func baseline(_ version: Int64, set: String? = nil) async throws {
    try await withWorkConnection(andForLock: true) { connection, spare in
      try await withSession(connection, spare) { session in
        let account = try session.ledger.account(of: set)
        guard account.version == 0, session.ledger.versionRow == nil || !session.ledger.owns(account.set.name) else {
          throw MigrationError(
            .alreadyMigrated,
            "the database is at version \(account.version) of \"\(account.set.name)\" already; to correct that use "
              + "migrate force \(version)\(session.ledger.naming(account.set.name))")
        }
        try await session.force(version, set: set)
      }
    }
  }
}

extension MigrationSession {
  /// Writes that `set` is at `version`.
  mutating func force(_ version: Int64, set: String?) async throws {
    let account = try ledger.account(of: set)
    guard version == 0 || account.knows(version) else {
      throw MigrationError(.noSuchVersion, account.refusal(of: version))
    }
    let name = account.set.name
    try await inTransaction {
      let records = Dictionary(account.applied.map { ($0.version, $0) }) { first, _ in first }
      var batch = PostgresBatch()
      for record in account.applied where record.version > version {
        batch.execute(tables.deletion(record.version, of: name))
      }
      for record in account.applied where record.version <= version && record.progress != nil {
        try await tables.setProgress(nil, of: record.version, in: name, work)
      }
      for migration in account.set.migrations where migration.version <= version && records[migration.version] == nil {
        batch.execute(tables.insertion(migration, of: name, owner: ledger.owns(name), .takenOver))
      }
      if ledger.owns(name) {
        let row = version == 0 ? nil : MigrationLedger.VersionRow(version: version, dirty: false)
        for statement in tables.settingVersion(row) { batch.execute(statement) }
      }
      _ = try await work.run(batch, name: "ForceVersion")
    }
    try await refresh()
    await keepCatalogue()
  }
}
