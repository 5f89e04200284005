internal import EventLoop
internal import HTTPServer
internal import Health
internal import PrometheusMetrics

/// The second listener, where `host.admin_listen` says; nothing without it.
///
/// It depends on next to nothing, so that it answers while migrations run and until the app has stopped.
struct AdminServer: Sendable {
  private let server: HTTPServer?

  init(
    settings: HostSettings, panel: AdminPanel, registry: MetricsRegistry, loop: EventLoop, metrics: HTTPMetrics
  ) throws(HTTPServerError) {
    guard let configuration = settings.adminHTTP else {
      server = nil
      return
    }
    let guarding = AdminGuard(isAdminListener: true, isLocal: configuration.address.isLocal)
    let routes =
      AdminRoutes.all(registry, panel.monitor) + DebugRoutes(panel: panel, guarding: guarding).all(isRootFree: true)
    server = try HTTPServer(
      configuration: configuration, routes: routes, middleware: HostModule.middleware, loop: loop,
      observer: HTTPServerObservers(HTTPLog(panel.logger), metrics))
  }

  /// Listens, if it is to.
  func start() async throws(HTTPServerError) -> HTTPServerAddress? { try await server?.start() }

  func stop() async { await server?.stop(grace: .seconds(1)) }

  /// Answers a request without a socket, for tests; nil when there is no second listener.
  func respond(to request: HTTPRequest) async -> HTTPResponse? { await server?.respond(to: request) }
}
