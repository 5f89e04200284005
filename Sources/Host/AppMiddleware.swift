internal import Container
internal import HTTPServer

/// Middleware of the app, which is asked about everything but the host's own pages: who guards the app's routes must not
/// shut out Prometheus and the probes.
struct AppMiddleware: HTTPMiddleware {
  private let inner: any HTTPMiddleware
  private let hostPaths: Set<String>

  /// What stands around the handlers of an app that brings `middleware`, from the outside in.
  static func all(_ middleware: some Sequence<any HTTPMiddleware>, sparing routes: [Route]) -> [any HTTPMiddleware] {
    let paths = Set(routes.map(\.path))
    let own = middleware.map { AppMiddleware(inner: $0, hostPaths: paths) as any HTTPMiddleware }
    // What the middleware throws, and what it sees of the handlers' errors, is plain too.
    return own.isEmpty ? [PlainErrors()] : [PlainErrors()] + own + [PlainErrors()]
  }

  func handle(_ request: HTTPRequest, next: @escaping HTTPHandler) async throws -> HTTPResponse {
    if let route = request.route, hostPaths.contains(route) { return try await next(request) }
    return try await inner.handle(request, next: next)
  }
}

/// Lets an error that has an answer of its own through, though the container has wrapped it: a scoped value whose
/// constructor throws `HTTPError(.unauthorized)` is answered as if the handler had thrown that.
struct PlainErrors: HTTPMiddleware {
  func handle(_ request: HTTPRequest, next: @escaping HTTPHandler) async throws -> HTTPResponse {
    do {
      return try await next(request)
    } catch let error as ContainerError {
      var cause: any Error = error
      while let wrapper = cause as? ContainerError, wrapper.code == .constructionFailed, let inner = wrapper.cause {
        cause = inner
      }
      throw cause is any HTTPErrorConvertible ? cause : error
    }
  }
}
