internal import FoundationEssentials
internal import Postgres

/// The tables in which a database says what was applied: golang-migrate's, the history beside it, and what the database
/// held after the last run.
struct VersionTables: Sendable {
  /// The database's name, for the lock.
  var database: String
  /// The schema both tables are in.
  var schema: String
  /// golang-migrate's table.
  var table: String
  /// Whether golang-migrate's table is there.
  var exists: Bool
  /// Whether the history is there.
  var hasHistory: Bool
  /// Whether there is a place for what the database held after a run.
  var hasCatalogue: Bool

  /// The history's name: beside a table of another name there is a history of its own.
  var historyTable: String { Self.historyTable(beside: table) }

  static func historyTable(beside table: String) -> String {
    table == "schema_migrations" ? "keel_migration_history" : table + "_history"
  }

  static func catalogueTable(beside table: String) -> String {
    table == "schema_migrations" ? "keel_migration_catalogue" : table + "_catalogue"
  }

  /// The names of all three.
  var names: [String] { [table, historyTable, Self.catalogueTable(beside: table)] }

  var catalogueTable: SQL { "\(identifier: schema).\(identifier: Self.catalogueTable(beside: table))" }
  private var versions: SQL { "\(identifier: schema).\(identifier: table)" }
  private var history: SQL { "\(identifier: schema).\(identifier: historyTable)" }
}

extension VersionTables {
  /// Finds the tables the way golang-migrate does: in `schema`, or else where the search path leads.
  static func locate(
    _ connection: some PostgresClient, schema: String?, table: String
  ) async throws -> VersionTables {
    // The server would cut longer names off, and the three would be one.
    guard (1...53).contains(table.utf8.count), schema?.isEmpty != true else {
      throw MigrationError(
        .database,
        table.utf8.count > 53
          ? "the name of the version table is too long: 53 bytes at most, since others of its name and more stand beside it"
          : "the version table needs a name, and so does its schema where one is given")
    }
    let history = historyTable(beside: table)
    let catalogue = catalogueTable(beside: table)
    // Functions that look names up, instead of joins: on a new connection the planning of joins takes longer than they do.
    // OFFSET 0 keeps the planner from putting the subquery in place of each `s.name`.
    let (database, found, columns, hasHistory, hasCatalogue) = try await connection.one(
      """
      SELECT current_database()::text, s.name,
        (SELECT array_agg(a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum)
         FROM pg_catalog.pg_attribute AS a
         WHERE a.attrelid = to_regclass(quote_ident(s.name) || '.' || quote_ident(\(table)))
           AND a.attnum > 0 AND NOT a.attisdropped),
        to_regclass(quote_ident(s.name) || '.' || quote_ident(\(history))) IS NOT NULL,
        to_regclass(quote_ident(s.name) || '.' || quote_ident(\(catalogue))) IS NOT NULL
      FROM (
        SELECT coalesce(
          \(schema),
          (SELECT p.name FROM unnest(current_schemas(false)) WITH ORDINALITY AS p(name, place)
           WHERE to_regclass(quote_ident(p.name) || '.' || quote_ident(\(table))) IS NOT NULL
           ORDER BY p.place LIMIT 1),
          current_schema()
        )::text AS name
        OFFSET 0
      ) AS s
      """, as: (String, String?, [String]?, Bool, Bool).self, name: "LocateVersionTables")
    guard let found else {
      throw MigrationError(
        .database, "the search path of database \(database) leads to no schema: name one with --schema")
    }
    // Other tools call their tables the same: ActiveRecord's `schema_migrations` holds strings.
    if let columns, !Set(columns).isSuperset(of: ["version bigint", "dirty boolean"]) {
      throw MigrationError(
        .database,
        "the table \(found).\(table) (\(columns.joined(separator: ", "))) belongs to another tool; keep versions "
          + "elsewhere with --table")
    }
    return VersionTables(
      database: database, schema: found, table: table, exists: columns != nil, hasHistory: hasHistory,
      hasCatalogue: hasCatalogue)
  }

  private var versionTableCreation: SQL {
    "CREATE TABLE \(versions) (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL)"
  }

