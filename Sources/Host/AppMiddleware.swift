internal import Container
internal import HTTPServer

/// Middleware of the app, which is asked about everything but the host's own pages: who guards the app's routes must not
/// shut out Prometheus and the probes.
struct AppMiddleware: HTTPMiddleware {
  /// A route of the host's. The app may have others on the same path, by other methods.
  private struct Page: Hashable {
    let method: HTTPMethod
    let path: String
  }

  private let inner: any HTTPMiddleware
  private let pages: Set<Page>

  /// What stands around the handlers of an app that brings `middleware`, from the outside in.
  ///
  /// - Parameters:
  ///   - routes: The host's own.
  ///   - appRoutes: Those of the app.
  static func all(
    _ middleware: some Sequence<any HTTPMiddleware>, sparing routes: [Route], beside appRoutes: [Route]
  ) -> [any HTTPMiddleware] {
    let pages = Set(routes.map { Page(method: $0.method, path: $0.path) })
    // A route for GET answers HEAD too, unless the app has one of its own for that.
    let heads = Set(appRoutes.filter { $0.method == .head }.map(\.path))
    let headPages = pages.filter { $0.method == .get && !heads.contains($0.path) }.map {
      Page(method: .head, path: $0.path)
    }
    let own = middleware.map { AppMiddleware(inner: $0, pages: pages.union(headPages)) as any HTTPMiddleware }
    // What the middleware throws, and what it sees of the handlers' errors, is plain too.
    return own.isEmpty ? [PlainErrors()] : [PlainErrors()] + own + [PlainErrors()]
  }

  func handle(_ request: HTTPRequest, next: @escaping HTTPHandler) async throws -> HTTPResponse {
    guard let path = request.route, pages.contains(Page(method: request.method, path: path)) else {
      return try await inner.handle(request, next: next)
    }
    return try await next(request)
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
