import Container
import HTTPServer
import StructuredLogging
import Synchronization
import Testing

@testable import Host
@testable import ResourcePool

/// What an app contributes to the host, in programs without a database.
@Suite struct HostedTests {
  private func serving(
    _ program: some HostApplication, settings: [String: String] = [:], logger: Logger = .none,
    _ body: (HTTPServer) async throws -> Void
  ) async throws {
    let app = App { Hosted(program, settings: settings, logger: logger) }
    try await app.start()
    do {
      try await body(app.get(HTTPServer.self))
    } catch {
      try? await app.stop()
      throw error
    }
    try await app.stop()
  }

  // MARK: Scopes

  struct Scoped: HostApplication {
    struct User: Sendable {
      init(of request: HTTPRequest) throws {
        switch request.headers["X-User"] {
        case nil: throw HTTPError(.unauthorized, "who are you?")
        case "broken"?: throw CancellationError()
        default: break
        }
      }
    }
    struct Orders: Sendable { let user: User }

    var body: [any ModuleElement] {
      ScopeInput(HTTPRequest.self)
      Provide(User.init(of:)).lifetime(.scoped)
      Provide(Orders.init(user:)).lifetime(.scoped)
      Provide { (scopes: ScopeFactory) in
        Route(.get, "/orders") { request in
          try await scopes.withScope(supplying: request) { scope in
            _ = try await scope.get(Orders.self)
            return "yours"
          }
        }
      }
      .grouped()
    }
  }

  @Test func `what a scoped value's constructor throws is answered as if the handler had thrown it`() async throws {
    let output = RecordingLogOutput()
    let logger = Logger(label: "test", level: .info, output: output)
    try await serving(Scoped(), logger: logger) { server in
      let nobody = await server.respond(to: HTTPRequest(.get, "/orders"))
      #expect(nobody.status == .unauthorized)
      #expect(String(decoding: nobody.bytes ?? [], as: UTF8.self).contains("who are you?"))
      #expect(!output.entries.contains { $0.message == "handler failed" })

      let broken = await server.respond(to: HTTPRequest(.get, "/orders", headers: ["X-User": "broken"]))
      #expect(broken.status == .internalServerError)
      #expect(await server.respond(to: HTTPRequest(.get, "/orders", headers: ["X-User": "ann"])).status == .ok)
    }
  }

  struct Starved: HostApplication {
    var body: [any ModuleElement] {
      Supply(Route(.get, "/late") { _ -> String in throw PoolError(.acquireTimeout, "held by Report") }).grouped()
      Supply(Route(.get, "/wrong") { _ -> String in throw PoolError(.deadlock, "holds one already") }).grouped()
    }
  }

  @Test func `a handler that waited for a connection in vain is answered 503, and the log says why`() async throws {
    let output = RecordingLogOutput()
    try await serving(Starved(), logger: Logger(label: "test", level: .info, output: output)) { server in
      let late = await server.respond(to: HTTPRequest(.get, "/late"))
      #expect(late.status == .serviceUnavailable && late.headers["Retry-After"] == "1")
      #expect(late.text?.contains("Report") == false)
      let wrong = await server.respond(to: HTTPRequest(.get, "/wrong"))
      #expect(wrong.status == .internalServerError)
      let told = output.entries.filter { $0.message == "handler failed" }.map { $0.metadata["error"]?.description }
      #expect(told == ["held by Report", "holds one already"])
    }
  }

  // MARK: Middleware

  struct Guarded: HostApplication {
    struct Guard: HTTPMiddleware {
      func handle(_ request: HTTPRequest, next: @escaping HTTPHandler) async throws -> HTTPResponse {
        guard request.headers["X-User"] != nil else { throw HTTPError(.forbidden, "not for you") }
        var response = try await next(request)
        response.headers["X-Order"] = (response.headers["X-Order"] ?? "") + "guard "
        return response
      }
    }
    struct Outer: HTTPMiddleware {
      func handle(_ request: HTTPRequest, next: @escaping HTTPHandler) async throws -> HTTPResponse {
        var response = try await next(request)
        response.headers["X-Order"] = (response.headers["X-Order"] ?? "") + "outer "
        return response
      }
    }

