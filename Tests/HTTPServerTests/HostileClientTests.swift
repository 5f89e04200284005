import EventLoop
import HTTPServer
import Synchronization
import TestSupport
import Testing

/// What clients get that break the rules, stall or leave.
@Suite struct HostileClientTests {
  static let routes = [
    Route(.get, "/ok") { _ in "ok" },
    Route(.post, "/echo") { request in HTTPResponse(request.body) },
    Route(.post, "/small", bodyLimit: 4) { request in HTTPResponse(request.body) },
    Route(.get, "/files/*path") { request in try request.parameters["path"] },
    Route(.get, "/one/:name") { request in try request.parameters["name"] },
  ]

  // MARK: Bodies

  @Test func `a body above the limit is 413 and the next connection works`() async throws {
    try await withServer(Self.routes, configure: { $0.bodyLimit = 1000 }) { address, _ in
      try await offPool {
        let fits = String(repeating: "x", count: 1000)
        #expect(try TestClient(address).request("POST", "/echo", body: fits).status == 200)
        let response = try TestClient(address).request("POST", "/echo", body: fits + "x")
        #expect(response.status == 413)
        #expect(response.headers["connection"]?.lowercased() == "close")
        #expect(try TestClient(address).request("POST", "/small", body: "12345").status == 413)
        #expect(try TestClient(address).request("POST", "/small", body: "1234").status == 200)
      }
    }
  }

