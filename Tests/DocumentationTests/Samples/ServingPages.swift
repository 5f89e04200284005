import EventLoop
import HTTPServer
import PrometheusMetrics

// What stands in the pages of HTTPServer.docc and PrometheusMetrics.docc.

enum HTTPServerPage {
  struct NewUser: Codable, Sendable {}
  struct Users: Sendable { func add(_ user: NewUser) async throws -> NewUser { user } }

  static func serve(_ users: Users) async throws {
    let loop = try EventLoop()
    let server = try HTTPServer(
      configuration: HTTPServerConfiguration(address: .ip(host: "127.0.0.1", port: 8080)),
      routes: [
        Route(.get, "/hello/:name") { request in "hello \(try request.parameters["name"])\n" },
        Route(.post, "/users") { request in
          let user = try request.json(NewUser.self)
          return JSON(try await users.add(user), status: .created)
        },
      ],
      middleware: [RequestIDMiddleware(), SecurityHeadersMiddleware()],
      loop: loop)
    try await server.start()
  }
}

enum MetricsPage {
  static func page(_ request: HTTPRequest) async throws -> [UInt8] {
    let registry = MetricsRegistry()
    let requests = try registry.counter("http_requests_total", help: "Requests served.", labels: ["method"])
    requests.with("GET").increment()

    let format = ExpositionFormat.negotiate(accept: request.headers["accept"])
    let page = await registry.render(format)  // send as format.contentType
    return page
  }
}
