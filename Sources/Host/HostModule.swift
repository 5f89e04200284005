internal import AppConfiguration
internal import Container
internal import DatabaseModule
internal import EventLoop
internal import HTTPServer
internal import Health
internal import Migrations
internal import Postgres
internal import PrometheusMetrics
internal import StructuredLogging

/// What the host provides to an app: configuration, log, event loop, metrics, health, and the servers for all routes.
struct HostModule: Module {
  private let program: String
  private let version: String
  private let configuration: Configuration
  private let logger: Logger
  private let failures: RunFailures

  /// - Parameter failures: Counts those of background tasks, as an observer of the app.
  init(
    program: String, version: String, _ configuration: Configuration, _ logger: Logger,
    failures: RunFailures = RunFailures()
  ) {
    self.program = program
    self.version = version
    self.configuration = configuration
    self.logger = logger
    self.failures = failures
  }

  /// What stands around every handler.
  static let middleware: [any HTTPMiddleware] = [
    RequestIDMiddleware(),
    // Pages bring their own Content-Security-Policy; nothing here knows what they load.
    SecurityHeadersMiddleware([
      "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
    ]),
    GzipMiddleware(),
  ]

  /// Settings that are wrong are told of where they are read.
  private var hasAdminServer: Bool { (try? HostSettings(configuration))?.adminListen != nil }

  var body: [any ModuleElement] {
    let (program, version, logger, failures) = (program, version, logger, failures)
    Supply(configuration, logger)
    Supply(HostSettings.catalog).grouped()
    Supply(LogSettings.catalog).grouped()
    Provide { (configuration: Configuration) in try HostSettings(configuration) }

    Provide { (registry: MetricsRegistry) in try LoopStalls(logger, registry) }
    Provide { (settings: HostSettings, stalls: LoopStalls) throws -> EventLoop in
      var configuration = EventLoop.Configuration()
      configuration.busyPoll = settings.busyPoll
      configuration.onStall = { length in stalls.note(length) }
      return try EventLoop(configuration)
    }
    .onStop { loop in await loop.stop() }

    Provide { () throws -> MetricsRegistry in
      let registry = MetricsRegistry()
      try registry.register(ProcessCollector())
      try registry.register(BuildInfoCollector(name: program, version: version))
      return registry
    }

    Provide { HealthMonitor(onChange: HealthLog(logger).note) }
    Provide(Readiness.init)
      .onStart { readiness in await readiness.prepare() }
      .onStop { readiness in await readiness.becomeUnready() }
    Invoke { (registry: MetricsRegistry, monitor: HealthMonitor, control: AppControl) in
      try registry.register(HealthCollector(monitor: monitor))
      try registry.register(HookCollector(control))
      try registry.register(failures)
      try registry.register(LogCollector())
    }
    Run("health checks") { (monitor: HealthMonitor, settings: HostSettings, _: Readiness) in
      try await monitor.watch(every: settings.healthPeriod)
    }

    Provide { (registry: MetricsRegistry) in try HTTPMetrics(registry) }
    Provide {
      (
        configuration: Configuration, catalogs: Group<SettingsCatalog>, monitor: HealthMonitor, control: AppControl
      ) in
      AdminPanel(program, version, configuration, Array(catalogs), monitor, control, logger)
    }
    if hasAdminServer {
      Provide(AdminServer.init)
        .onStart { server in
          guard let address = try await server.start() else { return }
          logger.info("listening", ["address": .string("\(address)"), "for": "administration"])
        }
        .onStop { server in await server.stop() }
    } else {
      // Without hooks, so that nothing tells of a start.
      Provide(AdminServer.init)
    }

    Provide {
      (
        settings: HostSettings, routes: Group<Route>, groups: Group<Routes>, middleware: Group<any HTTPMiddleware>,
        registry: MetricsRegistry, monitor: HealthMonitor, panel: AdminPanel,
        // The pages for administration answer for as long as there is something to see.
        _: AdminServer, loop: EventLoop, metrics: HTTPMetrics
      ) in
      // The middleware of groups is to see errors as that of the app does.
      let routes = (routes + groups.flatMap(\.routes)).map { $0.handled(inside: PlainErrors()) }
      let isRootFree = !routes.contains { $0.path == "/" || $0.path.hasPrefix("/*") }
      var own = AdminRoutes.all(registry, monitor)
      if settings.adminListen == nil, settings.http.address.isLocal {
        let guarding = AdminGuard(isAdminListener: false, isLocal: true)
        own += DebugRoutes(panel: panel, guarding: guarding).all(isRootFree: isRootFree)
      }
      var http = settings.http
      http.maxConnections = min(http.maxConnections, DescriptorLimit.current.clients)
      return try HTTPServer(
        configuration: http, routes: routes + own,
        middleware: HostModule.middleware + AppMiddleware.all(middleware, sparing: own, beside: routes), loop: loop,
        observer: HTTPServerObservers(
          HTTPLog(logger, requests: settings.accessLog, but: own.map(\.path)), metrics))
    }
    .onStart { server in
      let address = try await server.start()
      logger.info("listening", ["address": .string("\(address)")])
    }
    .onStop(timeout: .seconds(3600)) { (server: HTTPServer, settings: HostSettings) in
      // After a signal this has been done already, before anything else was stopped.
      let cutOff = await server.stop(grace: settings.shutdown.requests)
      if cutOff > 0 { logger.warning("requests were cut off", ["count": .integer(cutOff)]) }
    }
    Invoke { (_: HTTPServer, _: Readiness) in }

    Invoke {
      (
        panel: AdminPanel, pool: PostgresPool?, schema: DatabaseSchema?, statistics: QueryStatistics?,
        server: DatabaseServer?
      ) in
      guard let pool else { return }
      let kind =
        server?.isEmbedded == true ? "private, in \(pool.configuration.connect)" : "\(pool.configuration.connect)"
      panel.attach(
        AdminPanel.Database(pool: pool, migrator: schema?.migrator, statistics: statistics, kind: kind))
    }
    // What it reads the migrations with, the loop above all, is stopped after it.
    Run("dashboard") { (panel: AdminPanel, _: DatabaseSchema?) in try await panel.watch() }
  }
}
