import EventLoop
import FoundationEssentials
import Glibc
import HTTPServer
import Synchronization
import TestSupport
import Testing

/// Starting and stopping.
@Suite struct StopTests {
  private func anyPort() -> HTTPServerConfiguration {
    HTTPServerConfiguration(address: .ip(host: "127.0.0.1", port: 0))
  }

  @Test func `a port in use is an error that says what to do`() async throws {
    try await withServer([]) { address, _ in
      let loop = try EventLoop()
      let second = try HTTPServer(configuration: HTTPServerConfiguration(address: address), routes: [], loop: loop)
      let error = await #expect(throws: HTTPServerError.self) { try await second.start() }
      #expect(error?.code == .addressInUse)
      #expect(error?.description.hasPrefix("cannot listen on \(address): address already in use; ") == true)
      await second.stop()
      await loop.stop()
    }
  }

  @Test(arguments: [
    ("not-an-address", 0, HTTPServerError.Code.invalidAddress), ("127.0.0.1", 70_000, .invalidAddress),
    ("192.0.2.1", 0, .cannotListen),
  ])
  func `an address that cannot be is an error`(host: String, port: Int, code: HTTPServerError.Code) async throws {
    let loop = try EventLoop()
    let configuration = HTTPServerConfiguration(address: .ip(host: host, port: port))
    let server = try HTTPServer(configuration: configuration, routes: [], loop: loop)
    let error = await #expect(throws: HTTPServerError.self) { try await server.start() }
    #expect(error?.code == code)
    await loop.stop()
  }

