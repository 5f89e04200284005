public import AppConfiguration
public import Migrations
public import Postgres

/// The settings under `database`.
public struct DatabaseSettings: Sendable {
  /// `database.url`.
  public static let url = Setting<Secret<String>?>(
    "database.url", default: nil,
    "The server, as postgres://user:password@host:port/database. Without one, a private server is started if it may be."
  ).checked("must not be empty; leave it out for the private server") { $0?.reveal().isEmpty != true }
  /// `database.embedded`.
  public static let embedded = Setting(
    "database.embedded", default: true,
    "Whether a private server is started where database.url is not set. Every host.preset but none says false.")
  /// `database.data_directory`.
  public static let dataDirectory = Setting(
    "database.data_directory", default: ".keel/postgres", "Where the private server keeps its data.")
  /// `database.max_conns`.
  public static let maxConns = Setting(
    "database.max_conns", default: 0, "The most connections; 0 is twice the number of processors plus one."
  ).checked("must be from 0 to 10000") { (0...10_000).contains($0) }
  /// `database.min_conns`.
  public static let minConns = Setting(
    "database.min_conns", default: 0, "Connections kept open even when nobody uses them."
  ).checked("must be 0 or more") { $0 >= 0 }
  /// `database.max_conn_lifetime`.
  public static let maxConnLifetime = Setting(
    "database.max_conn_lifetime", default: Duration.seconds(3600), "A connection older than this is replaced."
  ).checked("must be longer than zero") { $0 > .zero }
  /// `database.max_conn_idle_time`.
  public static let maxConnIdleTime = Setting(
    "database.max_conn_idle_time", default: Duration.seconds(1800), "A connection idle for longer is closed."
  ).checked("must be longer than zero") { $0 > .zero }
  /// `database.health_check_period`.
  public static let healthCheckPeriod = Setting(
    "database.health_check_period", default: Duration.seconds(60), "How often ages and the minimum are checked."
  ).checked("must be longer than zero") { $0 > .zero }
  /// `database.acquire_timeout`.
  public static let acquireTimeout = Setting(
    "database.acquire_timeout", default: Duration.seconds(5), "How long a query waits for a connection."
  ).checked("must be longer than zero") { $0 > .zero }
  /// `database.loops`.
  public static let loops = Setting(
    "database.loops", default: 1,
    "Threads that read the server's answers: 1 is the host's event loop, each further one a loop of its own."
  ).checked("must be from 1 to 64") { (1...64).contains($0) }
  /// `database.slow_query_threshold`.
  public static let slowQueryThreshold = Setting(
    "database.slow_query_threshold", default: Duration.milliseconds(100),
    "A query that takes as long or longer is logged as a warning.")
  /// `database.log_parameters`.
  public static let logParameters = Setting(
    "database.log_parameters", default: SlowQueryTracer.ParameterMode.full,
    "How parameters appear in the log: full, fingerprint or none.")
  /// `database.explain_slow_queries`.
  public static let explainSlowQueries = Setting(
    "database.explain_slow_queries", default: false,
    "Whether the plan of a slow SELECT is logged, once a minute at most. Nothing is run twice for it.")
  /// `database.statement_cache_mode`.
  public static let statementCacheMode = Setting(
    "database.statement_cache_mode", default: StatementCacheMode.prepare,
    "Whether statements are kept prepared: prepare, or describe behind PgBouncer in transaction mode; simple sends them "
      + "by the simple query protocol, for poolers that know no other.")
  /// `database.migrate_on_start`.
  public static let migrateOnStart = Setting(
    "database.migrate_on_start", default: true, "Whether pending migrations are applied before the pool opens.")
  /// `database.migrations_table`.
  public static let migrationsTable = Setting(
    "database.migrations_table", default: "schema_migrations", flag: "table",
    "Where the version of the schema is kept; golang-migrate's table by default.")
  /// `database.migrations_schema`.
  public static let migrationsSchema = Setting<String?>(
    "database.migrations_schema", default: nil, flag: "schema",
    "The schema of that table. Without one, where the search path finds the table, or else its first schema.")
  /// `database.migrator_wait`.
  public static let migratorWait = Setting(
    "database.migrator_wait", default: Duration.seconds(60), flag: "migrator-wait",
    "How long to wait for another process that migrates the database.")
  /// `database.newer_database`.
  public static let newerDatabase = Setting(
    "database.newer_database", default: MigrationPolicies.Choice.refuse,
    "What to do with a database that a newer version of the program migrated: refuse it, or run with it.")
  /// `database.out_of_order`.
  public static let outOfOrder = Setting(
    "database.out_of_order", default: MigrationPolicies.Choice.refuse,
    "What to do with a migration whose number is below one that is applied: refuse it, or run it late.")
  /// `database.lock_timeout`.
  public static let lockTimeout = Setting(
    "database.lock_timeout", default: Duration.seconds(5), flag: "lock-timeout",
    "How long a statement of a migration waits for a lock before it is undone and tried again."
  ).checked("must be longer than zero") { $0 > .zero }

  /// `database.replicas`.
  public static let replicas = Setting<[Secret<String>]?>(
    "database.replicas", default: nil, "Standby servers for reading, each as a URL like database.url."
  ).checked("no URL may be empty") { $0?.contains { $0.reveal().isEmpty } != true }
  /// `database.replica_max_lag`.
  public static let replicaMaxLag = Setting(
    "database.replica_max_lag", default: Duration.seconds(10),
    "How far a replica may be behind before its readers go elsewhere."
  ).checked("must be longer than zero") { $0 > .zero }
  /// `database.replica_check_period`.
  public static let replicaCheckPeriod = Setting(
    "database.replica_check_period", default: Duration.seconds(2), "How often each replica's lag is measured."
  ).checked("must be longer than zero") { $0 > .zero }

