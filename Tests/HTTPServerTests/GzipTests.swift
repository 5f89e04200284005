import HTTPServer
import TestSupport
import Testing

@Suite struct GzipTests {
  private static let page = String(repeating: "http_requests_total{path=\"/\"} 1\n", count: 1000)
  private static let routes = [
    Route(.get, "/page") { _ in page },
    Route(.get, "/short") { _ in "short" },
    Route(.get, "/long") { _ in String(repeating: "x", count: 2 << 20) },
    Route(.get, "/noise") { _ in HTTPResponse((0..<5000).map { _ in .random(in: 0...255) }, contentType: "text/plain")
    },
    Route(.get, "/image") { _ in HTTPResponse([UInt8](repeating: 0, count: 5000), contentType: "image/png") },
    Route(.get, "/varied") { _ in
      HTTPResponse(headers: ["Content-Type": "text/plain", "Vary": "Accept,Origin"], body: .text(page))
    },
    Route(.get, "/twice") { _ in
      HTTPResponse(headers: ["Content-Type": "text/plain", "Vary": "accept-encoding"], body: .text(page))
    },
    Route(.get, "/ever") { _ in
      HTTPResponse(headers: ["Content-Type": "text/plain", "Vary": "*"], body: .text(page))
    },
    Route(.get, "/done") { _ in
      HTTPResponse(headers: ["Content-Type": "text/plain", "Content-Encoding": "br"], body: .text(page))
    },
    Route(.get, "/tagged") { _ in
      HTTPResponse(headers: ["Content-Type": "text/plain", "ETag": "\"a\""], body: .text(page))
    },
    Route(.get, "/part") { _ in
      HTTPResponse(
        status: 206, headers: ["Content-Type": "text/plain", "Content-Range": "bytes 0-32999/66000"], body: .text(page))
    },
    Route(.get, "/error") { _ -> String in throw HTTPError(.conflict, page) },
  ]

  /// What a client gets, and whether it is compressed. curl unpacks it.
  private func ask(
    _ target: String, _ accept: String?
  ) async throws -> (response: TestClient.Response, encoding: String?) {
    try await withGzipServer { address in
      try await offPool {
        let headers = accept.map { [("Accept-Encoding", $0)] } ?? []
        let response = try TestClient(address).request("GET", target, headers: headers)
        return (response, response.headers["content-encoding"])
      }
    }
  }

  private func withGzipServer<Result>(_ body: (HTTPServerAddress) async throws -> Result) async throws -> Result {
    var result: Result?
    try await withServer(Self.routes, middleware: [GzipMiddleware()]) { address, _ in result = try await body(address) }
    return try #require(result)
  }

  @Test(arguments: [
    ("gzip", true), ("deflate, gzip;q=0.5", true), ("GZIP", true), ("*", true), ("br, *;q=0.1", true), ("", false),
    ("gzip;q=0", false), ("gzip; q=0.0, *", false), ("identity", false), ("*;q=0", false), ("x-gzip2", false),
    ("gzip;q=high", false),
  ])
  func `a client that accepts gzip gets it, no other`(accept: String, expected: Bool) async throws {
    let (response, encoding) = try await ask("/page", accept)
    #expect((encoding == "gzip") == expected)
    #expect(response.headers["vary"] == "Accept-Encoding")
    #expect(
      expected ? response.body.count < 1000 && response.body.starts(with: [0x1F, 0x8B]) : response.text == Self.page)
  }

  @Test(arguments: [
    ("/varied", "Accept, Origin, Accept-Encoding"), ("/twice", "accept-encoding"), ("/ever", "*"),
  ])
  func `what an answer varies by is told in one line, nothing of it twice`(path: String, expected: String) async throws
  {
    #expect(try await ask(path, "gzip").response.headers["vary"] == expected)
  }

  @Test func `who does not ask gets plain text`() async throws {
    #expect(try await ask("/page", nil).response.text == Self.page)
  }

  @Test func `what is compressed is unpacked to the same bytes`() async throws {
    let unpacked = try await withGzipServer { address in
      let port = try #require(address.port)
      return try await offPool { try shell("curl -sS --compressed http://127.0.0.1:\(port)/page") }
    }
    #expect(unpacked == Self.page)
  }

  @Test(arguments: ["/short", "/long", "/noise", "/image"])
  func `what gains nothing is left alone`(target: String) async throws {
    #expect(try await ask(target, "gzip").encoding == nil)
  }

  @Test func `what is encoded already is left alone, errors are not`() async throws {
    #expect(try await ask("/done", "gzip").encoding == "br")
    let error = try await ask("/error", "gzip")
    #expect(error.encoding == "gzip" && error.response.status == 409)
  }

  @Test func `a part of something is left alone, for its range counts the bytes as they are`() async throws {
    let (response, encoding) = try await ask("/part", "gzip")
    #expect(encoding == nil && response.text == Self.page)
  }

  @Test func `a strong validator becomes a weak one`() async throws {
    #expect(try await ask("/tagged", "gzip").response.headers["etag"] == "W/\"a\"")
    #expect(try await ask("/tagged", nil).response.headers["etag"] == "\"a\"")
  }

  @Test func `the answer to HEAD says what GET would`() async throws {
    try await withGzipServer { address in
      try await offPool {
        let client = try TestClient(address)
        let head = try client.request("HEAD", "/page", headers: [("Accept-Encoding", "gzip")])
        let get = try client.request("GET", "/page", headers: [("Accept-Encoding", "gzip")])
        #expect(head.headers["content-encoding"] == "gzip")
        #expect(head.headers["content-length"] == get.headers["content-length"])
      }
    }
  }
}
