import EventLoop
import FoundationEssentials
import HTTPServer
import TestSupport
import Testing

/// What a well-behaved client sees.
@Suite struct ServerTests {
  struct User: Codable, Equatable, Sendable {
    var id: Int
    var name: String
  }

  struct Secret: Error {}

  struct NoSuchUser: HTTPErrorConvertible {
    var httpError: HTTPError { HTTPError(.notFound, "no such user") }
  }

  static let routes = [
    Route(.get, "/hello/:name") { request in "hello \(try request.parameters["name"])" },
    Route(.get, "/query") { request in try request.query["n", as: Int.self].map { "n is \($0)" } ?? "no n" },
    Route(.post, "/echo") { request in HTTPResponse(request.body) },
    Route(.post, "/users") { request in JSON(try request.json(User.self), status: .created) },
    Route(.get, "/later") { _ in
      await Task.yield()
      return "later"
    },
    Route(.get, "/status") { _ in HTTPStatus.noContent },
    Route(.get, "/leak") { _ -> String in throw Secret() },
    Route(.get, "/missing-user") { _ -> String in throw NoSuchUser() },
    Route(.get, "/teapot") { _ -> String in throw HTTPError(418, "say \"tea\"", headers: ["X-Pot": "1"]) },
    Route(.get, "/typo/:name") { request in try request.parameters["nam"] },
    Route(.get, "/number/:n") { request in "\(try request.parameters["n", as: Int.self] + 1)" },
    Route(.get, "/split") { _ in HTTPResponse(status: .ok, headers: ["X-Evil": "a\r\nSet-Cookie: b"]) },
    Route(.get, "/header") { request in
      HTTPResponse(headers: HTTPHeaders(dictionaryLiteral: (request.query["name"] ?? "", request.query["value"] ?? "")))
    },
    Route(.get, "/long-header/:n") { request in
      HTTPResponse(headers: ["X-Long": String(repeating: "a", count: try request.parameters["n", as: Int.self])])
    },
    Route(.get, "/reset") { _ in HTTPResponse("nothing", status: 205) },
    Route(.get, "/padded") { request in "[\(request.headers["X-Padded"] ?? "")]" },
    Route(.get, "/count") { request in "\(request.query.count)" },
    Route(.get, "/large") { _ in HTTPResponse([UInt8](repeating: 7, count: 3 << 20)) },
    Route(.delete, "/hello/:name") { _ in HTTPStatus.accepted },
  ]

  @Test func `a handler that does not wait answers`() async throws {
    try await withServer(Self.routes) { address, _ in
      let response = try await offPool { try TestClient(address).request("GET", "/hello/ann") }
      #expect(response.status == 200)
      #expect(response.text == "hello ann")
      #expect(response.headers["content-type"] == "text/plain; charset=utf-8")
      #expect(response.headers["date"] != nil)
    }
  }

  @Test func `a handler that waits answers too`() async throws {
    try await withServer(Self.routes) { address, _ in
      let response = try await offPool { try TestClient(address).request("GET", "/later") }
      #expect(response.text == "later")
    }
  }

  @Test func `a handler stays on the loop before and after it waits`() async throws {
    let loop = try EventLoop()
    let server = try HTTPServer(
      configuration: HTTPServerConfiguration(address: .ip(host: "127.0.0.1", port: 0)),
      routes: [
        Route(.get, "/thread") { _ in
          let before = loop.isCurrent
          await Task.yield()
          return "\(before) \(loop.isCurrent)"
        }
      ], loop: loop)
    let address = try await server.start()
    let response = try await offPool { try TestClient(address).request("GET", "/thread") }
    #expect(response.text == "true true")
    await server.stop()
    await loop.stop()
  }