  @Test func `a chunked body above the limit is 413`() async throws {
    try await withServer(Self.routes, configure: { $0.bodyLimit = 1000 }) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        try client.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n")
        let chunk = "200\r\n" + String(repeating: "y", count: 0x200) + "\r\n"
        for _ in 0..<100 { try client.send(chunk) }
        try client.send("0\r\n\r\n")
        #expect(try client.response().status == 413)
      }
    }
  }

  @Test func `a body that never ends is cut off`() async throws {
    try await withServer(Self.routes, configure: { $0.bodyLimit = 1000 }) { address, _ in
      await #expect(throws: TestClient.Failure.self) {
        try await offPool {
          let client = try TestClient(address)
          try client.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n")
          let chunk = "10000\r\n" + String(repeating: "y", count: 0x10000) + "\r\n"
          for _ in 0..<1000 { try client.send(chunk) }
        }
      }
    }
  }

  @Test func `a client that asks first is refused before it sends`() async throws {
    try await withServer(Self.routes, configure: { $0.bodyLimit = 10 }) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        try client.send("POST /echo HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n")
        #expect(try client.response().status == 413)
        #expect(client.isClosed())
      }
    }
  }

  // MARK: Framing

  @Test(arguments: [
    ("Content-Length: 3\r\nTransfer-Encoding: chunked", 400),
    ("Content-Length: 3\r\nContent-Length: 4", 400),
    ("Content-Length: -3", 400),
    ("Content-Length: 3x", 400),
    ("Content-Length: 99999999999999999999", 413),
    ("Transfer-Encoding : chunked", 400),
    ("Content-Length : 3", 400),
    ("Host: other", 400),
    ("Bad[name]: x", 400),
    ("Transfer-Encoding: gzip, chunked", 501),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 501),
    ("Transfer-Encoding: chunked ", 501),
    ("X: a\r\n b", 400),
    ("X: a\r\n\tb\r\n c", 400),
    ("Content: 3\r\n -Length", 400),
    ("X: a\rContent-Length: 3", 400),
    (": x\r\nContent-Length: 3", 400),
  ])
  func `headers that can be read in two ways are refused and counted`(headers: String, status: Int) async throws {
    let observer = RecordingObserver()
    try await withServer(Self.routes, observer: observer) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        try client.send("POST /echo HTTP/1.1\r\nHost: t\r\n\(headers)\r\n\r\nabc")
        #expect(try client.response().status == status)
        #expect(client.isClosed())
      }
      try await eventually("the request is counted") { observer.seen.malformed.map(\.?.code) == [status] }
    }
  }

  /// With a sign in the place of the NUL, which no name of a test can have.
  @Test(arguments: [
    "GET /ok␀/../x HTTP/1.1\r\nHost: t", "GET␀X /ok HTTP/1.1\r\nHost: t", "GET /ok HTTP/1.1\r\nHost: t␀.example",
    "GET /ok HTTP/1.1\r\nX: a␀\r\nHost: t", "GET /ok HTTP/1.1\r\nHost: t\r\n␀\r\nGET /ok HTTP/1.1\r\nHost: t",
    "GET /ok HTTP/1.1\r\nHost: t\r\n: x\r\nGET /ok HTTP/1.1\r\nHost: t",
  ])
  func `what the library would take for the end of a field or of the headers is refused`(head: String) async throws {
    let observer = RecordingObserver()
    try await withServer(Self.routes, observer: observer) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        try client.send(head.replacing("␀", with: "\0") + "\r\n\r\n")
        #expect(try client.response().status == 400)
        #expect(client.isClosed())
      }
      #expect(observer.seen.records.isEmpty)
    }
  }

  @Test func `what follows a trailer without a name is not a second request`() async throws {
    let observer = RecordingObserver()
    try await withServer(Self.routes, observer: observer) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        try client.send(
          "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n: x\r\n"
            + "GET /ok HTTP/1.1\r\nHost: t\r\n\r\n")
        #expect(try client.response().text == "abc")
        #expect(client.isClosed())
      }
      try await eventually("the request is reported") { observer.seen.records.map(\.target) == ["/echo"] }
    }
  }

  @Test func `chunks from a client of HTTP 1.0 are refused`() async throws {
    try await withServer(Self.routes) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        try client.send(
          "POST /echo HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        #expect(try client.response().status == 400)
        #expect(client.isClosed())
      }
    }
  }

  @Test func `chunks that are none are counted as malformed with what the client got`() async throws {
    let observer = RecordingObserver()
    try await withServer(Self.routes, observer: observer) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        try client.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n")
        #expect(try client.response().status == 400)
      }
      try await eventually("the request is counted") { observer.seen.malformed == [400] }
      #expect(observer.seen.records.isEmpty)
    }
  }

  /// libmicrohttpd 0.9.75 by itself sends the head of these answers twice.
  @Test(arguments: [
    ("GET /ok HTTP/1.1\r\n\r\n", 400, "the header Host is missing"),
    ("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 3x\r\n\r\nabc", 400, "Content-Length is not a number"),
    ("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: -3\r\n\r\nabc", 400, "Content-Length is not a number"),
    (
      "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 99999999999999999999\r\n\r\nabc", 413,
      "request body too large"
    ),
  ])
  func `what the library refuses is answered once, to the byte`(
    request: String, status: Int, message: String
  )
    async throws
  {
    let observer = RecordingObserver()
    try await withServer(Self.routes, observer: observer) { address, _ in
      try await offPool {
        // Others that are half way must not get the answer.
        let (idle, half) = (try TestClient(address), try TestClient(address))
        #expect(try idle.request("GET", "/ok").status == 200)
        try half.send("GET /ok HTTP/1.1\r\nHo")
        let client = try TestClient(address)
        try client.send(request)
        let answer = String(decoding: try client.rest(), as: UTF8.self)
        let body = "{\"error\":\"\(message)\"}\n"
        let expected = try Regex(
          "HTTP/1.1 \(status) [A-Za-z ]+\r\nDate: \\w{3}, \\d\\d \\w{3} \\d{4} \\d\\d:\\d\\d:\\d\\d GMT\r\nConnection: close\r\n"
            + "Content-Type: application/json; charset=utf-8\r\nContent-Length: \(body.utf8.count)\r\n\r\n")
        let head = try #require(answer.prefixMatch(of: expected), "\(answer)")
        #expect(answer[head.range.upperBound...] == body)
        try half.send("st: t\r\n\r\n")
        #expect(try half.response().text == "ok")
        #expect(try idle.request("GET", "/ok").text == "ok")
      }
      try await eventually("the request is counted") { observer.seen.malformed.map(\.?.code) == [status] }
    }
  }

  @Test func `HTTP 1.0 is served and closed`() async throws {
    try await withServer(Self.routes) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        try client.send("GET /ok HTTP/1.0\r\n\r\n")
        #expect(try client.response().text == "ok")
        #expect(client.isClosed())
      }
    }
  }

  // MARK: Garbage

  @Test(arguments: [
    [UInt8](repeating: 0, count: 100), Array("\r\n\r\n\r\n\r\nnonsense\r\n\r\n".utf8),
    Array("GET\r\n\r\n".utf8), Array("GET /ok\r\n\r\n".utf8), Array("GET /ok HTTP/9.9\r\n\r\n".utf8),
    Array("GET  \r\n\r\n".utf8), Array(" / HTTP/1.1\r\nHost: t\r\n\r\n".utf8),
    Array("GET /ok HTTP/1.1\r\nno colon here\r\nHost: t\r\n\r\n".utf8),
    [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3] + [UInt8](repeating: 0x0A, count: 50),
    Array("GET /\u{FFFD}%zz HTTP/1.1\r\nHost: t\r\n\r\n".utf8), [0xFF, 0xFE, 0x20, 0xFF, 0x20, 0x0D, 0x0A, 0x0D, 0x0A],
    Array("GET /".utf8) + [0xFF, 0xC0] + Array(" HTTP/1.1\r\nHost: t\r\n\r\n".utf8),
  ])
  func `garbage ends its own connection and no other`(bytes: [UInt8]) async throws {
    try await withServer(Self.routes) { address, _ in
      try await offPool {
        let client = try TestClient(address, patience: 2)
        try client.send(bytes)
        client.finishSending()
        let answer = String(decoding: (try? client.rest()) ?? [], as: UTF8.self)
        #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4") || answer.hasPrefix("HTTP/1.1 5"), "\(answer)")
        #expect(try TestClient(address).request("GET", "/ok").text == "ok")
      }
    }
  }

  @Test func `random bytes never bring the server down`() async throws {
    try await withServer(Self.routes) { address, _ in
      try await offPool {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<100 {
          let client = try TestClient(address, patience: 1)
          var bytes = (0..<Int.random(in: 1...400, using: &generator)).map { _ in UInt8.random(in: 0...255) }
          if Bool.random() { bytes = Array("GET /ok HTTP/1.1\r\nHost: t\r\n".utf8) + bytes }
          try? client.send(bytes)
        }
        #expect(try TestClient(address).request("GET", "/ok").text == "ok")
      }
    }
  }

  @Test func `headers above the limit are 431, a long target 414`() async throws {
    try await withServer(Self.routes, configure: { $0.headerLimit = 4096 }) { address, _ in
      try await offPool {
        let fits = [("X-Long", String(repeating: "a", count: 3000))]
        let accepted = try TestClient(address).request("GET", "/ok", headers: fits)
        #expect(accepted.status == 200)
        for size in [4100, 9000, 100_000] {
          let long = [("X-Long", String(repeating: "a", count: size))]
          let response = try? TestClient(address).request("GET", "/ok", headers: long)
          #expect(response == nil || response?.status == 431, "\(size)")
        }
        let many = (0..<200).map { ("X-\($0)", "some value of it") }
        let tooMany = try TestClient(address).request("GET", "/ok", headers: many)
        #expect(tooMany.status == 431)
        let target = "/one/" + String(repeating: "a", count: 20_000)
        let response = try? TestClient(address).request("GET", target)
        #expect(response == nil || response?.status == 414)
      }
    }
  }

  // MARK: Paths

  @Test(arguments: [
    ("/files/a%20b", 200, "a b"), ("/files/a/b/", 200, "a/b/"), ("/files/", 200, ""), ("/one/a%2Fb", 200, "a/b"),
    ("/one/%C3%BC", 200, "ü"), ("/one/a+b", 200, "a+b"), ("/one/%252e%252e", 200, "%2e%2e"), ("/one/...", 200, "..."),
    ("/files/../etc/passwd", 400, nil), ("/files/%2e%2e/etc/passwd", 400, nil), ("/files/.%2E/x", 400, nil),
    ("/one/%00", 400, nil), ("/one/%ff", 400, nil), ("/one/%", 400, nil), ("/one/%4", 400, nil), ("/one/%zz", 400, nil),
    ("/one/%c0%ae", 400, nil), ("/one/", 404, nil), ("/one", 404, nil), ("//one/a", 404, nil), ("/ok/", 404, nil),
  ])
  func `paths are decoded once, and tricks are refused`(target: String, status: Int, body: String?) async throws {
    try await withServer(Self.routes) { address, _ in
      let response = try await offPool { try TestClient(address).request("GET", target) }
      #expect(response.status == status)
      if let body { #expect(response.text == body) }
    }
  }

  // MARK: Slow clients

  @Test func `half a request is dropped after the time-out`() async throws {
    try await withServer(Self.routes, configure: { $0.idleTimeout = .seconds(1) }) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        try client.send("GET /ok HTTP/1.1\r\nHo")
        #expect(client.isClosed())
      }
    }
  }

  @Test func `a silent connection is closed after the time-out`() async throws {
    try await withServer(Self.routes, configure: { $0.idleTimeout = .seconds(1) }) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        #expect(try client.request("GET", "/ok").status == 200)
        #expect(client.isClosed())
      }
    }
  }

  @Test func `a byte now and then does not keep a request alive for ever`() async throws {
    let observer = RecordingObserver()
    try await withServer(
      Self.routes, observer: observer,
      configure: {
        $0.idleTimeout = .seconds(1)
        $0.readTimeout = .milliseconds(1500)
      }
    ) { address, _ in
      await #expect(throws: TestClient.Failure.closed) {
        try await offPool {
          let client = try TestClient(address)
          try client.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1000\r\n\r\n")
          for _ in 0..<100 {
            try client.send("x")
            guard !client.pause(milliseconds: 100) else { throw TestClient.Failure.closed }
          }
        }
      }
      try await eventually("the record says so") { observer.seen.records.first?.outcome == .timedOut }
      #expect(observer.seen.records.first?.status == .requestTimeout)
    }
  }

  @Test func `a client that does not read does not hold others up`() async throws {
    let routes = Self.routes + [Route(.get, "/large") { _ in HTTPResponse([UInt8](repeating: 1, count: 32 << 20)) }]
    let observer = RecordingObserver()
    try await withServer(routes, observer: observer, configure: { $0.idleTimeout = .seconds(1) }) { address, _ in
      let lazy = try await offPool {
        let lazy = try TestClient(address, window: 4096)
        try lazy.send("GET /large HTTP/1.1\r\nHost: t\r\n\r\n")
        for _ in 0..<20 { #expect(try TestClient(address).request("GET", "/ok").text == "ok") }
        return ClientBox(lazy)
      }
      try await eventually("the server gives up") { observer.seen.records.contains { $0.outcome == .timedOut } }
      lazy.close()
    }
  }

  @Test func `connections above the cap wait their turn`() async throws {
    try await withServer(Self.routes, configure: { $0.maxConnections = 2 }) { address, _ in
      try await offPool {
        var clients = [try TestClient(address), try TestClient(address)]
        for client in clients { #expect(try client.request("GET", "/ok").text == "ok") }
        let third = try TestClient(address)
        try third.send("GET /ok HTTP/1.1\r\nHost: t\r\n\r\n")
        #expect(third.pause(milliseconds: 200) == false)
        clients.removeAll()
        #expect(try third.response().text == "ok")
      }
    }
  }

  @Test func `connections of one address above its share are closed, and it has its share again when one ends`()
    async throws
  {
    try await withServer(Self.routes, configure: { $0.maxConnectionsPerAddress = 2 }) { address, _ in
      try await offPool {
        var clients = [try TestClient(address), try TestClient(address)]
        for client in clients { #expect(try client.request("GET", "/ok").text == "ok") }
        #expect(try TestClient(address).isClosed())
        clients.removeLast()
        // The server notices the end of the other in its own time.
        let deadline = ContinuousClock.now + .seconds(60)
        while (try? TestClient(address).request("GET", "/ok").text) != "ok" {
          try #require(ContinuousClock.now < deadline)
        }
      }
    }
  }

  // MARK: Clients that leave

  @Test func `a client that leaves cancels its handler`() async throws {
    let observer = RecordingObserver()
    let wasCancelled = Atomic<Bool>(false)
    let isWaiting = Atomic<Bool>(false)
    try await confirmation { confirm in
      let routes = [
        Route(.get, "/slow") { _ -> String in
          isWaiting.store(true, ordering: .relaxed)
          do {
            try await Task.sleep(for: .seconds(60))
          } catch {
            wasCancelled.store(true, ordering: .relaxed)
            confirm()
            throw error
          }
          return "never"
        }
      ]
      try await withServer(routes, observer: observer) { address, _ in
        let client = try await offPool {
          let client = try TestClient(address)
          try client.send("GET /slow HTTP/1.1\r\nHost: t\r\n\r\n")
          return ClientBox(client)
        }
        try await eventually("the handler waits") { isWaiting.load(ordering: .relaxed) }
        client.close()
        try await eventually("the handler is cancelled") { wasCancelled.load(ordering: .relaxed) }
        try await eventually("the record says so") { observer.seen.records.first?.outcome == .clientGone }
        #expect(observer.seen.records.first?.status == .clientClosedRequest)
        #expect(observer.seen.failures.isEmpty)
      }
    }
  }

  @Test func `a client that leaves frees its connection even if the handler never ends`() async throws {
    let observer = RecordingObserver()
    let gate = Gate()
    let routes = [
      Route(.get, "/stuck") { _ in
        await gate.wait()
        return "too late"
      }
    ]
    try await withServer(routes, observer: observer) { address, _ in
      let client = try await offPool {
        let client = try TestClient(address)
        try client.send("GET /stuck HTTP/1.1\r\nHost: t\r\n\r\n")
        return ClientBox(client)
      }
      try await eventually("the handler waits") { gate.arrivals == 1 }
      client.close()
      try await eventually("the connection is closed") { observer.seen.closed == [1] }
      // The answer comes after the end and is dropped.
      gate.open()
    }
    #expect(observer.seen.records.map(\.outcome) == [.clientGone])
  }
}
