internal import MigrationFiles
internal import Postgres

extension MigrationSession {
  /// For a query of indexes: `i` is what the catalogue has of one, `c` its name and kind, `n` its schema.
  static let indexes: SQL = """
    pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    """

  /// Whether the statement that was under way when an earlier try stopped had done its work. An index that it left
  /// half built is dropped, so that it can be built again.
  func isFinished(
    _ unit: MigrationScriptParts.Unit, under settings: [SQLStatement], of step: MigrationStep
  ) async throws -> Bool {
    guard let statement = unit.statements.first else { return false }
    let found: [(isValid: Bool, name: String)]
    switch ConcurrentIndex(statement) {
    case nil:
      guard statement.words.first == "REINDEX" else { return false }
      found = try await reindexingLeftovers(of: step).map { (false, $0) }
    case .drop(let name):
      // The statement's names are found where it looked for them.
      try await run(settings)
      return try await work.one("SELECT to_regclass(\(name)) IS NULL", as: Bool.self)
    case .build(let name, let table):
      try await run(settings)
      found = try await indexes(named: name, of: table)
    case .buildUnnamed(let table, let isUnique, let definition):
      let start: String = try await work.one(tables.lastChange(of: step.version, in: step.set))
      try await run(settings)
      found = try await indexes(
        of: table, madeSince: start, like: "CREATE \(isUnique ? "UNIQUE " : "")INDEX ON", definition, for: step)
    }
    for (_, name) in found.filter({ !$0.isValid }) {
      try await refuseWhileBuilding(name, for: step)
      try await run(settings)
      try await work.script("DROP INDEX CONCURRENTLY \(name)")
      migrator.report(.droppedInvalidIndex(step, index: name))
    }
    return found.contains { $0.isValid }
  }

  /// Refuses to take an index for built that is INVALID: IF NOT EXISTS is content with what an earlier try left.
  func refuseInvalid(builtBy statement: SQLStatement, of step: MigrationStep) async throws {
    guard case .build(let name, let table) = ConcurrentIndex(statement),
      let index = try await indexes(named: name, of: table).first(where: { !$0.isValid })
    else { return }
    throw MigrationError(
      .scriptFailed,
      "\(step) stopped: the index \(index.name) was there already and is invalid, since building it failed; go on with "
        + "migrate resume, which drops it and builds it again",
      at: step.script.location(at: statement.position))
  }

  private func indexes(named name: String, of table: String) async throws -> [(isValid: Bool, name: String)] {
    try await work.all(
      """
      SELECT i.indisvalid, format('%I.%I', n.nspname, c.relname)
      FROM \(Self.indexes)
      WHERE i.indrelid = to_regclass(\(table)) AND c.relname = (parse_ident(\(name)))[1]::name
      """, as: (Bool, String).self, name: "FindIndex")
  }

  /// What a `REINDEX CONCURRENTLY` that did not come to its end left beside the indexes themselves.
  private func reindexingLeftovers(of step: MigrationStep) async throws -> [String] {
    try await work.all(
      """
      SELECT format('%I.%I', n.nspname, c.relname)
      FROM \(Self.indexes)
      WHERE NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$' AND n.nspname !~ '^pg_'
        AND age(i.xmin) BETWEEN 0
          AND (SELECT age(start::xid) - 1 FROM (\(tables.lastChange(of: step.version, in: step.set))) AS r(start))
      ORDER BY 1
      """, as: String.self, name: "FindReindexingLeftovers")
  }

  /// Behind a pooler the server goes on for a client that is gone; to drop the index would wait for its end, and waste it.
  private func refuseWhileBuilding(_ index: String, for step: MigrationStep) async throws {
    let builder = try await work.optional(
      // Of the table, not the index: REINDEX TABLE makes all its new ones first, and then tells of one at a time.
      """
      SELECT p.pid FROM pg_catalog.pg_stat_progress_create_index AS p
      JOIN pg_catalog.pg_index AS i ON i.indrelid = p.relid
      WHERE i.indexrelid = to_regclass(\(index)) AND p.datname = current_database()
      LIMIT 1
      """, as: Int32.self, name: "FindIndexBuilder")
    guard let builder else { return }
    throw MigrationError(
      .dirty,
      """
      \(step) cannot be resumed yet: process \(builder) is still building the index \(index), or another of its table. Let \
      it finish and run migrate resume again; to end it: SELECT pg_terminate_backend(\(builder))
      """)
  }

  /// The indexes of `table` that came after the transaction `start` and are what a statement without a name asks for.
  ///
  /// One that is just the same may have been there before, and be about to go; and one that came since may be another.
  /// What the statement asks for is made of a table without rows, so that the server tells what it takes for the same.
  private func indexes(
    of table: String, madeSince start: String, like beginning: String, _ definition: String, for step: MigrationStep
  ) async throws -> [(isValid: Bool, name: String)] {
    // Of pg_index, not pg_class, which a TRUNCATE or REINDEX writes anew.
    let isNew: SQL = "i.indrelid = to_regclass(\(table)) AND age(i.xmin) BETWEEN 0 AND age(\(start)::xid) - 1"
    let new = try await work.all(
      """
      SELECT n.nspname::text, format('%I.%I', n.nspname, c.relname)
      FROM \(Self.indexes)
      WHERE \(isNew)
      """, as: (String, String).self, name: "FindNewIndexes")
    guard let (schema, _) = new.first else { return [] }
    let likeness = SQL("\(identifier: schema).\(identifier: "keel_migration_likeness")")
    var found: [(Bool, String)] = []
    do {
      try await inTransaction {
        try await work.script("CREATE TABLE \(likeness.text) (LIKE \(table))")
        try await work.script("\(beginning) \(likeness.text) \(definition)")
        found = try await work.all(
          """
          WITH indexes AS (
            SELECT i.indrelid, i.indisvalid, format('%I.%I', n.nspname, c.relname) AS name, i.indisunique,
              \(isNew) AS is_new,
              substr(
                pg_get_indexdef(i.indexrelid),
                length(format('CREATE %sINDEX %I ON %I.%I', CASE WHEN i.indisunique THEN 'UNIQUE ' END,
                  c.relname, n.nspname, t.relname)) + 1) AS definition
            FROM \(Self.indexes)
            JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
            WHERE i.indrelid IN (to_regclass(\(table)), to_regclass(\(likeness.text)))
          )
          SELECT found.indisvalid, found.name
          FROM indexes AS found
          JOIN indexes AS wanted USING (indisunique, definition)
          WHERE found.is_new AND wanted.indrelid = to_regclass(\(likeness.text))
          """, as: (Bool, String).self, name: "FindIndexWithoutName")
        try await work.script("DROP TABLE \(likeness.text)")
      }
    } catch let error as PostgresError where error.code == .server {
      let names = new.map(\.1).joined(separator: ", ")
      throw MigrationError(
        .scriptFailed,
        """
        \(step) cannot be resumed: whether one of \(names) is what its statement without a name was building when it stopped \
        is not to be found out (\(error.message)). DROP INDEX CONCURRENTLY those that are, and run migrate resume again
        """, cause: error)
    }
    return found
  }
}
