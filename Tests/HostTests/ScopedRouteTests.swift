import Container
import HTTPServer
import Host
import StructuredLogging
import Synchronization
import Testing

/// Routes whose handlers run in a scope per request.
@Suite struct ScopedRouteTests {
  final class Journal: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }
    func add(_ line: String) { lines.withLock { $0.append(line) } }
  }

  struct Customer: Sendable {
    let name: String

    init(of request: HTTPRequest) throws {
      guard let name = request.headers["X-Customer"] else { throw HTTPError(.unauthorized, "who are you?") }
      self.name = name
    }
  }
  struct Basket: Sendable { let customer: Customer }
  struct Quota: Sendable { let left = 3 }

  struct Shop: Module {
    let journal: Journal

    var body: [any ModuleElement] {
      ScopeInput(HTTPRequest.self)
      Provide(Customer.init(of:)).lifetime(.scoped)
      Provide { (customer: Customer) in Basket(customer: customer) }.lifetime(.scoped)
        .onStop { [journal] basket in journal.add("stopped for \(basket.customer.name)") }
      Supply(Quota())
      Provide { [journal] (scopes: ScopeFactory) in
        Routes("/basket") {
          Route.scoped(.get, "/", scopes) { (_: HTTPRequest, basket: Basket) in
            journal.add("handled for \(basket.customer.name)")
            return basket.customer.name
          }
          Route.scoped(.get, "/all", scopes) {
            (request: HTTPRequest, basket: Basket, customer: Customer, quota: Quota) in
            "\(request.path) \(basket.customer.name) \(customer.name) \(quota.left)"
          }
          Route.scoped(.get, "/none", scopes) { (request: HTTPRequest) in request.path }
          Route.scoped(.put, "/", scopes, bodyLimit: 4) { (_: HTTPRequest, _: Basket) in HTTPStatus.noContent }
          Routes(middleware: [SecurityHeadersMiddleware(["X-Inner": "yes"])]) {
            Route.scoped(.get, "/inner", scopes) { (_: HTTPRequest, _: Basket) in "inner" }
          }
          Route.scoped(.get, "/stream", scopes) { (_: HTTPRequest, basket: Basket) in
            HTTPResponse.stream(contentType: "text/plain") { writer in try await writer.write(basket.customer.name) }
          }
        }
      }.grouped()
    }
  }

  struct Program: HostApplication {
    static let name = "shop"
    @TaskLocal static var journal = Journal()

    var body: [any ModuleElement] { Shop(journal: Program.journal) }
  }

  private func serving(_ body: (HTTPServer, Journal) async throws -> Void) async throws {
    let journal = Journal()
    let app = Program.$journal.withValue(journal) { App { Hosted(Program(), logger: .none) } }
    try await app.start()
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(app.get(HTTPServer.self), journal))
    } catch {
      result = .failure(error)
    }
    try await app.stop()
    try result.get()
  }

  private func ask(_ server: HTTPServer, _ target: String, customer: String? = "ann") async -> (HTTPStatus, String) {
    let headers: HTTPHeaders = customer.map { ["X-Customer": $0] } ?? [:]
    let response = await server.respond(to: HTTPRequest(.get, target, headers: headers))
    return (response.status, String(decoding: response.bytes ?? [], as: UTF8.self))
  }

  @Test func `each request has values of its own, which stop when the handler has answered`() async throws {
    try await serving { server, journal in
      #expect(await ask(server, "/basket") == (.ok, "ann"))
      #expect(await ask(server, "/basket", customer: "bob") == (.ok, "bob"))
      #expect(journal.all == ["handled for ann", "stopped for ann", "handled for bob", "stopped for bob"])
    }
  }

  @Test func `a handler may have several values, of the scope and of the app, or none`() async throws {
    try await serving { server, _ in
      #expect(await ask(server, "/basket/all") == (.ok, "/basket/all ann ann 3"))
      #expect(await ask(server, "/basket/none") == (.ok, "/basket/none"))
    }
  }

  @Test func `what a constructor throws is the answer`() async throws {
    try await serving { server, journal in
      #expect(await ask(server, "/basket", customer: nil).0 == .unauthorized)
      #expect(journal.all == [])
    }
  }

  @Test func `middleware of a group, too, sees what a constructor throws as its answer`() async throws {
    try await serving { server, _ in
      let answer = await server.respond(to: HTTPRequest(.get, "/basket/inner"))
      #expect(answer.status == .unauthorized)
      #expect(answer.headers["X-Inner"] == "yes")
    }
  }

  @Test func `a route in a scope has its own limit of the body`() async throws {
    try await serving { server, _ in
      let headers: HTTPHeaders = ["X-Customer": "ann"]
      func put(_ body: String) async -> HTTPStatus {
        await server.respond(to: HTTPRequest(.put, "/basket", headers: headers, body: Array(body.utf8))).status
      }
      #expect(await put("1234") == .noContent)
      #expect(await put("12345") == .contentTooLarge)
    }
  }

  @Test func `a stream, which would outlive the scope, is an error that says so`() async throws {
    try await serving { server, journal in
      let request = HTTPRequest(.get, "/basket/stream", headers: ["X-Customer": "ann"])
      let answer = await server.respond(to: request)
      #expect(answer.status == .internalServerError)
      #expect(String(describing: answer.failure).contains("scoped route GET /basket/stream (HostTests/ScopedRoute"))
      #expect(journal.all == ["stopped for ann"])
    }
  }
}