  /// What makes those that are missing. Nothing for a database that has them all, so that a role without the right to
  /// create can go on.
  var creation: [SQL] {
    var statements: [SQL] = []
    if !exists {
      statements.append(versionTableCreation)
    }
    if !hasHistory {
      statements.append(
        """
        CREATE TABLE \(history) (
          set_name text NOT NULL,
          version bigint NOT NULL,
          title text NOT NULL,
          applied_order bigint GENERATED ALWAYS AS IDENTITY,
          owns_version_table boolean NOT NULL,
          checksum text,
          down_file text,
          down_sql text,
          down_first_line integer,
          down_in_transaction boolean,
          applied_at timestamptz,
          applied_by text,
          duration_seconds double precision,
          running text CHECK (running IN ('up', 'down')),
          statements_done integer,
          running_checksum text,
          PRIMARY KEY (set_name, version)
        )
        """)
    }
    if !hasCatalogue {
      statements.append(
        "CREATE TABLE \(catalogueTable) (versions text NOT NULL, objects text[] NOT NULL, definitions text[] NOT NULL)")
    }
    return statements
  }

  /// Reads both tables; without them nothing is applied.
  ///
  /// - Parameter scripts: Whether the kept SQL is read too, which only undoing needs.
  func read(_ connection: some PostgresClient, scripts: Bool = true) async throws -> MigrationRecord {
    var batch = PostgresBatch()
    let version =
      exists
      ? batch.all("SELECT version, dirty FROM \(versions) ORDER BY version DESC LIMIT 1", as: (Int64, Bool).self) : nil
    let sql: SQL = scripts ? "down_sql" : "NULL::text AS down_sql"
    let history =
      hasHistory
      ? batch.all(
        """
        SELECT set_name, version, title, applied_order, owns_version_table, checksum, down_file, \(sql),
          down_first_line, down_in_transaction, applied_at, applied_by, duration_seconds, running, statements_done,
          running_checksum
        FROM \(history)
        ORDER BY applied_order
        """, as: HistoryRow.self) : nil
    let answers = try await connection.run(batch, name: "ReadHistory")
    let rows = try history.map { try answers[$0] } ?? []
    if !exists, let last = rows.filter(\.ownsVersionTable).map(\.version).max() { throw gone(at: last) }
    return MigrationRecord(
      // To golang-migrate the empty database is -1.
      versionRow: try version.flatMap { try answers[$0].first }.map { .init(version: max($0.0, 0), dirty: $0.1) },
      history: rows.map(\.applied), owner: rows.first { $0.ownsVersionTable }?.setName)
  }
}

extension VersionTables {
  /// Not taken for another tool's undoing, which leaves the table: the history has SQL that stands nowhere else.
  private func gone(at version: Int64) -> MigrationError {
    MigrationError(
      .changedMeanwhile,
      """
      the version table \(schema).\(table) is gone, while the history beside it is at version \(version). If the schema is at \
      that version, put the table back: \(versionTableCreation.text); INSERT INTO \(versions.text) VALUES (\(version), false). \
      If the schema is gone too, drop the history: DROP TABLE \(history.text)
      """)
  }
}

// MARK: Writing

extension VersionTables {
  /// Where the record of a migration comes from.
  enum Origin {
    /// It was applied just now, in this many seconds.
    case applied(seconds: SQL)
    /// It is being applied outside a transaction.
    case begun(AppliedMigration.Progress)
    /// Another tool applied it: when, by whom and exactly what is not known.
    case takenOver
  }

  /// Records a migration. Fails when it is recorded already, which keeps two migrators from applying it twice even if
  /// the lock should fail.
  func insertion(_ migration: Migration, of set: String, owner: Bool, _ origin: Origin) -> SQL {
    var checksum: String? = migration.up.checksum
    var duration: SQL = "NULL"
    var progress: AppliedMigration.Progress?
    var (time, role): (SQL, SQL) = ("now()", "session_user")
    switch origin {
    case .applied(let seconds): duration = seconds
    case .begun(let begun): progress = begun
    case .takenOver: (checksum, time, role) = (nil, "NULL", "NULL")
    }
    return """
      INSERT INTO \(history) (
        set_name, version, title, owns_version_table, checksum, down_file, down_sql, down_first_line,
        down_in_transaction, applied_at, applied_by, duration_seconds, running, statements_done, running_checksum
      ) VALUES (
        \(set), \(migration.version), \(migration.title), \(owner), \(checksum), \(migration.down?.file),
        \(migration.down?.text), \(migration.down.map { Int32($0.firstLine) }), \(migration.down?.inTransaction),
        \(time), \(role), \(duration), \(progress?.direction.rawValue),
        \(progress.map { Int32($0.statementsDone) }), \(progress?.checksum)
      )
      """
  }

