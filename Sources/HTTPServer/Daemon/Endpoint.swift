/// What answers a request: a route's handler with the middleware around it, or an answer of the server's own.
///
/// A class, so that a request hands on one reference and not a route's many.
final class Endpoint: Sendable {
  let method: HTTPMethod
  /// The path as it was declared; nil if no route fits.
  let path: String?
  /// Where it was declared.
  let location: String
  let parameterNames: [String]
  /// Nil: as the server's configuration says.
  let bodyLimit: Int?
  /// What of the handler's middleware is that of groups.
  let groupMiddleware: [GroupMiddleware]
  let handler: HTTPHandler

  init(_ route: Route, names: [String], handler: @escaping HTTPHandler) {
    method = route.method
    path = route.path
    location = route.location
    parameterNames = names
    bodyLimit = route.bodyLimit
    groupMiddleware = route.middleware
    self.handler = handler
  }

  /// For requests without a route.
  init(_ handler: @escaping HTTPHandler) {
    method = .get
    path = nil
    location = ""
    parameterNames = []
    bodyLimit = nil
    groupMiddleware = []
    self.handler = handler
  }
}
