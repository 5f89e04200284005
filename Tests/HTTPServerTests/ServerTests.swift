import EventLoop
import HTTPServer
import Testing

/// What a well-behaved client sees.
@Suite struct ServerTests {
  static let routes = [
    Route(.get, "/hello/:name") { request in "hello \(try request.parameters["name"])" },
    Route(.post, "/echo") { request in HTTPResponse(request.body) },
    Route(.get, "/later") { _ in
      await Task.yield()
      return "later"
    },
    Route(.get, "/thread") { _ in HTTPStatus.noContent },
  ]

  @Test func `a handler that does not wait answers`() async throws {
    try await withServer(Self.routes) { address, _ in
      let response = try await offPool { try TestClient(address).request("GET", "/hello/ann") }
      #expect(response.status == 200)
      #expect(response.text == "hello ann")
      #expect(response.headers["content-type"] == "text/plain; charset=utf-8")
    }
  }

  @Test func `a handler that waits answers too`() async throws {
    try await withServer(Self.routes) { address, _ in
      let response = try await offPool { try TestClient(address).request("GET", "/later") }
      #expect(response.text == "later")
    }
  }
}
