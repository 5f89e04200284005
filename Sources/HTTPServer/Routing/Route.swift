/// What answers a method on a path.
///
/// ```swift
/// Route(.get, "/hello/:name") { request in "hello \(try request.parameters["name"])" }
/// Route(.get, "/files/*path") { request in try await files.read(request.parameters["path"]) }
/// ```
///
/// A path is made of segments: a literal matches itself, `:name` matches one segment that is not empty, `*rest` stands
/// last and matches all that is left, be it nothing. Where several routes fit, a literal beats `:name`, which beats
/// `*rest`, segment by segment from the left. A trailing slash counts. ``Routes`` have a prefix and middleware in common.
public struct Route: Sendable {
  /// What the route answers. A route for `GET` answers `HEAD` too, unless there is one for `HEAD`.
  public let method: HTTPMethod
  /// The path as it was declared, with the prefixes of the ``Routes`` it is one of.
  public private(set) var path: String
  /// How long the body of a request may be; nil: as the server's configuration says.
  public let bodyLimit: Int?
  /// Where it was declared: `Module/File.swift:12`.
  public let location: String

  private(set) var handler: HTTPHandler
  /// What the groups that it is in put around it, from the outside in.
  private(set) var middleware: [GroupMiddleware] = []

  /// Declares a route. Mistakes in the path are reported when the server starts, all at once.
  ///
  /// - Parameters:
  ///   - method: What is answered.
  ///   - path: Begins with a slash; see the type.
  ///   - bodyLimit: In bytes; nil for the server's own limit.
  ///   - handler: Runs on the server's loop: it must not block.
  public init<Response: HTTPResponseConvertible>(
    _ method: HTTPMethod, _ path: String, bodyLimit: Int? = nil, fileID: String = #fileID, line: Int = #line,
    _ handler: @escaping @Sendable (HTTPRequest) async throws -> Response
  ) {
    self.method = method
    self.path = path
    self.bodyLimit = bodyLimit
    location = "\(fileID):\(line)"
    self.handler = { request in try await handler(request).httpResponse() }
  }

  /// The same route as a part of a group.
  func inside(prefix: String, middleware outer: [GroupMiddleware]) -> Route {
    var route = self
    route.middleware = outer + middleware
    // A path that is misspelt is left to be reported.
    if path.hasPrefix("/"), !prefix.isEmpty { route.path = path == "/" ? prefix : prefix + path }
    return route
  }

  /// The same route with a middleware next to its handler, inside of all others.
  package func handled(inside middleware: any HTTPMiddleware) -> Route {
    var route = self
    route.handler = [middleware].wrapping(handler)
    return route
  }
}