    var body: [any ModuleElement] {
      Provide { Guard() as any HTTPMiddleware }.grouped()
      Provide { Outer() as any HTTPMiddleware }.grouped(order: -1)
      Provide { Route(.get, "/secret") { _ in "hush" } }.grouped()
      // On the path of a page of the host's.
      Provide { Route(.post, "/metrics") { _ in "pushed" } }.grouped()
      Provide { Route(.head, "/livez") { _ in HTTPStatus.noContent } }.grouped()
    }
  }

  @Test func `middleware of the app stands around its routes in order, and not around the host's pages`() async throws {
    try await serving(Guarded()) { server in
      #expect(await server.respond(to: HTTPRequest(.get, "/secret")).status == .forbidden)
      #expect(await server.respond(to: HTTPRequest(.get, "/nowhere")).status == .forbidden)
      let seen = await server.respond(to: HTTPRequest(.get, "/secret", headers: ["X-User": "ann"]))
      #expect(seen.status == .ok)
      #expect(seen.headers["X-Order"] == "guard outer ")
      for page in ["/metrics", "/livez", "/readyz", "/startupz"] {
        let answer = await server.respond(to: HTTPRequest(.get, page))
        #expect(answer.status == .ok && answer.headers["X-Order"] == nil, "\(page)")
      }
      #expect(await server.respond(to: HTTPRequest(.head, "/metrics")).status == .ok)
      #expect(await server.respond(to: HTTPRequest(.post, "/metrics")).status == .forbidden)
      #expect(await server.respond(to: HTTPRequest(.head, "/livez")).status == .forbidden)
    }
  }

  // MARK: Groups of routes

  struct Grouped: HostApplication {
    struct Orders: Sendable { let all = "orders" }

    var body: [any ModuleElement] {
      Supply(Orders(), Guarded.Guard())
      Provide { (orders: Orders, auth: Guarded.Guard) in
        Routes("/orders", middleware: [auth]) {
          Route(.get, "/") { _ in orders.all }
          Route(.post, "/") { _ in HTTPStatus.created }
        }
      }.grouped()
      Provide { Route(.get, "/open") { _ in "open" } }.grouped()
      Provide { Guarded.Outer() as any HTTPMiddleware }.grouped()
    }
  }

  @Test func `groups of routes are served, and guarded by their own middleware alone`() async throws {
    try await serving(Grouped()) { server in
      #expect(await server.respond(to: HTTPRequest(.get, "/orders")).status == .forbidden)
      #expect(await server.respond(to: HTTPRequest(.delete, "/orders")).status == .forbidden)
      let seen = await server.respond(to: HTTPRequest(.post, "/orders", headers: ["X-User": "ann"]))
      #expect(seen.status == .created)
      #expect(seen.headers["X-Order"] == "guard outer ")
      #expect(await server.respond(to: HTTPRequest(.get, "/open")).status == .ok)
      #expect(await server.respond(to: HTTPRequest(.get, "/metrics")).status == .ok)
    }
  }

  // MARK: Settings

  @Test func `a setting that no module declares fails the start of a hosted program`() async throws {
    let app = App { Hosted(Guarded(), settings: ["host.lisen": "127.0.0.1:0"]) }
    let error = try #require(await #expect(throws: ContainerError.self) { try await app.start() })
    #expect(error.description.contains("host.lisen"))
  }

  // MARK: What is likely forgotten

  struct Forgetful: HostApplication {
    var body: [any ModuleElement] {
      Provide { Route(.get, "/") { _ in "never served" } }
    }
  }

  @Test func `a route that was not grouped is a warning of the doctor`() async {
    let output = Mutex("")
    let console = Console(output: { text in output.withLock { $0 += text } }, errors: { _ in })
    let code = await Commands(Forgetful.self, console: console).run(["doctor", "--listen=127.0.0.1:0"])
    let text = output.withLock { $0 }
    #expect(code == .success, "\(text)")
    #expect(text.contains("warning graph") && text.contains("but for `Group<Route>`: .grouped()"))
    // It has none, and none will be made for it.
    #expect(!text.contains("database"))
  }
}