  /// Removes the record of a migration.
  func deletion(_ version: Int64, of set: String) -> SQL {
    "DELETE FROM \(history) WHERE set_name = \(set) AND version = \(version)"
  }

  /// Counts the record of a migration, and keeps it from being changed until the transaction's end.
  func holding(_ version: Int64, of set: String) -> SQL {
    """
    SELECT count(*) FROM (
      SELECT FROM \(history) WHERE set_name = \(set) AND version = \(version) FOR UPDATE
    ) AS record
    """
  }

  /// The transaction that last wrote the record of a migration: of one that stopped half way, the one before the statement
  /// that was under way.
  func lastChange(of version: Int64, in set: String) -> SQL {
    "SELECT xmin::text FROM \(history) WHERE set_name = \(set) AND version = \(version)"
  }

  /// Notes that a script outside a transaction begins or has come further; nil when it is done, with the time it took.
  func setProgress(
    _ progress: AppliedMigration.Progress?, of version: Int64, in set: String, duration: Duration? = nil,
    _ connection: some PostgresClient
  ) async throws {
    try await connection.execute(
      """
      UPDATE \(history)
      SET running = \(progress?.direction.rawValue), statements_done = \(progress.map { Int32($0.statementsDone) }),
        running_checksum = \(progress?.checksum),
        duration_seconds = coalesce(\(duration.map { $0 / .seconds(1) }), duration_seconds)
      WHERE set_name = \(set) AND version = \(version)
      """, name: "RecordProgress")
  }

  /// Statements that leave `row` as the version table's one row, or none.
  func settingVersion(_ row: MigrationLedger.VersionRow?) -> [SQL] {
    let clear: SQL = "DELETE FROM \(versions)"
    guard let row else { return [clear] }
    return [clear, "INSERT INTO \(versions) (version, dirty) VALUES (\(row.version), \(row.dirty))"]
  }
}

/// A row of the history.
private struct HistoryRow: PostgresRow {
  var setName: String
  var version: Int64
  var title: String
  var order: Int64
  var ownsVersionTable: Bool
  var checksum: String?
  var downFile: String?
  var downText: String?
  var downFirstLine: Int32?
  var downInTransaction: Bool?
  var appliedAt: Date?
  var appliedBy: String?
  var duration: Double?
  var running: String?
  var statementsDone: Int32?
  var runningChecksum: String?

  enum CodingKeys: String, CodingKey {
    case setName = "set_name"
    case version
    case title
    case order = "applied_order"
    case ownsVersionTable = "owns_version_table"
    case checksum
    case downFile = "down_file"
    case downText = "down_sql"
    case downFirstLine = "down_first_line"
    case downInTransaction = "down_in_transaction"
    case appliedAt = "applied_at"
    case appliedBy = "applied_by"
    case duration = "duration_seconds"
    case running
    case statementsDone = "statements_done"
    case runningChecksum = "running_checksum"
  }

  var applied: AppliedMigration {
    AppliedMigration(
      set: setName, version: version, title: title, checksum: checksum, down: down, order: order,
      appliedAt: appliedAt, duration: duration.map { .seconds($0) }, appliedBy: appliedBy, progress: progress)
  }

  private var down: Migration.Script? {
    downText.map { text in
      Migration.Script(
        file: downFile ?? "\(version)_\(title).down.sql", text: text, firstLine: downFirstLine.map(Int.init) ?? 1,
        inTransaction: downInTransaction ?? true)
    }
  }

  private var progress: AppliedMigration.Progress? {
    guard let running, let direction = MigrationStep.Direction(rawValue: running) else { return nil }
    return AppliedMigration.Progress(
      direction: direction, statementsDone: statementsDone.map(Int.init) ?? 0, checksum: runningChecksum ?? "")
  }
}