  @Test func `many requests share a connection`() async throws {
    let observer = RecordingObserver()
    try await withServer(Self.routes, observer: observer) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        for index in 0..<50 {
          let target = index.isMultiple(of: 2) ? "/hello/\(index)" : "/later"
          #expect(try client.request("GET", target).status == 200)
        }
      }
      try await eventually("the connection is closed") { observer.seen.closed == [50] }
      #expect(observer.seen.opened == 1)
      #expect(observer.seen.records.count == 50)
    }
  }

  @Test func `pipelined requests are answered in their order`() async throws {
    try await withServer(Self.routes) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        let targets = (0..<20).map { $0.isMultiple(of: 3) ? "/later" : "/hello/\($0)" }
        try client.send(targets.map { "GET \($0) HTTP/1.1\r\nHost: t\r\n\r\n" }.joined())
        for (index, target) in targets.enumerated() {
          #expect(try client.response().text == (target == "/later" ? "later" : "hello \(index)"))
        }
      }
    }
  }

  @Test func `a request to close is heeded`() async throws {
    try await withServer(Self.routes) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        let response = try client.request("GET", "/later", headers: [("Connection", "close")])
        #expect(response.headers["connection"]?.lowercased() == "close")
        #expect(client.isClosed())
      }
    }
  }

  @Test func `HEAD has the headers of GET and no body`() async throws {
    try await withServer(Self.routes) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        let head = try client.request("HEAD", "/hello/ann")
        #expect(head.status == 200)
        #expect(head.headers["content-length"] == "9")
        // What follows on the connection is the next response, not a body.
        #expect(try client.request("GET", "/hello/bob").text == "hello bob")
      }
    }
  }

  @Test func `an unknown path is 404, a known one with another method 405 with Allow`() async throws {
    try await withServer(Self.routes) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        let missing = try client.request("GET", "/nowhere")
        #expect(missing.status == 404)
        #expect(missing.text == "{\"error\":\"not found\"}\n")
        #expect(missing.headers["content-type"] == "application/json; charset=utf-8")
        let refused = try client.request("PUT", "/hello/ann", body: "x")
        #expect(refused.status == 405)
        #expect(refused.headers["allow"] == "DELETE, GET, HEAD, OPTIONS")
        let options = try client.request("OPTIONS", "/hello/ann")
        #expect(options.status == 204)
        #expect(options.headers["allow"] == "DELETE, GET, HEAD, OPTIONS")
        #expect(try client.request("OPTIONS", "*").status == 204)
        #expect(try client.request("GET", "*").status == 400)
      }
    }
  }

  @Test func `a target in absolute form is served`() async throws {
    try await withServer(Self.routes) { address, _ in
      let response = try await offPool { try TestClient(address).request("GET", "http://example.com/hello/ann?x=1") }
      #expect(response.text == "hello ann")
    }
  }

  @Test func `bodies arrive whole`() async throws {
    try await withServer(Self.routes) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        #expect(try client.request("POST", "/echo", body: "").body.isEmpty)
        let large = String(repeating: "0123456789", count: 50_000)
        #expect(try client.request("POST", "/echo", body: large).text == large)
        #expect(try client.request("GET", "/large").body.count == 3 << 20)
      }
    }
  }

  @Test func `a chunked request body arrives whole`() async throws {
    try await withServer(Self.routes) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        try client.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n")
        for part in ["5\r\nhello\r\n", "1\r", "\n,\r\n", "6;ext=1\r\n world\r\n", "0\r\n\r\n"] {
          try client.send(part)
        }
        #expect(try client.response().text == "hello, world")
        #expect(try client.request("GET", "/later").text == "later")
      }
    }
  }

  @Test func `a client that asks first is told to continue`() async throws {
    try await withServer(Self.routes) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        try client.send("POST /echo HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        #expect(try client.response().status == 100)
        try client.send("ok")
        #expect(try client.response().text == "ok")
      }
    }
  }

  @Test(arguments: ["/echo", "/echo-later"])
  func `a client that asks first to send nothing is answered, also with the next request behind it`(
    target: String
  ) async throws {
    let later = Route(.post, "/echo-later") { request in
      await Task.yield()
      return HTTPResponse(request.body)
    }
    try await withServer(Self.routes + [later]) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        let next = "GET /hello/ann HTTP/1.1\r\nHost: t\r\n\r\n"
        let head = "POST \(target) HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n"
        try client.send(head + next)
        #expect(try client.response().status == 100)
        #expect(try client.response().status == 200)
        #expect(try client.response().text == "hello ann")
      }
    }
  }

  @Test func `parameters and queries are typed`() async throws {
    try await withServer(Self.routes) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        #expect(try client.request("GET", "/number/41").text == "42")
        let wrong = try client.request("GET", "/number/forty")
        #expect(wrong.status == 400)
        #expect(wrong.text == "{\"error\":\"n: “forty” is not a valid Int\"}\n")
        #expect(try client.request("GET", "/query?n=3").text == "n is 3")
        #expect(try client.request("GET", "/query").text == "no n")
        #expect(try client.request("GET", "/query?n=x").status == 400)
      }
    }
  }

  @Test func `JSON is read and written, and its faults are named`() async throws {
    try await withServer(Self.routes) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        let json = [("Content-Type", "application/json")]
        let created = try client.request("POST", "/users", headers: json, body: "{\"name\":\"ann\",\"id\":7}")
        #expect(created.status == 201)
        #expect(created.text == "{\"id\":7,\"name\":\"ann\"}")
        let missing = try client.request("POST", "/users", headers: json, body: "{\"id\":7}")
        #expect(missing.status == 422)
        #expect(missing.text == "{\"error\":\"name: missing\"}\n")
        #expect(try client.request("POST", "/users", headers: json, body: "{\"id\":").status == 400)
        let xml = [("Content-Type", "text/xml; charset=utf-8")]
        #expect(try client.request("POST", "/users", headers: xml, body: "<a/>").status == 415)
      }
    }
  }

  @Test func `errors for the client say what they say, all others are a bare 500`() async throws {
    let observer = RecordingObserver()
    try await withServer(Self.routes, observer: observer) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        let teapot = try client.request("GET", "/teapot")
        #expect(teapot.status == 418)
        #expect(teapot.text == "{\"error\":\"say \\\"tea\\\"\"}\n")
        #expect(teapot.headers["x-pot"] == "1")
        #expect(try client.request("GET", "/missing-user").text == "{\"error\":\"no such user\"}\n")
        let leak = try client.request("GET", "/leak")
        #expect(leak.status == 500)
        #expect(leak.text == "{\"error\":\"internal server error\"}\n")
        #expect(try client.request("GET", "/typo/x").status == 500)
      }
      #expect(
        observer.seen.failures == ["Secret()", "route /typo/:name has no parameter “nam”; it has: name"])
    }
  }

  @Test func `that some other task was cancelled is an error of the handler's, and told`() async throws {
    let observer = RecordingObserver()
    let routes = [
      Route(.get, "/report") { _ in
        let work = Task { try await Task.sleep(for: .seconds(3600)) }
        work.cancel()
        try await work.value
        return HTTPResponse("done")
      }
    ]
    try await withServer(routes, observer: observer) { address, _ in
      let status = try await offPool { try TestClient(address).request("GET", "/report").status }
      #expect(status == 500)
      #expect(observer.seen.failures == ["CancellationError()"])
    }
  }

  @Test func `a header that would split the response is not sent`() async throws {
    let observer = RecordingObserver()
    try await withServer(Self.routes, observer: observer) { address, _ in
      let response = try await offPool { try TestClient(address).request("GET", "/split") }
      #expect(response.status == 500)
      #expect(response.headers["set-cookie"] == nil)
      #expect(observer.seen.failures.first?.contains("X-Evil") == true)
    }
  }

  @Test(arguments: ["name=X&value=a%00b", "name=X&value=a%01b", "name=X%3A+y&value=a", "name=X+y&value=a"])
  func `a header field that would arrive as another is not sent`(query: String) async throws {
    let observer = RecordingObserver()
    try await withServer(Self.routes, observer: observer) { address, _ in
      let response = try await offPool { try TestClient(address).request("GET", "/header?\(query)") }
      #expect(response.status == 500)
      #expect(response.headers["x"] == nil)
      #expect(observer.seen.failures.count == 1)
    }
  }

  @Test func `a tab in a header value is sent, a date of the handler's is not`() async throws {
    try await withServer(Self.routes) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        #expect(try client.request("GET", "/header?name=X&value=a%09b").headers["x"] == "a\tb")
        #expect(try client.request("GET", "/header?name=Date&value=never").headers["date"]?.hasSuffix(" GMT") == true)
      }
    }
  }

  @Test func `headers too long to be sent are a 500 and are told`() async throws {
    let observer = RecordingObserver()
    try await withServer(Self.routes, observer: observer) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        #expect(try client.request("GET", "/long-header/8000").headers["x-long"]?.count == 8000)
        #expect(try client.request("GET", "/long-header/30000").status == 500)
        #expect(try client.request("GET", "/later").text == "later")
      }
      #expect(observer.seen.failures.first?.contains("its header fields take 30010 bytes") == true)
      try await eventually("the records say so") { observer.seen.records.map(\.status) == [200, 500, 200] }
    }
  }

  @Test func `headers that have no room beside many cookies are a 500 and are told`() async throws {
    let cookie = (0..<150).map { "name\($0)=\(String(repeating: "v", count: 30))" }.joined(separator: "; ")
    let observer = RecordingObserver()
    try await withServer(Self.routes, observer: observer) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        for (size, status) in [(1500, 200), (4000, 500), (7000, 500)] {
          let answer = try client.request("GET", "/long-header/\(size)", headers: [("Cookie", cookie)])
          #expect(answer.status == status, "\(size)")
        }
      }
      #expect(observer.seen.failures.last?.contains("its header fields take 7010 bytes") == true)
    }
  }

  @Test func `a status that cannot be sent is a 500 for the client and in the record`() async throws {
    let routes = [
      Route(.get, "/status/:code") { request in HTTPStatus(try request.parameters["code", as: Int.self]) }
    ]
    let observer = RecordingObserver()
    try await withServer(routes, observer: observer) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        for code in [-1, 0, 101, 150, 1000] {
          #expect(try client.request("GET", "/status/\(code)").status == 500)
        }
        #expect(try client.request("GET", "/status/999").status == 999)
      }
      try await eventually("the records are there") { observer.seen.records.count == 6 }
      #expect(observer.seen.records.map(\.status) == [500, 500, 500, 500, 500, 999])
    }
  }

  @Test func `205 has no body`() async throws {
    try await withServer(Self.routes) { address, _ in
      let response = try await offPool { try TestClient(address).request("GET", "/reset") }
      #expect(response.status == 205 && response.headers["content-length"] == "0")
    }
  }

  @Test func `white space around a header value is not part of it`() async throws {
    try await withServer(Self.routes) { address, _ in
      let response = try await offPool {
        try TestClient(address).request("GET", "/padded", headers: [("X-Padded", " \t a b \t ")])
      }
      #expect(response.text == "[a b]")
    }
  }

  @Test func `a query of thousands of items is read`() async throws {
    try await withServer(Self.routes) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        #expect(try client.request("GET", "/count?" + String(repeating: "a&", count: 5000)).text == "5000")
        #expect(try client.request("GET", "/count?a=1?&b").text == "2")
      }
    }
  }

  @Test func `a record says what happened`() async throws {
    let observer = RecordingObserver()
    try await withServer(Self.routes, observer: observer) { address, _ in
      _ = try await offPool { try TestClient(address).request("POST", "/echo?x=1", body: "four") }
      try await eventually("the request is recorded") { !observer.seen.records.isEmpty }
      let record = try #require(observer.seen.records.first)
      #expect(record.method == .post)
      #expect(record.route == "/echo")
      #expect(record.target == "/echo?x=1")
      #expect(record.status == 200)
      #expect(record.outcome == .answered)
      #expect(record.requestBytes == 4)
      #expect(record.responseBytes == 4)
      #expect(record.remoteAddress == "127.0.0.1")
      #expect(record.duration > .zero)
    }
  }

  @Test func `two hundred handlers wait at once`() async throws {
    let gate = Gate()
    let routes = [
      Route(.get, "/wait/:n") { request in
        await gate.wait()
        return try request.parameters["n"]
      }
    ]
    try await withServer(routes) { address, _ in
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for index in 0..<200 {
          group.addTask {
            try await offPool { try TestClient(address).request("GET", "/wait/\(index)").text == "\(index)" }
          }
        }
        try await eventually("all of them wait") { gate.arrivals == 200 }
        gate.open()
        for try await isRight in group { #expect(isRight) }
      }
    }
  }

  @Test func `a unix socket is served, and its file removed`() async throws {
    let path = "/tmp/keel-http-\(UUID().uuidString.prefix(8)).sock"
    try await withServer(Self.routes, configure: { $0.address = .unix(path: path) }) { address, server in
      let response = try await offPool { try TestClient(address).request("GET", "/hello/ann") }
      #expect(response.text == "hello ann")
      #expect(FileManager.default.fileExists(atPath: path))
      await server.stop()
      #expect(!FileManager.default.fileExists(atPath: path))
    }
  }

  @Test(arguments: ["::1", "::"]) func `IPv6 is served`(host: String) async throws {
    try await withServer(Self.routes, configure: { $0.address = .ip(host: host, port: 0) }) { address, _ in
      let response = try await offPool { try TestClient(address).request("GET", "/hello/ann") }
      #expect(response.text == "hello ann")
    }
  }

  @Test func `the address for everything serves IPv4 too`() async throws {
    let observer = RecordingObserver()
    try await withServer(Self.routes, observer: observer, configure: { $0.address = .ip(host: "::", port: 0) }) {
      address, _ in
      let port = try #require(address.port)
      let response = try await offPool { try TestClient(.ip(host: "127.0.0.1", port: port)).request("GET", "/later") }
      #expect(response.status == 200)
      try await eventually("the request is recorded") { observer.seen.records.first?.remoteAddress == "127.0.0.1" }
    }
  }

  @Test func `two servers share a loop`() async throws {
    let loop = try EventLoop()
    let configuration = HTTPServerConfiguration(address: .ip(host: "127.0.0.1", port: 0))
    let servers = try ["public", "admin"].map { name in
      try HTTPServer(configuration: configuration, routes: [Route(.get, "/") { _ in name }], loop: loop)
    }
    let addresses = [try await servers[0].start(), try await servers[1].start()]
    #expect(addresses[0] != addresses[1])
    let answers = try await offPool { try addresses.map { try TestClient($0).request("GET", "/").text } }
    #expect(answers == ["public", "admin"])
    for server in servers { await server.stop() }
    await loop.stop()
  }

  @Test func `routes can be tested without a socket`() async throws {
    let loop = try EventLoop()
    let server = try HTTPServer(routes: Self.routes, loop: loop)
    #expect(await server.respond(to: HTTPRequest(.get, "/hello/ann")).bytes == Array("hello ann".utf8))
    #expect(await server.respond(to: HTTPRequest(.get, "/nowhere")).status == .notFound)
    await loop.stop()
  }
}
