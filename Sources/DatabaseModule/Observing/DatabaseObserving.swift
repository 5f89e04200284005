internal import AppConfiguration
internal import Container
internal import Postgres
internal import PrometheusMetrics
internal import StructuredLogging

/// What watches the database: tracers, metrics, and the log lines of long queries, outages and a pool that is too small.
struct DatabaseObserving: Module {
  var body: [any ModuleElement] {
    Provide { (settings: DatabaseSettings, logger: Logger) in
      SlowQueryTracer(threshold: settings.slowQueryThreshold, parameters: settings.logParameters, logger: logger)
    }
    Provide { QueryStatistics() }
    Provide { (settings: DatabaseSettings) in RunningQueries(patience: settings.longQueryPatience) }
    Provide { (settings: DatabaseSettings, logger: Logger) in
      SlowQueryExplainer(
        threshold: settings.slowQueryThreshold, showsValues: settings.logParameters == .full, logger: logger)
    }
    Provide { (slow: SlowQueryTracer) in slow as any QueryTracer }.grouped()
    Provide { (statistics: QueryStatistics) in statistics as any QueryTracer }.grouped()
    Provide { (running: RunningQueries) in running as any QueryTracer }.grouped()
    Provide { (registry: MetricsRegistry) in try QueryMetrics(registry) as any QueryTracer }.grouped()
    Provide { (settings: DatabaseSettings, explainer: SlowQueryExplainer) in
      // Its part is free where it is off.
      settings.explainsSlowQueries ? explainer as any QueryTracer : TracerChain([])
    }
    .grouped()

    Run("database watch") {
      (
        running: RunningQueries, slow: SlowQueryTracer, settings: DatabaseSettings, pool: PostgresPool, logger: Logger
      )
      in
      try await DatabaseWatch(running: running, tracer: slow, logger: logger)
        .run(pool, interval: settings.watchInterval)
    }
    Run("slow query plans") { (explainer: SlowQueryExplainer, pool: PostgresPool) in await explainer.run(pool) }
  }
}