  /// All of them.
  public static let catalog = SettingsCatalog(
    "database", url, embedded, dataDirectory, maxConns, minConns, maxConnLifetime, maxConnIdleTime, healthCheckPeriod,
    acquireTimeout, loops, slowQueryThreshold, logParameters, explainSlowQueries, statementCacheMode, migrateOnStart,
    migrationsTable, migrationsSchema, migratorWait, newerDatabase, outOfOrder, lockTimeout, replicas, replicaMaxLag,
    replicaCheckPeriod)

  let url: Secret<String>?
  let dataDirectory: String
  let replicas: [Secret<String>]
  let replicaMaxLag: Duration
  let replicaCheckPeriod: Duration
  let loops: Int
  let slowQueryThreshold: Duration
  let logParameters: SlowQueryTracer.ParameterMode
  let explainsSlowQueries: Bool
  let migrateOnStart: Bool
  private let configuration: Configuration

  /// Reads them.
  ///
  /// - Throws: `ConfigurationError` naming the place of a value that makes no sense.
  public init(_ configuration: Configuration) throws(ConfigurationError) {
    self.configuration = configuration
    url = try configuration(Self.url)
    dataDirectory = try configuration(Self.dataDirectory)
    let mayBePrivate = try configuration(Self.embedded)
    guard url != nil || mayBePrivate else {
      // In production an empty database that nobody has asked for looks as if all data were gone.
      throw ConfigurationError(
        ConfigurationFault(
          .missing, at: configuration.source(of: Self.embedded), path: Self.url.path,
          "database.embedded is false, so database.url has to be set: in the configuration file or by the variable "
            + "\(Self.url.environmentName)"))
    }
    if let url { try Self.check(url, Self.url, configuration) }
    replicas = try configuration(Self.replicas) ?? []
    for replica in replicas { try Self.check(replica, Self.replicas, configuration) }
    replicaMaxLag = try configuration(Self.replicaMaxLag)
    replicaCheckPeriod = try configuration(Self.replicaCheckPeriod)
    loops = try configuration(Self.loops)
    slowQueryThreshold = try configuration(Self.slowQueryThreshold)
    logParameters = try configuration(Self.logParameters)
    explainsSlowQueries = try configuration(Self.explainSlowQueries)
    migrateOnStart = try configuration(Self.migrateOnStart)
    try checkSizes()
  }

  /// A query that runs for as long is reported before it ends.
  var longQueryPatience: Duration { slowQueryThreshold * 10 }

  /// How often the database is looked at: often enough to find a long query while it is not much longer.
  var watchInterval: Duration { min(max(longQueryPatience / 4, .milliseconds(20)), .seconds(1)) }

  /// Says before anything starts that no server can be found by a text, which is not shown: it may hold a password.
  private static func check<Value>(
    _ url: Secret<String>, _ setting: Setting<Value>, _ configuration: Configuration
  ) throws(ConfigurationError) {
    do throws(PostgresError) {
      _ = try ConnectOptions(url.reveal())
    } catch {
      throw ConfigurationError(
        ConfigurationFault(
          .invalidValue, at: configuration.source(of: setting), path: setting.path, "\(setting.path): \(error.message)")
      )
    }
  }

  private func checkSizes() throws(ConfigurationError) {
    let configured = try configuration(Self.maxConns)
    let least = try configuration(Self.minConns)
    let most = PostgresPool.Configuration.effectiveMaxConnections(configured)
    guard least > most else { return }
    let standsFor = configured == most ? "" : " and stands for \(most) on this machine"
    throw ConfigurationError(
      ConfigurationFault(
        .invalidValue, at: configuration.source(of: Self.minConns), path: Self.minConns.path,
        "database.min_conns is \(least), more than database.max_conns, which is \(configured)\(standsFor)"))
  }

  func migrator() throws(ConfigurationError) -> Migrator.Configuration {
    var migrator = Migrator.Configuration()
    migrator.table = try configuration(Self.migrationsTable)
    migrator.schema = try configuration(Self.migrationsSchema)
    migrator.migratorWait = try configuration(Self.migratorWait)
    migrator.policies.newerDatabase = try configuration(Self.newerDatabase)
    migrator.policies.outOfOrder = try configuration(Self.outOfOrder)
    migrator.lockTimeout = try configuration(Self.lockTimeout)
    return migrator
  }

  /// The pool as it is configured.
  ///
  /// - Throws: `ConfigurationError` naming the place of a value that makes no sense.
  public func pool(_ connect: ConnectOptions) throws -> PostgresPool.Configuration {
    var pool = PostgresPool.Configuration(connect)
    pool.maxConnections = try configuration(Self.maxConns)
    pool.minConnections = try configuration(Self.minConns)
    pool.maxLifetime = try configuration(Self.maxConnLifetime)
    pool.maxIdleTime = try configuration(Self.maxConnIdleTime)
    pool.healthCheckPeriod = try configuration(Self.healthCheckPeriod)
    pool.acquireTimeout = try configuration(Self.acquireTimeout)
    pool.connect.statementCacheMode = try configuration(Self.statementCacheMode)
    return pool
  }
}
