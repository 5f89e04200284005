internal import Postgres

/// What a database holds: tables, columns, constraints, indexes, views, functions and so on, each with its definition.
///
/// Taken down at the end of a run, it shows later what was changed by hand. Left out are what belongs to an extension,
/// partitions, which programs make as they run, with what the server makes elsewhere for each, and a migrator's own tables.
struct Catalogue: Sendable, Hashable {
  /// Definitions by kind and name, as in `column public.users.id`: `uuid NOT NULL`.
  var objects: [String: String]

  /// What is not as it was in `earlier`, in words, in alphabetical order of the objects.
  func changes(since earlier: Catalogue) -> [String] {
    Set(objects.keys).union(earlier.objects.keys).sorted().compactMap { name in
      switch (earlier.objects[name], objects[name]) {
      case (let old?, let new?) where old != new: "\(name) was \(old), and is \(new)"
      case (_?, nil): "\(name) is gone"
      case (nil, _?): "\(name) was added"
      case (_, _): nil
      }
    }
  }

  /// Reads the catalogue of the connection's database.
  ///
  /// - Parameter connection: Has to be in a transaction whose search path is empty: names in definitions depend on it.
  static func read(_ connection: PostgresConnection, without tables: VersionTables) async throws -> Catalogue {
    let rows = try await connection.all(
      query(schema: tables.schema, own: tables.names), as: (String, String).self, name: "ReadCatalogue")
    return Catalogue(objects: Dictionary(rows) { first, _ in first })
  }

  /// What is numbered below 16384 came with the server. To say so spares it going through thousands of its own functions.
  fileprivate static func query(schema: String, own: [String]) -> SQL {
    """
    WITH schemas AS (
      SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    ), members AS (
      SELECT classid, objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
    ), relations AS (
      SELECT c.oid, c.relkind, c.relrowsecurity, format('%I.%I', s.nspname, c.relname) AS name
      FROM pg_class AS c JOIN schemas AS s ON s.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
        AND (s.nspname <> \(schema) OR c.relname <> ALL (\(own)))
        AND NOT EXISTS (SELECT FROM members WHERE classid = 'pg_class'::regclass AND objid = c.oid)
    )
    SELECT 'schema ' || quote_ident(nspname), '' FROM schemas
    UNION ALL
    SELECT CASE relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' WHEN 'f' THEN 'foreign table '
        ELSE 'table ' END || name,
      CASE WHEN relkind IN ('v', 'm') THEN md5(pg_get_viewdef(oid)) WHEN relrowsecurity THEN 'with row security'
        ELSE 'without row security' END
      FROM relations
    UNION ALL
    SELECT format('column %s.%I', r.name, a.attname),
      concat_ws(' ', format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'NOT NULL' END,
        'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid))
      FROM pg_attribute AS a JOIN relations AS r ON r.oid = a.attrelid
      LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      WHERE a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT format('constraint %I of %s', c.conname, r.name), pg_get_constraintdef(c.oid)
      FROM pg_constraint AS c JOIN relations AS r ON r.oid = c.conrelid
      WHERE c.contype <> 'n' AND c.conparentid = 0
    UNION ALL
    SELECT format('index %I of %s', c.relname, r.name), pg_get_indexdef(c.oid)
      FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN relations AS r ON r.oid = i.indrelid
      WHERE NOT EXISTS (SELECT FROM pg_constraint AS o WHERE o.conindid = i.indexrelid AND o.conrelid = i.indrelid)
    UNION ALL
    SELECT format('trigger %I of %s', t.tgname, r.name), pg_get_triggerdef(t.oid)
      FROM pg_trigger AS t JOIN relations AS r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal
    UNION ALL
    SELECT format('policy %I of %s', p.polname, r.name),
      concat_ws(' ', p.polcmd, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
      FROM pg_policy AS p JOIN relations AS r ON r.oid = p.polrelid
    UNION ALL
    SELECT format('function %I.%I(%s)', s.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
      md5(pg_get_functiondef(p.oid))
      FROM pg_proc AS p JOIN schemas AS s ON s.oid = p.pronamespace
      WHERE p.oid >= 16384 AND p.prokind IN ('f', 'p')
        AND NOT EXISTS (SELECT FROM members WHERE classid = 'pg_proc'::regclass AND objid = p.oid)
    UNION ALL
    SELECT format('enum %I.%I', s.nspname, t.typname),
      coalesce(
        (SELECT string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder) FROM pg_enum AS e WHERE e.enumtypid = t.oid), '')
      FROM pg_type AS t JOIN schemas AS s ON s.oid = t.typnamespace
      WHERE t.oid >= 16384 AND t.typtype = 'e'
        AND NOT EXISTS (SELECT FROM members WHERE classid = 'pg_type'::regclass AND objid = t.oid)
    """
  }
}

// MARK: Keeping

extension VersionTables {
  /// Writes down what the database holds after a run, and at which versions.
  func keepingCatalogue(of ledger: MigrationLedger) -> PostgresBatch {
    var batch = PostgresBatch()
    batch.execute(MigrationSession.beginning)
    batch.execute("SET LOCAL search_path = ''")
    batch.execute("DELETE FROM \(catalogueTable)")
    batch.execute(
      """
      INSERT INTO \(catalogueTable) (versions, objects, definitions)
      SELECT \(ledger.fingerprint), coalesce(array_agg(name), '{}'), coalesce(array_agg(definition), '{}')
      FROM (\(Catalogue.query(schema: schema, own: names))) AS catalogue(name, definition)
      """)
    batch.execute("COMMIT")
    return batch
  }

  /// What was changed since a run left the database at these versions; nothing when no run did, or one of another tool.
  func driftedObjects(of ledger: MigrationLedger, _ connection: PostgresConnection) async throws -> [String] {
    guard hasCatalogue else { return [] }
    try await connection.script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL search_path = ''")
    let kept = try await connection.optional(
      "SELECT objects, definitions FROM \(catalogueTable) WHERE versions = \(ledger.fingerprint)",
      as: ([String], [String]).self, name: "ReadKeptCatalogue")
    let current = try await kept == nil ? nil : Catalogue.read(connection, without: self)
    try await connection.script("ROLLBACK")
    guard let kept, let current else { return [] }
    let earlier = Catalogue(objects: Dictionary(zip(kept.0, kept.1)) { first, _ in first })
    return current.changes(since: earlier)
  }
}

extension MigrationLedger {
  /// What is applied, in one line: `base 1-32, hello 1`.
  var fingerprint: String {
    accounts.filter { !$0.applied.isEmpty }.map { account in
      "\(account.set.name) " + account.applied.map { "\($0.version)" }.joined(separator: "-")
    }.joined(separator: ", ")
  }
}
