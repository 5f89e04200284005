import EventLoop
import HTTPServer
import TestSupport
import Testing

/// Groups of routes, with a prefix and middleware.
@Suite struct RoutesTests {
  /// Leaves its name and what it sees of the request on the answer.
  struct Mark: HTTPMiddleware {
    let name: String

    init(_ name: String) { self.name = name }

    func handle(_ request: HTTPRequest, next: @escaping HTTPHandler) async throws -> HTTPResponse {
      var response: HTTPResponse
      do {
        response = try await next(request)
      } catch {
        response = HTTPResponse(error: error)
      }
      response.headers["X-Seen"] = [response.headers["X-Seen"], name].compactMap { $0 }.joined(separator: " ")
      return response
    }
  }

  struct Guard: HTTPMiddleware {
    func handle(_ request: HTTPRequest, next: @escaping HTTPHandler) async throws -> HTTPResponse {
      guard request.headers["Authorization"] != nil else { throw HTTPError(.unauthorized) }
      return try await next(request)
    }
  }

  struct Tenant: HTTPMiddleware {
    func handle(_ request: HTTPRequest, next: @escaping HTTPHandler) async throws -> HTTPResponse {
      var response = try await next(request)
      response.headers["X-Tenant"] = try request.parameters["tenant"]
      return response
    }
  }

  private static func answer(_ request: HTTPRequest) -> String { request.route ?? "none" }

  private static let routes =
    Routes("/orders", middleware: [Mark("orders"), Mark("second")]) {
      Route(.get, "/", answer)
      Route(.post, "/", answer)
      Route(.get, "/:id", answer)
      Routes("/export", middleware: [Mark("export")]) {
        Route(.get, "/all.csv", answer)
        Route(.post, "/", answer)
      }
    }.routes + [Route(.get, "/open", answer), Route(.delete, "/orders/:id", answer)]

  private func ask(
    _ method: HTTPMethod, _ target: String, _ routes: [Route] = routes, headers: HTTPHeaders = [:]
  ) async throws -> HTTPResponse {
    let loop = try EventLoop()
    let server = try HTTPServer(routes: routes, middleware: [Mark("app")], loop: loop)
    let response = await server.respond(to: HTTPRequest(method, target, headers: headers))
    await loop.stop()
    return response
  }

  private func seen(_ method: HTTPMethod, _ target: String) async throws -> String {
    let response = try await ask(method, target)
    return "\(response.status) \(response.headers["X-Seen"] ?? "")"
  }

  @Test func `paths begin with the prefix, and the root of a group is the prefix itself`() {
    #expect(
      Self.routes.map { "\($0.method) \($0.path)" } == [
        "GET /orders", "POST /orders", "GET /orders/:id", "GET /orders/export/all.csv", "POST /orders/export",
        "GET /open", "DELETE /orders/:id",
      ])
    let bare = Routes {
      Route(.get, "/", Self.answer)
      Route(.get, "/a", Self.answer)
    }
    #expect(bare.routes.map(\.path) == ["/", "/a"])
    let slashed = Routes("/a/") { for name in ["/b", "/c"] { Route(.get, name, Self.answer) } }
    #expect(slashed.routes.map(\.path) == ["/a/b", "/a/c"])
  }

  @Test func `a handler sees the whole path of its route`() async throws {
    #expect(try await ask(.get, "/orders/7").bytes == Array("/orders/:id".utf8))
  }

  @Test func `middleware runs for the routes of its group only, inside that of the app`() async throws {
    #expect(try await seen(.get, "/orders") == "200 second orders app")
    #expect(try await seen(.get, "/orders/7") == "200 second orders app")
    #expect(try await seen(.get, "/open") == "200 app")
    #expect(try await seen(.delete, "/orders/7") == "200 app")
    #expect(try await seen(.get, "/orders/7/nothing") == "404 app")
  }

  @Test func `middleware of an inner group runs inside that of the outer one`() async throws {
    #expect(try await seen(.get, "/orders/export/all.csv") == "200 export second orders app")
  }

  @Test func `HEAD goes the way of GET`() async throws {
    #expect(try await seen(.head, "/orders") == "200 second orders app")
  }

  @Test(arguments: [HTTPMethod.put, .options])
  func `answers for other methods go through what the routes of the path share`(method: HTTPMethod) async throws {
    let status = method == .options ? 204 : 405
    #expect(try await seen(method, "/orders") == "\(status) second orders app")
    // POST of the inner group, and GET and DELETE of /orders/:id, the last of which is in no group.
    #expect(try await seen(method, "/orders/export") == "\(status) app")
    #expect(try await seen(method, "/orders/export/all.csv") == "\(status) export second orders app")
    #expect(try await seen(method, "/orders/7") == "\(status) app")
    #expect(try await seen(method, "/open") == "\(status) app")
  }

  @Test func `a guarded group tells nobody which methods it has`() async throws {
    let routes = Routes("/orders", middleware: [Guard()]) {
      Route(.get, "/", Self.answer)
      Route(.post, "/", Self.answer)
    }.routes
    let refused = try await ask(.delete, "/orders", routes)
    #expect(refused.status == .unauthorized && refused.headers["Allow"] == nil)
    let known = try await ask(.delete, "/orders", routes, headers: ["Authorization": "yes"])
    #expect(known.status == .methodNotAllowed)
    #expect(known.headers["Allow"] == "GET, HEAD, OPTIONS, POST")
  }

  @Test func `the places of a prefix have their values in all of the group's answers`() async throws {
    let routes = Routes("/:tenant", middleware: [Tenant()]) {
      Route(.get, "/users/:id", Self.answer)
      Route(.put, "/users/:name", Self.answer)
    }.routes
    for method in [HTTPMethod.get, .options] {
      #expect(try await ask(method, "/acme/users/7", routes).headers["X-Tenant"] == "acme")
    }
  }

  @Test func `a misspelt path of a group is reported with its place`() async throws {
    let routes = Routes("/orders") {
      Route(.get, "all", fileID: "App/A.swift", line: 1, Self.answer)
      Routes("*rest") { Route(.get, "/x", fileID: "App/B.swift", line: 2, Self.answer) }
    }.routes
    let loop = try EventLoop()
    let error = #expect(throws: HTTPServerError.self) { try HTTPServer(routes: routes, loop: loop) }
    await loop.stop()
    #expect(error?.description.contains("GET all (App/A.swift:1): it must begin with a slash") == true)
    #expect(error?.description.contains("GET *rest/x (App/B.swift:2): it must begin with a slash") == true)
  }

  @Test func `over a socket a group answers as without one`() async throws {
    try await withServer(Self.routes) { address, _ in
      let seen = try await offPool {
        let client = try TestClient(address)
        return try ["GET", "PUT", "OPTIONS"].map { try client.request($0, "/orders").headers["x-seen"] }
      }
      #expect(seen == ["second orders", "second orders", "second orders"])
    }
  }
}
