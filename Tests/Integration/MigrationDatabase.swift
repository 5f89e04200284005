import DatabaseTesting
import EventLoop
import FoundationEssentials
import Migrations
import Postgres
import Synchronization
import Testing

/// An empty database that belongs to an ordinary role, as in production.
struct MigrationDatabase: Sendable {
  let loop: EventLoop
  /// The role that owns the database.
  let role: String
  let options: ConnectOptions
  /// For looking at the database from outside.
  let connection: PostgresConnection

  static func with<Result: Sendable>(_ body: (MigrationDatabase) async throws -> Result) async throws -> Result {
    try await TestDatabase.with(.empty) { database in
      let role = "role_" + UUID().uuidString.lowercased().filter { $0 != "-" }
      try await database.pool.execute("CREATE ROLE \(identifier: role) LOGIN")
      try await database.pool.execute(
        "ALTER DATABASE \(identifier: database.options.database ?? "") OWNER TO \(identifier: role)")
      var options = database.options
      options["user"] = role
      return try await with(options, role: role, loop: database.loop, body)
    }
  }

  static func with<Result: Sendable>(
    _ options: ConnectOptions, role: String, loop: EventLoop, _ body: (MigrationDatabase) async throws -> Result
  ) async throws -> Result {
    let connection = try await PostgresConnection.connect(options, loop: loop)
    do {
      let result = try await body(
        MigrationDatabase(loop: loop, role: role, options: options, connection: connection))
      await connection.close()
      return result
    } catch {
      await connection.close()
      throw error
    }
  }

  /// A migrator for this database, with short waits.
  func migrator(
    _ sets: MigrationSet..., configure: (inout Migrator.Configuration) -> Void = { _ in },
    observer: @escaping Migrator.Observer = { _ in }
  ) -> Migrator {
    var configuration = Migrator.Configuration()
    configuration.lockRetryDelay = .milliseconds(50)
    configure(&configuration)
    return Migrator(sets, options: options, loop: loop, configuration: configuration, observer: observer)
  }

  /// What golang-migrate's table says: nil when it has no row or is not there.
  func versionRow() async throws -> (Int64, Bool)? {
    guard try await connection.one("SELECT to_regclass('public.schema_migrations') IS NOT NULL", as: Bool.self) else {
      return nil
    }
    return try await connection.optional("SELECT version, dirty FROM public.schema_migrations", as: (Int64, Bool).self)
  }

  func historyVersions() async throws -> [Int64] {
    try await connection.all(
      "SELECT version FROM public.keel_migration_history ORDER BY set_name, version", as: Int64.self)
  }

  /// Everything the catalogue says of the schemas, one line an object, and the seed rows. The migrator's own two tables
  /// are left out. Lines are in a fixed order.
  func catalogue() async throws -> [String] {
    var lines = try await connection.all(Self.catalogueQuery, as: String.self)
    for table in ["shared.casbin_rule", "shared.server_settings"] {
      guard try await connection.one("SELECT to_regclass(\(table)) IS NOT NULL", as: Bool.self) else { continue }
      // Ids and times are not part of what a seed row says.
      let query = SQL(
        unchecked: """
          SELECT '\(table) ' || (to_jsonb(t) - 'id' - 'created_at' - 'updated_at')::text FROM \(table) AS t ORDER BY 1
          """)
      lines += try await connection.all(query, as: String.self)
    }
    return lines
  }

  private static let catalogueQuery: SQL = """
    WITH schemas AS (
      SELECT oid, nspname, nspacl, nspowner FROM pg_namespace
      WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    ), tables AS (
      SELECT c.oid, c.relkind, c.relacl, c.relowner, format('%I.%I', s.nspname, c.relname) AS name
      FROM pg_class AS c JOIN schemas AS s ON s.oid = c.relnamespace
      WHERE c.relname NOT LIKE 'schema_migrations%' AND c.relname NOT LIKE 'keel_migration_%'
    )
    SELECT concat_ws(' ', 'schema', nspname, nspowner::regrole, nspacl, obj_description(oid, 'pg_namespace'))
      FROM schemas
    UNION ALL
    SELECT concat_ws(' ', 'extension', extname, extversion, extnamespace::regnamespace) FROM pg_extension
    UNION ALL
    SELECT concat_ws(' ', 'relation', name, relkind, relowner::regrole, relacl, obj_description(oid, 'pg_class'))
      FROM tables
    UNION ALL
    SELECT concat_ws(
        ' ', 'column', t.name, row_number() OVER (PARTITION BY t.oid ORDER BY a.attnum), a.attname,
        format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, a.attcollation::regcollation,
        pg_get_expr(d.adbin, d.adrelid), col_description(t.oid, a.attnum))
      FROM pg_attribute AS a JOIN tables AS t ON t.oid = a.attrelid
      LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      WHERE a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT concat_ws(' ', 'constraint', t.name, c.conname, c.contype, pg_get_constraintdef(c.oid))
      FROM pg_constraint AS c JOIN tables AS t ON t.oid = c.conrelid
    UNION ALL
    SELECT concat_ws(' ', 'index', t.name, pg_get_indexdef(i.indexrelid), i.indisvalid)
      FROM pg_index AS i JOIN tables AS t ON t.oid = i.indrelid
    UNION ALL
    SELECT concat_ws(' ', 'trigger', t.name, pg_get_triggerdef(g.oid), g.tgenabled)
      FROM pg_trigger AS g JOIN tables AS t ON t.oid = g.tgrelid WHERE NOT g.tgisinternal
    UNION ALL
    SELECT concat_ws(' ', 'function', pg_get_functiondef(p.oid), p.proacl)
      FROM pg_proc AS p JOIN schemas AS s ON s.oid = p.pronamespace WHERE p.prokind = 'f' AND p.prolang <> 13
    UNION ALL
    SELECT concat_ws(' ', 'type', format_type(y.oid, NULL)) FROM pg_type AS y JOIN schemas AS s ON s.oid = y.typnamespace
      WHERE y.typtype <> 'b' AND y.typrelid = 0
    ORDER BY 1
    """
}

/// Collects what a migrator tells.
final class MigrationEvents: Sendable {
  private let events = Mutex<[MigrationEvent]>([])

  var observer: Migrator.Observer { { event in self.events.withLock { $0.append(event) } } }
  var all: [MigrationEvent] { events.withLock { $0 } }
}

extension MigrationSet {
  /// A set of scripts, numbered from 1.
  static func scripts(_ name: String = "main", _ scripts: (up: String, down: String)...) -> MigrationSet {
    MigrationSet(
      name,
      scripts.enumerated().map { index, script in
        Migration(
          version: Int64(index + 1), title: "m\(index + 1)",
          up: Migration.Script(
            file: "\(index + 1)_m.up.sql", text: script.up,
            inTransaction: !script.up.hasPrefix("-- keel: no-transaction")),
          down: Migration.Script(
            file: "\(index + 1)_m.down.sql", text: script.down,
            inTransaction: !script.down.hasPrefix("-- keel: no-transaction")))
      })
  }
}

/// The error that `body` throws.
func migrationError(
  _ body: () async throws -> some Sendable, sourceLocation: SourceLocation = #_sourceLocation
) async throws -> MigrationError {
  do {
    _ = try await body()
  } catch let error as MigrationError {
    return error
  }
  return try #require(nil as MigrationError?, "no error was thrown", sourceLocation: sourceLocation)
}
