internal import AppConfiguration
internal import Container
internal import EventLoop
internal import HTTPServer
internal import Health
internal import PrometheusMetrics
internal import StructuredLogging

/// What the host provides to an app: configuration, log, event loop, metrics, health, and the server for all routes.
struct HostModule: Module {
  private let program: String
  private let version: String
  private let configuration: Configuration
  private let logger: Logger

  init(program: String, version: String, _ configuration: Configuration, _ logger: Logger) {
    self.program = program
    self.version = version
    self.configuration = configuration
    self.logger = logger
  }

  /// What stands around every handler.
  private static let middleware: [any HTTPMiddleware] = [
    RequestIDMiddleware(),
    // Pages bring their own Content-Security-Policy; nothing here knows what they load.
    SecurityHeadersMiddleware([
      "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
    ]),
    GzipMiddleware(),
  ]

  var body: [any ModuleElement] {
    let (program, version, logger) = (program, version, logger)
    Supply(configuration, logger)
    Supply(HostSettings.catalog).grouped()
    Supply(LogSettings.catalog).grouped()
    Provide { (configuration: Configuration) in try HostSettings(configuration) }

    Provide { () throws -> EventLoop in
      var configuration = EventLoop.Configuration()
      configuration.onStall = { length in
        logger.warning("a handler blocked the event loop", ["for": .duration(length)])
      }
      return try EventLoop(configuration)
    }
    .onStop { loop in await loop.stop() }

    Provide { () throws -> MetricsRegistry in
      let registry = MetricsRegistry()
      try registry.register(ProcessCollector())
      try registry.register(BuildInfoCollector(name: program, version: version))
      return registry
    }

    Provide { (checks: Group<HealthCheck>) in HealthMonitor(Array(checks)) }
    Provide(Readiness.init)
      .onStop { readiness in await readiness.becomeUnready() }

    Provide { (registry: MetricsRegistry) in AdminRoutes.metrics(registry) }.grouped()
    Provide { AdminRoutes.liveness() }.grouped()
    Provide { (monitor: HealthMonitor) in AdminRoutes.readiness(monitor) }.grouped()

    Provide { (registry: MetricsRegistry) in try HTTPMetrics(registry) }
    Provide { (settings: HostSettings, routes: Group<Route>, loop: EventLoop, metrics: HTTPMetrics) in
      try HTTPServer(
        configuration: settings.http, routes: Array(routes), middleware: HostModule.middleware, loop: loop,
        observer: HTTPServerObservers(HTTPLog(logger), metrics))
    }
    .onStart { server in
      let address = try await server.start()
      logger.info("listening", ["address": .string("\(address)")])
    }
    .onStop(timeout: .seconds(3600)) { (server: HTTPServer, settings: HostSettings) in
      let cutOff = await server.stop(grace: settings.shutdownTimeout / 2)
      if cutOff > 0 { logger.warning("requests were cut off", ["count": .integer(cutOff)]) }
    }
    Invoke { (_: HTTPServer, _: Readiness) in }
  }
}

/// Says when the app as a whole is ready. It depends on the server, so it stops first: an app that is going to stop
/// says so while it still answers.
struct Readiness: Sendable {
  private let monitor: HealthMonitor

  init(monitor: HealthMonitor, server: HTTPServer) { self.monitor = monitor }

  func becomeReady() async { await monitor.becomeReady() }

  func becomeUnready() async { await monitor.becomeUnready("stopping") }
}
