import Container
import ContainerTesting
import EventLoop
import FoundationEssentials
import HTTPServer
import Host
import StructuredLogging
import Testing

// What stands in the articles of HTTPServer.docc, and in comments on the types they are about.

enum HTTPPages {
  struct User: Codable, Sendable, Equatable {
    var name: String
    var isAdmin: Bool
  }

  enum Status: String, CaseIterable, Codable, Sendable { case open, paid }

  struct Order: Codable, Sendable, Equatable {
    var id: UUID
    var status: Status
  }

  protocol Sessions: Sendable {
    func user(token: String) async throws -> User?
  }

  protocol Orders: Sendable {
    func all(of user: User, status: Status?) async throws -> [Order]
    func find(_ id: UUID) async throws -> Order?
    func remove(_ id: UUID) async throws
    func changes() async -> AsyncStream<Order>
    func place(_ order: Order) async throws
  }

  // MARK: Routes and middleware

  struct BearerAuth: HTTPMiddleware {
    let sessions: any Sessions

    func handle(_ request: HTTPRequest, next: @escaping HTTPHandler) async throws -> HTTPResponse {
      guard let field = request.headers["Authorization"], field.hasPrefix("Bearer "),
        let user = try await sessions.user(token: String(field.dropFirst("Bearer ".count)))
      else { throw HTTPError(.unauthorized, headers: ["WWW-Authenticate": "Bearer"]) }
      var request = request
      request[UserKey.self] = user
      return try await next(request)
    }
  }

  enum UserKey: HTTPRequestKey { typealias Value = User }

  struct AdminsOnly: HTTPMiddleware {
    func handle(_ request: HTTPRequest, next: @escaping HTTPHandler) async throws -> HTTPResponse {
      guard try request.user.isAdmin else { throw HTTPError(.forbidden) }
      return try await next(request)
    }
  }

  struct OrdersModule: Module {
    var body: [any ModuleElement] {
      Provide(BearerAuth.init(sessions:))
      Provide { (orders: any Orders, auth: BearerAuth) in
        Routes("/orders", middleware: [auth]) {
          Route(.get, "/") { request in
            let status = try request.query["status", as: Status.self]
            return JSON(try await orders.all(of: try request.user, status: status))
          }
          Route(.post, "/") { request in
            let order = try request.json(Order.self)
            try await orders.place(order)
            return JSON(order, status: .created)
          }
          Route(.get, "/:id") { request in
            let id = try request.parameters["id", as: UUID.self]
            guard let order = try await orders.find(id) else { throw HTTPError(.notFound, "no order \(id)") }
            return JSON(order)
          }
          Routes(middleware: [AdminsOnly()]) {
            Route(.delete, "/:id") { request in
              try await orders.remove(try request.parameters["id", as: UUID.self])
              return HTTPStatus.noContent
            }
          }
        }
      }.grouped()
    }
  }

  static func severalKinds(_ orders: any Orders, _ log: Logger) -> Routes {
    Routes("/orders") {
      Route(.put, "/:id") { request -> HTTPResponse in
        let order = try request.json(Order.self)
        guard try await orders.find(order.id) == nil else { return HTTPResponse(status: .noContent) }
        try await orders.place(order)
        return try JSON(order, status: .created).httpResponse()
      }
      Route(.get, "/log") { request in
        let log = log.with("request", .string(request.id ?? ""))
        log.info("asked")
        return HTTPStatus.noContent
      }
    }
  }

  struct NewAccount: Codable, Sendable {
    var email: String
    var age: Int
  }

  struct Problem: Encodable, Sendable {
    var type: String
    var title: String
  }

  static func check(_ account: NewAccount) throws {
    var faults: [String: String] = [:]
    if !account.email.contains("@") { faults["email"] = "is no address" }
    if account.age < 0 { faults["age"] = "must not be negative" }
    guard faults.isEmpty else { throw HTTPError(.unprocessableContent, "check the form", details: faults) }
  }

  static func soldOut() throws {
    throw HTTPError(
      .conflict, headers: ["Content-Type": "application/problem+json"],
      body: Problem(type: "/problems/sold-out", title: "Sold out"))
  }

  // MARK: Streaming and events

  static func streams(_ orders: any Orders) -> [Route] {
    let csv =
      Route(.get, "/orders.csv") { request in
        let user = try request.user
        return HTTPResponse.stream(contentType: "text/csv") { writer in
          try await writer.write("id,status\n")
          for order in try await orders.all(of: user, status: nil) {
            try await writer.write("\(order.id),\(order.status)\n")
          }
        }
      }
    let events =
      Route(.get, "/orders/events") { _ in
        HTTPResponse.stream(contentType: "text/event-stream", isEndless: true) { writer in
          for await order in await orders.changes() {
            try await writer.write("event: \(order.status)\nid: \(order.id)\ndata: \(order.id)\n\n")
          }
        }
      }
    return [csv, events]
  }

  // MARK: Bodies and uploads

  struct Pictures: Sendable {
    func save(_ bytes: [UInt8]) async throws {}
  }
}

