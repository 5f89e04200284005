import EventLoop
import HTTPServer
import Synchronization
import TestSupport
import Testing

@Suite struct MiddlewareTests {
  struct Tag: HTTPMiddleware {
    let name: String

    func handle(_ request: HTTPRequest, next: @escaping HTTPHandler) async throws -> HTTPResponse {
      var response = try await next(request)
      response.headers.add("X-Seen", "\(name) \(request.route ?? "none")")
      return response
    }
  }

  struct Gatekeeper: HTTPMiddleware {
    func handle(_ request: HTTPRequest, next: @escaping HTTPHandler) async throws -> HTTPResponse {
      guard request.headers["Authorization"] == "yes" else { throw HTTPError(.unauthorized) }
      return try await next(request)
    }
  }

  static let routes = [
    Route(.get, "/id") { request in request.id ?? "none" },
    Route(.get, "/fail") { _ -> String in throw HTTPError(.conflict) },
    Route(.get, "/crash") { _ -> String in throw CancellationError() },
  ]

  /// Asks a server without a socket.
  private func ask(
    _ target: String, headers: HTTPHeaders = [:], routes: [Route] = routes, _ middleware: any HTTPMiddleware...
  ) async throws -> HTTPResponse {
    let loop = try EventLoop()
    let server = try HTTPServer(routes: routes, middleware: middleware, loop: loop)
    let response = await server.respond(to: HTTPRequest(.get, target, headers: headers))
    await loop.stop()
    return response
  }

  @Test func `the first is the outermost, and all see requests without a route`() async throws {
    let found = try await ask("/id", Tag(name: "outer"), Tag(name: "inner"))
    #expect(found.headers.values(for: "X-Seen") == ["inner /id", "outer /id"])
    struct Late: HTTPMiddleware {
      func handle(_ request: HTTPRequest, next: @escaping HTTPHandler) async throws -> HTTPResponse {
        do {
          return try await next(request)
        } catch {
          return HTTPResponse(error: error)
        }
      }
    }
    let missing = try await ask("/nowhere", Tag(name: "outer"), Late())
    #expect(missing.status == .notFound)
    #expect(missing.headers.values(for: "X-Seen") == ["outer none"])
  }

  @Test func `a middleware may answer by itself`() async throws {
    #expect(try await ask("/id", Gatekeeper()).status == .unauthorized)
    #expect(try await ask("/id", headers: ["authorization": "yes"], Gatekeeper()).status == .ok)
  }

  @Test func `ids are made, kept if harmless, and stand on errors too`() async throws {
    let made = try await ask("/id", RequestIDMiddleware())
    let id = try #require(made.headers["X-Request-ID"])
    #expect(id.count == 32)
    #expect(made.bytes == Array(id.utf8))
    let kept = try await ask("/id", headers: ["X-Request-ID": "abc-1.2_3"], RequestIDMiddleware())
    #expect(kept.headers["x-request-id"] == "abc-1.2_3")
    for harmful in ["", "a b", "a\"b", String(repeating: "a", count: 129), "ü"] {
      let response = try await ask("/id", headers: ["X-Request-ID": harmful], RequestIDMiddleware { "made" })
      #expect(response.headers["X-Request-ID"] == "made")
    }
    #expect(try await ask("/fail", RequestIDMiddleware { "made" }).headers["X-Request-ID"] == "made")
  }

  @Test func `an id reaches the record`() async throws {
    let observer = RecordingObserver()
    try await withServer(Self.routes, middleware: [RequestIDMiddleware { "made" }], observer: observer) { address, _ in
      #expect(try await offPool { try TestClient(address).request("GET", "/id").headers["x-request-id"] } == "made")
      try await eventually("the request is recorded") { observer.seen.records.first?.id == "made" }
    }
  }

  @Test func `an id reaches the observer of failures, of handlers and of streams`() async throws {
    let observer = RecordingObserver()
    let routes =
      Self.routes + [
        Route(.get, "/broken") { _ in HTTPResponse.stream(contentType: "text/plain") { _ in throw HTTPError(.conflict) }
        }
      ]
    try await withServer(routes, middleware: [RequestIDMiddleware { "made" }], observer: observer) { address, _ in
      #expect(try await offPool { try TestClient(address).request("GET", "/crash").status } == 500)
      try await eventually("the handler's failure is reported") { observer.seen.failedIDs == ["made"] }
      _ = try? await offPool { try TestClient(address).request("GET", "/broken").status }
      try await eventually("the stream's failure is reported") { observer.seen.failedIDs == ["made", "made"] }
    }
  }

  @Test func `security headers are added where they are missing`() async throws {
    let routes = Self.routes + [Route(.get, "/frame") { _ in HTTPResponse(headers: ["X-Frame-Options": "SAMEORIGIN"]) }]
    let plain = try await ask("/fail", SecurityHeadersMiddleware())
    #expect(plain.status == .conflict)
    #expect(plain.headers["X-Content-Type-Options"] == "nosniff")
    #expect(plain.headers["X-Frame-Options"] == "DENY")
    let framed = try await ask("/frame", routes: routes, SecurityHeadersMiddleware())
    #expect(framed.headers.values(for: "X-Frame-Options") == ["SAMEORIGIN"])
  }

  @Test func `a time-out without end is no trap`() async throws {
    let routes = [
      Route(.get, "/later") { _ in
        await Task.yield()
        return "later"
      }
    ]
    try await withServer(routes, middleware: [TimeoutMiddleware(.seconds(Int64.max))]) { address, _ in
      let answer = try await offPool { try TestClient(address).request("GET", "/later").text }
      #expect(answer == "later")
    }
  }

  @Test func `a handler that takes too long is cancelled and answered with 504`() async throws {
    let wasCancelled = Atomic<Bool>(false)
    let routes = [
      Route(.get, "/slow") { _ -> String in
        do {
          try await Task.sleep(for: .seconds(60))
        } catch {
          wasCancelled.store(true, ordering: .relaxed)
        }
        return "late"
      },
      Route(.get, "/fast") { _ in "fast" },
    ]
    let slow = try await ask("/slow", routes: routes, TimeoutMiddleware(.milliseconds(10)))
    #expect(slow.status == .gatewayTimeout)
    #expect(wasCancelled.load(ordering: .relaxed) == true)
    #expect(try await ask("/fast", routes: routes, TimeoutMiddleware(.seconds(10))).status == .ok)
  }
}
