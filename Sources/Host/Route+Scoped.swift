public import Container
public import HTTPServer

extension Route {
  /// A route whose handler runs in a scope of its own, with values of it.
  ///
  /// ```swift
  /// ScopeInput(HTTPRequest.self)
  /// Provide(PlaceOrder.init(customer:pool:metrics:)).lifetime(.scoped)
  /// Provide { (scopes: ScopeFactory) in
  ///   Route.scoped(.post, "/orders", scopes) { (request: HTTPRequest, placeOrder: PlaceOrder) in
  ///     JSON(["order": try await placeOrder.run(try request.json())], status: .created)
  ///   }
  /// }.grouped()
  /// ```
  ///
  /// The scope is opened with the request, so the app declares `ScopeInput(HTTPRequest.self)`, and ends when the handler
  /// has answered, before the answer is sent. An `HTTPError` that a constructor throws is the answer.
  ///
  /// The closure of a streamed response would run after the end of the scope, when what it has of it is stopped. So a
  /// handler that answers with a stream is an error here, which the client sees as 500: open the scope inside the
  /// closure, with `scopes.withScope`. An upgrade is not noticed, and outlives the scope as well: use `Route.webSocket`.
  ///
  /// - Parameters:
  ///   - method: What is answered.
  ///   - path: As for other routes.
  ///   - scopes: Opens the scope.
  ///   - bodyLimit: In bytes; nil for the server's own limit.
  ///   - handler: Its parameters after the request are asked for in the scope, one after the other. Runs on the server's
  ///     loop: it must not block.
  public static func scoped<each Dependency: Sendable, Response: HTTPResponseConvertible>(
    _ method: HTTPMethod, _ path: String, _ scopes: ScopeFactory, bodyLimit: Int? = nil,
    fileID: StaticString = #fileID, line: UInt = #line,
    _ handler: @escaping @Sendable (HTTPRequest, repeat each Dependency) async throws -> Response
  ) -> Route {
    Route(method, path, bodyLimit: bodyLimit, fileID: "\(fileID)", line: Int(line)) { request in
      try await scopes.withScope(supplying: request, file: fileID, line: line) { scope in
        let response = try await handler(request, repeat try await scope.get((each Dependency).self)).httpResponse()
        if case .stream = response.body {
          throw StreamOutlivesScope(route: "\(method) \(request.route ?? path)", place: "\(fileID):\(line)")
        }
        return response
      }
    }
  }
}

/// A mistake in the program.
private struct StreamOutlivesScope: Error, CustomStringConvertible {
  let route: String
  let place: String

  var description: String {
    "the scoped route \(route) (\(place)) answered with a stream, whose closure would run after the end of the scope; "
      + "make it a Route that opens the scope inside of the closure"
  }
}
