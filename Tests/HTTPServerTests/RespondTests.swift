import EventLoop
import HTTPServer
import Synchronization
import Testing

/// Asking a server without a socket, and reading what it answers.
@Suite struct RespondTests {
  struct Item: Codable, Sendable, Equatable {
    var id: Int
    var name: String
  }
  struct DiskFull: Error {}

  private func withServer(
    _ routes: [Route], observer: RecordingObserver = RecordingObserver(), middleware: [any HTTPMiddleware] = [],
    bodyLimit: Int = 1 << 20, _ body: (HTTPServer) async throws -> Void
  ) async throws {
    let loop = try EventLoop()
    var configuration = HTTPServerConfiguration(address: .ip(host: "127.0.0.1", port: 0))
    configuration.bodyLimit = bodyLimit
    let server = try HTTPServer(
      configuration: configuration, routes: routes, middleware: middleware, loop: loop, observer: observer)
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(server))
    } catch {
      result = .failure(error)
    }
    await server.stop(grace: .zero)
    await loop.stop()
    try result.get()
  }

  @Test func `an answer in a failed test shows what it says, not the bytes it is made of`() {
    #expect("\(HTTPResponse(status: .noContent))" == "204")
    #expect("\(HTTPResponse(error: HTTPError(.conflict, "sold out")))" == #"409, 21 bytes: {"error":"sold out"}"#)
    #expect("\(HTTPResponse([0xFF, 0xFE]))" == "200, 2 bytes")
    #expect("\(HTTPResponse.stream(contentType: "text/csv") { _ in })" == "200, a stream")
    #expect("\(HTTPResponse(error: DiskFull()))".hasPrefix("500 (DiskFull()), "))
    #expect("\(HTTPResponse(String(repeating: "a", count: 3000)))".count < 1100)
  }

  // MARK: Failures

  @Test func `what is behind a 500 is on the answer, and the observer hears of it under the request's id`() async throws
  {
    let observer = RecordingObserver()
    let routes = [Route(.get, "/") { _ -> String in throw DiskFull() }]
    try await withServer(routes, observer: observer, middleware: [RequestIDMiddleware { "made" }]) { server in
      let answer = await server.respond(to: HTTPRequest(.get, "/"))
      #expect(answer.status == .internalServerError)
      #expect(answer.failure is DiskFull)
      #expect(observer.seen.failedIDs == ["made"])
    }
  }

  @Test func `an error for the client is no failure`() async throws {
    let observer = RecordingObserver()
    let routes = [Route(.get, "/") { _ -> String in throw HTTPError(.conflict) }]
    try await withServer(routes, observer: observer) { server in
      #expect(await server.respond(to: HTTPRequest(.get, "/")).failure == nil)
      #expect(observer.seen.failures == [])
    }
  }

  // MARK: Limits

  @Test func `a body above the limit, the server's or the route's, is a 413`() async throws {
    let routes = [
      Route(.post, "/plain") { request in "\(request.body.count)" },
      Route(.post, "/large", bodyLimit: 8) { request in "\(request.body.count)" },
    ]
    try await withServer(routes, bodyLimit: 4) { server in
      func status(_ path: String, _ count: Int) async -> HTTPStatus {
        await server.respond(to: HTTPRequest(.post, path, body: [UInt8](repeating: 0, count: count))).status
      }
      #expect(await status("/plain", 4) == .ok)
      #expect(await status("/plain", 5) == .contentTooLarge)
      #expect(await status("/large", 8) == .ok)
      #expect(await status("/large", 9) == .contentTooLarge)
    }
  }

  // MARK: Address

  @Test func `a server says where it listens while it does`() async throws {
    try await withServer([]) { server in
      #expect(server.address == nil)
      let address = try await server.start()
      #expect(server.address == address)
      #expect(address.port ?? 0 > 0)
      await server.stop(grace: .zero)
      #expect(server.address == nil)
    }
  }

  // MARK: JSON

  @Test func `values go in and come out as JSON`() async throws {
    let routes = [Route(.post, "/items") { request in JSON(try request.json(Item.self), status: .created) }]
    try await withServer(routes) { server in
      let item = Item(id: 7, name: "tea")
      let answer = await server.respond(to: try HTTPRequest(.post, "/items", json: item))
      #expect(answer.status == .created)
      #expect(try answer.json(Item.self) == item)
    }
  }

  @Test func `a request with JSON says so, unless its headers say something else`() throws {
    let plain = try HTTPRequest(.post, "/", json: [1])
    #expect(plain.headers["Content-Type"] == "application/json")
    #expect(plain.body == Array("[1]".utf8))
    let patch = try HTTPRequest(.patch, "/", headers: ["content-type": "application/merge-patch+json"], json: [1])
    #expect(patch.headers.values(for: "Content-Type") == ["application/merge-patch+json"])
  }

  @Test func `an answer that is no such value shows status and body`() {
    let answer = HTTPResponse(error: HTTPError(.notFound, "no item 7"))
    let error = #expect(throws: HTTPServerError.self) { try answer.json(Item.self) }
    #expect(error?.code == .unreadableResponse)
    #expect(error?.description.contains(#"the answer 404 is not a Item: {"error":"no item 7"}"#) == true)
  }

  // MARK: Streams

  @Test func `the body of a stream is collected, however long it is`() async throws {
    let line = String(repeating: "a", count: 999) + "\n"
    let response = HTTPResponse.stream(contentType: "text/plain") { writer in
      for _ in 0..<1000 { try await writer.write(line) }
    }
    #expect(try await response.collect().count == 1_000_000)
  }

  @Test func `a body that is no stream is collected too`() async throws {
    #expect(try await HTTPResponse("hello").collect() == Array("hello".utf8))
    #expect(try await HTTPResponse(status: .noContent).collect() == [])
  }

  @Test func `a stream without end is read until there is enough, and then cancelled`() async throws {
    let wasCancelled = Atomic<Bool>(false)
    let response = HTTPResponse.stream(contentType: "text/event-stream", isEndless: true) { writer in
      defer { wasCancelled.store(Task.isCancelled, ordering: .relaxed) }
      for number in 0... {
        try await writer.write("data: \(number)\n\n")
        if number == 1 { try await Task.sleep(for: .seconds(600)) }
      }
    }
    let bytes = try await response.collect { bytes in bytes.count(where: { $0 == UInt8(ascii: "\n") }) == 4 }
    #expect(bytes == Array("data: 0\n\ndata: 1\n\n".utf8))
    #expect(wasCancelled.load(ordering: .relaxed) == true)
  }

  @Test func `what the closure of a stream throws is thrown`() async throws {
    let response = HTTPResponse.stream(contentType: "text/plain") { writer in
      try await writer.write("half")
      throw DiskFull()
    }
    await #expect(throws: DiskFull.self) { try await response.collect() }
  }

  @Test func `collecting is cancelled with its task`() async throws {
    let begun = Gate()
    let response = HTTPResponse.stream(contentType: "text/plain") { _ in
      begun.open()
      try await Task.sleep(for: .seconds(600))
    }
    let collecting = Task { try await response.collect() }
    await begun.wait()
    collecting.cancel()
    await #expect(throws: CancellationError.self) { try await collecting.value }
  }
}
