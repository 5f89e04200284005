internal import EventLoop
internal import HTTPServer

/// The second listener, where `host.admin_listen` says; nothing without it.
///
/// It depends on next to nothing, so that it answers while migrations run and until the app has stopped.
struct AdminServer: Sendable {
  private let server: HTTPServer?

  init(
    _ settings: HostSettings, _ routes: [Route], middleware: [any HTTPMiddleware], loop: EventLoop,
    observer: any HTTPServerObserver
  ) throws(HTTPServerError) {
    guard let configuration = settings.adminHTTP else {
      server = nil
      return
    }
    server = try HTTPServer(configuration: configuration, routes: routes, middleware: middleware, loop: loop, observer: observer)
  }

  /// Listens, if it is to.
  func start() async throws(HTTPServerError) -> HTTPServerAddress? { try await server?.start() }

  func stop() async { await server?.stop(grace: .seconds(1)) }
}