  @Test func `a start for which there are not enough descriptors says so, and what to do`() async {
    await #expect(processExitsWith: .success) {
      let loop = try EventLoop()
      // One for the socket, two for the library: each is missing once.
      let free = (0..<3).map { _ in dup(0) }
      for descriptor in free { close(descriptor) }
      for descriptor in free {
        var limit = rlimit()
        try #require(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
        limit.rlim_cur = rlim_t(descriptor)
        try #require(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
        let configuration = HTTPServerConfiguration(address: .ip(host: "127.0.0.1", port: 0))
        let server = try HTTPServer(configuration: configuration, routes: [], loop: loop)
        let error = await #expect(throws: HTTPServerError.self) { try await server.start() }
        let text = error?.description ?? ""
        #expect(text.contains(": Too many open files; raise the limit of open files (ulimit -n"), "\(text)")
      }
    }
  }

  @Test func `a start that fails leaves no socket file behind`() async throws {
    let path = "/tmp/keel-http-\(UUID().uuidString.prefix(8)).sock"
    var configuration = HTTPServerConfiguration(address: .unix(path: path))
    configuration.tls = .init(certificateChain: "none", privateKey: "none")
    let loop = try EventLoop()
    let server = try HTTPServer(configuration: configuration, routes: [], loop: loop)
    let error = await #expect(throws: HTTPServerError.self) { try await server.start() }
    #expect(error?.code == .cannotStart)
    #expect(!FileManager.default.fileExists(atPath: path))
    await loop.stop()
  }

  @Test func `a socket file left behind is replaced, one in use and a plain file are not`() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "keel-http-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appending(path: "s").path
    let configuration = HTTPServerConfiguration(address: .unix(path: path))
    let loop = try EventLoop()
    leaveSocketBehind(path)
    let first = try HTTPServer(configuration: configuration, routes: [Route(.get, "/") { _ in "first" }], loop: loop)
    try await first.start()
    let second = try HTTPServer(configuration: configuration, routes: [], loop: loop)
    let inUse = await #expect(throws: HTTPServerError.self) { try await second.start() }
    #expect(inUse?.code == .addressInUse)
    #expect(try await offPool { try TestClient(.unix(path: path)).request("GET", "/").text } == "first")
    await first.stop()
    try "plain".write(toFile: path, atomically: true, encoding: .utf8)
    let third = try HTTPServer(configuration: configuration, routes: [], loop: loop)
    let inTheWay = await #expect(throws: HTTPServerError.self) { try await third.start() }
    #expect(inTheWay?.code == .cannotListen)
    await loop.stop()
  }

  @Test func `a server whose socket file was removed leaves alone that of the one which came after it`() async throws {
    let path = "/tmp/keel-http-\(UUID().uuidString.prefix(8)).sock"
    let configuration = HTTPServerConfiguration(address: .unix(path: path))
    let loop = try EventLoop()
    let first = try HTTPServer(configuration: configuration, routes: [], loop: loop)
    try await first.start()
    try FileManager.default.removeItem(atPath: path)
    let second = try HTTPServer(configuration: configuration, routes: [Route(.get, "/") { _ in "second" }], loop: loop)
    try await second.start()
    await first.stop()
    #expect(try await offPool { try TestClient(.unix(path: path)).request("GET", "/").text } == "second")
    await second.stop()
    #expect(!FileManager.default.fileExists(atPath: path))
    await loop.stop()
  }

  @Test func `patience without end is no trap`() async throws {
    try await withServer(
      [Route(.get, "/") { _ in "ok" }],
      configure: {
        $0.idleTimeout = .seconds(Int64.max)
        $0.readTimeout = .zero
      }
    ) { address, _ in
      let answer = try await offPool { try TestClient(address).request("GET", "/").text }
      #expect(answer == "ok")
    }
  }

  @Test func `a server starts once`() async throws {
    try await withServer([]) { _, server in
      let error = await #expect(throws: HTTPServerError.self) { try await server.start() }
      #expect(error?.code == .alreadyStarted)
    }
  }

  @Test func `stop without start does nothing, and twice is once`() async throws {
    let loop = try EventLoop()
    let server = try HTTPServer(configuration: anyPort(), routes: [], loop: loop)
    #expect(await server.stop() == 0)
    #expect(await server.stop() == 0)
    let error = await #expect(throws: HTTPServerError.self) { try await server.start() }
    #expect(error?.code == .alreadyStarted)
    await loop.stop()
  }

  @Test func `a graceful stop lets requests finish and takes no new ones`() async throws {
    let gate = Gate()
    let routes = [
      Route(.get, "/slow") { _ in
        await gate.wait()
        return "done"
      }
    ]
    try await withServer(routes) { address, server in
      async let answer = offPool { try TestClient(address).request("GET", "/slow") }
      try await eventually("the handler waits") { gate.arrivals == 1 }
      async let first = server.stop(grace: .seconds(30))
      async let second = server.stop(grace: .seconds(30))
      try await eventuallyRefused(address)
      gate.open()
      #expect(try await answer.text == "done")
      #expect(try await answer.headers["connection"]?.lowercased() == "close")
      #expect(await first == 0)
      #expect(await second == 0)
    }
  }

  @Test func `a request that comes in the very run in which the last one ends is answered too`() async throws {
    let (first, second) = (Gate(), Gate())
    let descriptor = Mutex<Int32>(-1)
    let loop = try EventLoop()
    let routes = [
      Route(.get, "/first") { _ in
        await first.wait()
        // The library makes the head of our answer in one run and sends it in the next: between the two.
        loop.execute {
          loop.execute {
            _ = "GET /second HTTP/1.1\r\nHost: test\r\n\r\n".withCString { text in
              send(descriptor.withLock { $0 }, text, strlen(text), Int32(MSG_NOSIGNAL))
            }
          }
        }
        return "first"
      },
      Route(.get, "/second") { _ in
        await second.wait()
        return "second"
      },
    ]
    let server = try HTTPServer(configuration: anyPort(), routes: routes, loop: loop)
    let address = try await server.start()
    let other = try await offPool {
      let client = try TestClient(address)
      _ = try client.request("GET", "/")
      descriptor.withLock { $0 = client.descriptor }
      return ClientBox(client)
    }
    async let answer = offPool { try TestClient(address).request("GET", "/first").text }
    try await eventually("the handler waits") { first.arrivals == 1 }
    async let cutOff = server.stop(grace: .seconds(60))
    try await eventuallyRefused(address)
    first.open()
    #expect(try await answer == "first")
    try await eventually("the other handler waits") { second.arrivals == 1 }
    second.open()
    #expect(try await offPool { try other.use { try $0.response().text } } == "second")
    #expect(await cutOff == 0)
    await loop.stop()
  }

  @Test func `a stop out of patience cancels handlers and answers 503`() async throws {
    let observer = RecordingObserver()
    let isWaiting = Atomic<Bool>(false)
    let routes = [
      Route(.get, "/slow") { _ -> String in
        isWaiting.store(true, ordering: .relaxed)
        try await Task.sleep(for: .seconds(60))
        return "never"
      }
    ]
    try await withServer(routes, observer: observer) { address, server in
      async let answer = offPool { try TestClient(address).request("GET", "/slow") }
      try await eventually("the handler waits") { isWaiting.load(ordering: .relaxed) }
      #expect(await server.stop(grace: .milliseconds(20)) == 1)
      #expect(try await answer.status == 503)
      #expect(observer.seen.records.map(\.outcome) == [.cutOff])
      #expect(observer.seen.records.map(\.status) == [.serviceUnavailable])
      #expect(await server.stop() == 1)
    }
  }

  @Test func `a stop does not wait for a handler that never ends`() async throws {
    let gate = Gate()
    let routes = [
      Route(.get, "/stuck") { _ in
        await gate.wait()
        return "too late"
      }
    ]
    try await withServer(routes) { address, server in
      async let answers = withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<20 {
          group.addTask { try await offPool { try TestClient(address).request("GET", "/stuck").status } }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      try await eventually("the handlers wait") { gate.arrivals == 20 }
      #expect(await server.stop(grace: .zero) == 20)
      #expect(try await answers == Array(repeating: 503, count: 20))
      gate.open()
    }
  }

  @Test func `a stop cuts off half a body, and closes idle connections`() async throws {
    let observer = RecordingObserver()
    let routes = [Route(.post, "/echo") { request in HTTPResponse(request.body) }]
    try await withServer(routes, observer: observer) { address, server in
      let idle = try await offPool {
        let client = try TestClient(address)
        #expect(try client.request("POST", "/echo", body: "a").text == "a")
        return ClientBox(client)
      }
      let half = try await offPool {
        let client = try TestClient(address)
        try client.send("POST /echo HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n")
        #expect(try client.response().status == 100)
        try client.send("12345")
        return ClientBox(client)
      }
      #expect(await server.stop(grace: .zero) == 1)
      #expect(observer.seen.records.map(\.outcome) == [.answered, .cutOff])
      #expect(observer.seen.closed.count == 2)
      idle.close()
      half.close()
    }
  }

  @Test func `a request that is read while the last answers go out is refused, not begun`() async throws {
    let loop = try EventLoop()
    let gate = Gate()
    let routes = [
      Route(.get, "/slow") { _ in
        await gate.wait()
        return "too late"
      }
    ]
    let server = try HTTPServer(configuration: anyPort(), routes: routes, loop: loop)
    let address = try await server.start()
    let first = try await offPool {
      let client = try TestClient(address)
      try client.send("GET /slow HTTP/1.1\r\nHost: t\r\n\r\n")
      return ClientBox(client)
    }
    let second = try await offPool {
      let client = try TestClient(address)
      #expect(try client.request("GET", "/none").status == 404)
      return ClientBox(client)
    }
    try await eventually("a handler waits") { gate.arrivals == 1 }
    // Sent by the loop's own thread just before the patience ends, so that nothing looks at the socket in between: the two
    // timers are set in one round of work, the second by the stop.
    let stop = await withCheckedContinuation { continuation in
      loop.execute {
        loop.execute {
          loop.schedule(after: .zero) { second.use { try? $0.send("GET /slow HTTP/1.1\r\nHost: t\r\n\r\n") } }
        }
        continuation.resume(returning: Task.immediate { await server.stop(grace: .zero) })
      }
    }
    #expect(await stop.value >= 1)
    #expect(gate.arrivals == 1)
    gate.open()
    first.close()
    second.close()
    await loop.stop()
  }

  @Test func `a server whose loop was stopped first still stops, and does not start`() async throws {
    let gate = Gate()
    let routes = [
      Route(.get, "/slow") { _ in
        await gate.wait()
        return "too late"
      }
    ]
    let loop = try EventLoop()
    let server = try HTTPServer(configuration: anyPort(), routes: routes, loop: loop)
    let never = try HTTPServer(configuration: anyPort(), routes: routes, loop: loop)
    let address = try await server.start()
    async let answer = offPool { try TestClient(address).request("GET", "/slow").status }
    try await eventually("the handler waits") { gate.arrivals == 1 }
    await loop.stop()
    #expect(await server.stop(grace: .seconds(60)) == 1)
    #expect(await server.stop(grace: .seconds(60)) == 1)
    #expect(try await answer == 503)
    let error = await #expect(throws: HTTPServerError.self) { try await never.start() }
    #expect(error?.code == .cannotStart)
    #expect(await never.stop() == 0)
    try await eventuallyRefused(address)
    gate.open()
  }

  @Test func `a child that is being started and holds copies of descriptors does not keep the port`() async throws {
    let loop = try EventLoop()
    let server = try HTTPServer(
      configuration: HTTPServerConfiguration(address: .ip(host: "127.6.7.9", port: 0)), routes: [], loop: loop)
    let address = try await server.start()
    let copy = dup(try #require(descriptor(listeningAt: address)))
    await server.stop()
    let again = try HTTPServer(configuration: HTTPServerConfiguration(address: address), routes: [], loop: loop)
    #expect(try await again.start() == address)
    await again.stop()
    close(copy)
    await loop.stop()
  }

  /// The descriptor of this process that is bound there.
  private func descriptor(listeningAt address: HTTPServerAddress) -> Int32? {
    guard case .ip(let host, let port) = address else { return nil }
    return sockets(of: host).first { $0.port == port }?.descriptor
  }

  /// The process' sockets that are bound to an address, listening and accepted ones.
  @Sendable private func sockets(of host: String) -> [(descriptor: Int32, port: Int)] {
    // Other tests have thousands of descriptors.
    (Int32(3)..<30_000).compactMap { descriptor in
      var bound = sockaddr_in()
      var length = socklen_t(MemoryLayout.size(ofValue: bound))
      let status = withUnsafeMutablePointer(to: &bound) { bound in
        bound.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
      }
      guard status == 0, bound.sin_family == sa_family_t(AF_INET), bound.sin_addr.s_addr == inet_addr(host) else {
        return nil
      }
      return (descriptor, Int(UInt16(bigEndian: bound.sin_port)))
    }
  }

  @Test func `starting and stopping leaks no descriptor`() async throws {
    let loop = try EventLoop()
    // An address of this test alone: on 127.0.0.1 a client of another test may get the port between stop and start.
    let anyPort = HTTPServerConfiguration(address: .ip(host: "127.6.7.8", port: 0))
    func cycle() async throws {
      let server = try HTTPServer(
        configuration: anyPort,
        routes: [
          Route(.get, "/") { _ in
            await Task.yield()
            return "ok"
          }
        ], loop: loop)
      let address = try await server.start()
      #expect(try await offPool { try TestClient(address).request("GET", "/").text } == "ok")
      await server.stop()
      // The port is free again at once.
      let again = try HTTPServer(configuration: HTTPServerConfiguration(address: address), routes: [], loop: loop)
      try await again.start()
      await again.stop()
    }
    for _ in 0..<100 { try await cycle() }
    await loop.stop()
    try await eventually("the descriptors are closed") { sockets(of: "127.6.7.8").isEmpty }
  }

  @Test func `a stopped server is let go of, whatever became of its requests`() async throws {
    weak var observer: RecordingObserver?
    do {
      let recorder = RecordingObserver()
      observer = recorder
      try await leaveRequestsBehind(recorder)
      #expect(recorder.seen.records.count == 4)
    }
    try await eventually("nobody holds the observer") { [weak observer] in observer == nil }
  }

  /// Requests that are answered, streamed, cut off in a handler and cut off in a stream.
  private func leaveRequestsBehind(_ observer: RecordingObserver) async throws {
    let routes = [
      Route(.get, "/now") { _ in "now" },
      Route(.get, "/stream") { _ in
        HTTPResponse.stream(contentType: "text/plain") { try await $0.write("streamed") }
      },
      Route(.get, "/slow") { _ in
        try await Task.sleep(for: .seconds(60))
        return "never"
      },
      Route(.get, "/events") { _ in
        HTTPResponse.stream(contentType: "text/plain") { writer in
          try await writer.write("first")
          try await Task.sleep(for: .seconds(60))
        }
      },
    ]
    try await withServer(routes, observer: observer) { address, server in
      let clients = try await offPool {
        let client = try TestClient(address)
        #expect(try client.request("GET", "/now").text == "now")
        #expect(try client.request("GET", "/stream").text == "streamed")
        try client.send("GET /slow HTTP/1.1\r\nHost: t\r\n\r\n")
        let other = try TestClient(address)
        try other.send("GET /events HTTP/1.1\r\nHost: t\r\n\r\n")
        #expect(other.pause(milliseconds: 5000))
        return [ClientBox(client), ClientBox(other)]
      }
      #expect(await server.stop(grace: .zero) == 2)
      for client in clients { client.close() }
    }
  }

  /// What a process leaves that was killed.
  private func leaveSocketBehind(_ path: String) {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let status = withUnsafePointer(to: &address) { address in
      address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    #expect(status == 0)
    close(descriptor)
  }

  private func eventuallyRefused(_ address: HTTPServerAddress) async throws {
    try await eventually("new connections are refused") {
      (try? TestClient(address)) == nil
    }
  }
}