extension HTTPRequest {
  typealias User = HTTPPages.User
  typealias UserKey = HTTPPages.UserKey

  var user: User {
    get throws {
      guard let user = self[UserKey.self] else { throw HTTPError(.unauthorized) }
      return user
    }
  }
}

extension HTTPPages {
  static func uploads(_ pictures: Pictures) -> [Route] {
    [
      Route(.put, "/pictures", bodyLimit: 20 << 20) { request in
        guard request.headers["Content-Type"] == "image/png" else { throw HTTPError(.unsupportedMediaType) }
        try await pictures.save(request.body)
        return HTTPStatus.noContent
      }
    ]
  }
}

// MARK: Testing

@Suite struct HTTPPagesTests {
  private typealias Order = HTTPPages.Order
  private typealias Orders = HTTPPages.Orders

  struct Shop: HostApplication {
    var body: [any ModuleElement] {
      Supply(FakeSessions() as any HTTPPages.Sessions)
      Provide { UnreachableOrders() as any HTTPPages.Orders }
      HTTPPages.OrdersModule()
    }
  }

  struct FakeSessions: HTTPPages.Sessions {
    func user(token: String) async throws -> HTTPPages.User? {
      ["ann", "root"].contains(token) ? HTTPPages.User(name: token, isAdmin: token == "root") : nil
    }
  }

  struct UnreachableOrders: HTTPPages.Orders {
    struct Unreachable: Error {}

    func all(of user: HTTPPages.User, status: HTTPPages.Status?) async throws -> [HTTPPages.Order] {
      throw Unreachable()
    }
    func find(_ id: UUID) async throws -> HTTPPages.Order? { throw Unreachable() }
    func remove(_ id: UUID) async throws { throw Unreachable() }
    func changes() async -> AsyncStream<HTTPPages.Order> { AsyncStream { nil } }
    func place(_ order: HTTPPages.Order) async throws { throw Unreachable() }
  }

  struct FakeOrders: HTTPPages.Orders {
    func all(of user: HTTPPages.User, status: HTTPPages.Status?) async throws -> [HTTPPages.Order] {
      [HTTPPages.Order(id: UUID(), status: status ?? .open)]
    }
    func find(_ id: UUID) async throws -> HTTPPages.Order? { nil }
    func remove(_ id: UUID) async throws {}
    func changes() async -> AsyncStream<HTTPPages.Order> {
      AsyncStream { HTTPPages.Order(id: UUID(), status: .open) }
    }
    func place(_ order: HTTPPages.Order) async throws {}
  }

  private func ask(_ route: Route, _ request: HTTPRequest) async throws -> HTTPResponse {
    let loop = try EventLoop()
    let server = try HTTPServer(routes: [route], loop: loop)
    let answer = await server.respond(to: request)
    await loop.stop()
    return answer
  }

  @Test func `who has a token places an order`() async throws {
    try await TestApp.run {
      Hosted(Shop())
      Override { FakeOrders() as any Orders }
    } test: { app in
      let server = try await app.get(HTTPServer.self)
      let order = Order(id: UUID(), status: .open)
      let answer = await server.respond(
        to: try HTTPRequest(.post, "/orders", headers: ["Authorization": "Bearer ann"], json: order))
      #expect(answer.status == .created, "\(answer)")
      #expect(try answer.json(Order.self) == order)
      #expect(await server.respond(to: HTTPRequest(.get, "/orders")).status == .unauthorized)
    }
  }

  @Test func `a change is an event`() async throws {
    let events = HTTPPages.streams(FakeOrders())[1]
    let answer = try await ask(events, HTTPRequest(.get, "/orders/events"))
    let bytes = try await answer.collect { bytes in bytes.count(where: { $0 == UInt8(ascii: "\n") }) >= 4 }
    #expect(String(decoding: bytes, as: UTF8.self).hasPrefix("event: open\n"))
  }

  @Test func `the page's groups guard what the page says they guard`() async throws {
    try await TestApp.run {
      Hosted(Shop())
      Override { FakeOrders() as any Orders }
    } test: { app in
      let server = try await app.get(HTTPServer.self)
      func status(_ method: HTTPMethod, _ target: String, _ token: String?) async -> HTTPStatus {
        let headers: HTTPHeaders = token.map { ["Authorization": "Bearer \($0)"] } ?? [:]
        return await server.respond(to: HTTPRequest(method, target, headers: headers)).status
      }
      let order = "/orders/\(UUID())"
      #expect(await status(.get, "/orders?status=paid", "ann") == .ok)
      #expect(await status(.get, "/orders?status=payd", "ann") == .badRequest)
      #expect(await status(.delete, order, nil) == .unauthorized)
      #expect(await status(.delete, order, "ann") == .forbidden)
      #expect(await status(.delete, order, "root") == .noContent)
      #expect(await status(.put, order, nil) == .unauthorized)
      #expect(await status(.put, order, "ann") == .methodNotAllowed)
    }
  }
}
