internal import AppConfiguration
public import Container
internal import EventLoop
internal import Health
internal import Migrations
internal import Postgres
internal import PrometheusMetrics
internal import ResourcePool
internal import StructuredLogging

/// A PostgreSQL database for an app: server, migrations, pool, slow-query log, metrics and health check.
///
/// Provides `PostgresPool`, open and migrated, and `Tagged<Replica, PostgresPool>` for reading; see ``Replica``. Wants `Configuration`, `Logger`, `EventLoop` and `MetricsRegistry`,
/// which `Host` provides. Takes what other modules contribute: `Group<MigrationSet>` (see ``Migrations``) and
/// `Group<any QueryTracer>`.
public struct DatabaseModule: Module {
  /// Everything is configured under `database`; see ``DatabaseSettings``.
  public init() {}

  /// The server, its schema, the pool, and what watches them.
  public var body: [any ModuleElement] {
    Supply(DatabaseSettings.catalog).grouped()
    Provide { (configuration: Configuration) in try DatabaseSettings(configuration) }
    Decorate { (logger: Logger) in logger.labelled("database") }

    Provide { (settings: DatabaseSettings, logger: Logger, sharing: EmbeddedServerSharing?) in
      try await DatabaseServer.start(settings, sharing: sharing != nil, logger: logger)
    }
    // A fast shutdown, an immediate one and a kill, with the server's own patience for each.
    .onStop(timeout: .seconds(50)) { server in await server.stop() }
    Run("embedded PostgreSQL") { (server: DatabaseServer) in await server.supervise() }

    Provide {
      (
        sets: Group<MigrationSet>, settings: DatabaseSettings, server: DatabaseServer, loop: EventLoop, logger: Logger
      )
      in
      Migrator(
        Array(sets), options: server.options, loop: loop, logger: logger, configuration: try settings.migrator())
    }
    Provide(DatabaseSchema.init)
      // As long as the whole start may take: host.start_timeout ends it.
      .onStart(timeout: .seconds(24 * 3600)) { schema in try await schema.prepare() }

    DatabaseObserving()

    Provide { (settings: DatabaseSettings, host: EventLoop) in
      try await DatabaseLoops.start(settings.loops, beside: host)
    }
    .onStop { loops in await loops.stop() }

    Provide {
      (
        settings: DatabaseSettings, server: DatabaseServer, _: DatabaseSchema, tracers: Group<any QueryTracer>,
        loops: DatabaseLoops, logger: Logger
      ) in
      try PostgresPool(
        settings.pool(server.options), loops: loops.all, logger: logger,
        tracer: TracerChain(Array(tracers) + [OutageLog(logger)]))
    }
    .onStart { pool in try await pool.start() }
    .onStop { pool in await pool.close() }

    Provide {
      (
        settings: DatabaseSettings, primary: PostgresPool, tracers: Group<any QueryTracer>, loops: DatabaseLoops,
        logger: Logger
      ) in
      // Its outages are its own: one server answers while another does not.
      try ReplicaSet(
        settings, primary: primary, loops: loops, logger: logger,
        tracer: TracerChain(Array(tracers) + [OutageLog(logger.with("pool", "replica"))]))
    }
    .onStart { replicas in try await replicas.start() }
    .onStop { replicas in await replicas.close() }
    Provide { (replicas: ReplicaSet) in replicas.pool }.tagged(Replica.self).offered()
    Run("replicas") { (replicas: ReplicaSet) in await replicas.watch() }

    Provide { (pool: PostgresPool) in HealthCheck("database", timeout: .seconds(2)) { try await pool.ping() } }
      .grouped()
    Provide { (pool: PostgresPool, migrator: Migrator) in
      let check = SchemaCheck(migrator)
      return HealthCheck("schema", timeout: .seconds(2)) {
        do {
          try await pool.withConnection(acquireTimeout: .milliseconds(250)) { try await check.run(on: $0) }
        } catch is PoolError {
          // A pool that is busy says nothing of the schema, and must not make a busy process unready.
        }
      }
    }
    .grouped()
    Invoke { (registry: MetricsRegistry, pool: PostgresPool, replicas: ReplicaSet, migrator: Migrator) in
      let others = replicas.isEmpty ? [] : [(name: "replica", pool: replicas.pool)]
      try registry.register(PoolCollector([(name: "main", pool: pool)] + others))
      try registry.register(MigrationCollector(migrator, pool))
    }
  }
}
