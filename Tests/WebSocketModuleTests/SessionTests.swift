import EventLoop
import HTTPServer
import Synchronization
import TestSupport
import Testing

@testable import WebSocketModule

/// Clients that behave.
@Suite struct SessionTests {
  @Test func `messages of all sizes come back whole`() async throws {
    try await withHub { port, _, _ in
      try await offPool {
        let client = try RawClient(port)
        for size in [0, 1, 125, 126, 65_535, 65_536, 1 << 20] {
          let payload = [UInt8](repeating: UInt8(ascii: "x"), count: size)
          try client.send(RawClient.text, payload)
          #expect(try client.frame() == RawClient.Frame(opcode: RawClient.text, payload: payload))
        }
        let bytes = (0..<70_000).map { UInt8(truncatingIfNeeded: $0) }
        try client.send(RawClient.binary, bytes)
        #expect(try client.frame() == RawClient.Frame(opcode: RawClient.binary, payload: bytes))
      }
    }
  }

  @Test func `fragments are put together, with a ping between them answered`() async throws {
    try await withHub { port, _, _ in
      try await offPool {
        let client = try RawClient(port)
        try client.send(RawClient.text, Array("grü".utf8.dropLast()), isFinal: false)
        try client.send(RawClient.ping, Array("are you there".utf8))
        try client.send(0, [0xBC], isFinal: false)
        try client.send(0, [], isFinal: false)
        try client.send(0, Array("ße".utf8))
        #expect(try client.frame() == RawClient.Frame(opcode: RawClient.pong, payload: Array("are you there".utf8)))
        #expect(try client.frame().text == "grüße")
      }
    }
  }

  @Test func `frames that come with the handshake, or byte by byte, are read`() async throws {
    try await withHub { port, _, _ in
      try await offPool {
        let client = try RawClient(port)
        for byte in RawClient.frame(RawClient.text, Array("slow".utf8)) { try client.send([byte]) }
        #expect(try client.frame().text == "slow")
        let many = (0..<500).flatMap { RawClient.frame(RawClient.text, Array("\($0)".utf8)) }
        try client.send(many)
        for number in 0..<500 { #expect(try client.frame().text == "\(number)") }
      }
    }
  }

  @Test func `all that comes with the handshake is read, though its pings need answers first`() async throws {
    try await withHub { port, _, _ in
      try await offPool {
        let pings = Array(repeating: RawClient.frame(RawClient.ping, []), count: 1000).flatMap { $0 }
        let client = try RawClient(port, early: pings + RawClient.frame(RawClient.text, Array("hello".utf8)))
        for _ in 0..<1000 { #expect(try client.frame().opcode == RawClient.pong) }
        #expect(try client.frame().text == "hello")
      }
    }
  }

  @Test func `a goodbye is answered with the same code and reaches the application`() async throws {
    let log = SessionLog()
    try await withHub(log: log) { port, hub, _ in
      try await offPool {
        let client = try RawClient(port, "/ws?user=ann")
        try client.send(RawClient.close, [0x0F, 0xA1] + Array("bye".utf8))
        #expect(try client.farewell() == 4001)
      }
      try await eventually("the application hears of it") { log.all == ["open ann", "close ann 4001"] }
      #expect(await hub.connectionCount == 0)
      #expect(hub.counters.closesByCode == [WebSocketCloseCode(rawValue: 4000): 1])
    }
  }

  @Test func `the server's goodbye comes after what was sent before it`() async throws {
    let log = SessionLog()
    try await withHub(
      log: log,
      onMessage: { _, client in
        client.send("first")
        client.send("second")
        client.close(.normal, reason: "enough")
        #expect(client.send("late") == false)
      }
    ) { port, _, _ in
      try await offPool {
        let client = try RawClient(port, "/ws?user=ann")
        try client.send("go")
        #expect(try client.frame().text == "first")
        #expect(try client.frame().text == "second")
        let goodbye = try client.frame()
        #expect(goodbye.code == 1000 && goodbye.payload.dropFirst(2).elementsEqual("enough".utf8))
        try client.send(RawClient.close, [0x03, 0xE8])
        #expect(throws: RawClient.Failure.closed) { try client.frame() }
      }
      try await eventually("the application hears of it") { log.all.last == "close ann 1000" }
    }
  }

  @Test func `a client that never answers a goodbye is dropped`() async throws {
    let log = SessionLog()
    try await withHub({ $0.closeTimeout = .milliseconds(50) }, log: log) { port, hub, _ in
      let client = try await offPool { try RawClient(port, "/ws?user=ann") }
      try await eventually("it is there") { await hub.isOnline("ann") }
      await hub.disconnect("ann", .policyViolation)
      try await eventually("it is gone") { log.all.last == "close ann 1008" }
      #expect(try await offPool { try client.farewell() } == 1008)
    }
  }

  @Test func `a client that is silent is asked, and dropped when it does not answer`() async throws {
    let log = SessionLog()
    try await withHub(
      {
        $0.pingInterval = .milliseconds(50)
        $0.pongTimeout = .seconds(5)
      }, log: log
    ) { port, _, _ in
      // Five pings come only to one who answers.
      let client = try await offPool {
        let client = try RawClient(port, "/ws?user=ann")
        for _ in 0..<5 {
          let ping = try client.frame()
          #expect(ping.opcode == RawClient.ping)
          try client.send(RawClient.pong, ping.payload)
        }
        return client
      }
      try await eventually("it is gone") { log.all.last == "close ann 1006" }
      _ = client
    }
  }

  @Test func `a client that takes long over what it is sent is neither silent nor late with its goodbye`() async throws
  {
    try await withHub({
      $0.maxQueuedBytes = 64 << 20
      // Nobody looks but the test: to another look its times would be far away.
      ($0.pingInterval, $0.pongTimeout, $0.closeTimeout) = (.seconds(40_000), .seconds(40_000), .seconds(40_000))
      $0.longestTick = .seconds(10_000)
    }) { port, hub, _ in
      let client = try await offPool { try RawClient(port, "/ws?user=ann", window: 1 << 18) }
      try await eventually("it is there") { await hub.isOnline("ann") }
      let session = try #require(await hub.connections(of: "ann").first)
      // More than lies between the two: the rest waits for the client.
      let message = WebSocketMessage.binary([UInt8](repeating: 7, count: 48 << 20))
      session.send(message)
      session.close()
      func look(after time: Duration) async {
        await withCheckedContinuation { done in
          session.loop.execute {
            hub.keeper(on: session.loop).look(at: .now + time)
            done.resume()
          }
        }
      }
      // Time to ask whether it is there, and for its goodbye.
      await look(after: .seconds(100_000))
      try await offPool { try client.wait(forBytes: 36 << 20) }
      await look(after: .seconds(200_000))
      try await offPool {
        let (whole, code) = (try client.frame(), try client.farewell())
        #expect(whole.payload.count == message.byteCount)
        #expect(code == 1000)
      }
    }
  }

  @Test func `a stop says goodbye with 1001, to the last of them`() async throws {
    let log = SessionLog()
    try await withHub(log: log) { port, _, server in
      let clients = try await offPool { try (0..<20).map { try RawClient(port, "/ws?user=\($0)") } }
      try await eventually("all are there") { log.all.count == 20 }
      async let codes = offPool {
        try clients.map { client in
          let goodbye = try client.frame()
          try client.send(RawClient.close, Array(goodbye.payload.prefix(2)))
          return goodbye.code
        }
      }
      #expect(await server.stop(grace: .seconds(20)) == 0)
      #expect(try await codes == Array(repeating: 1001, count: 20))
    }
    try await eventually("the application hears of all") { log.all.count { $0.hasSuffix(" 1001") } == 20 }
  }

  @Test func `a stop out of patience closes those that do not answer`() async throws {
    let log = SessionLog()
    // Nobody waits for the goodbye's own patience, which is longer.
    try await withHub({ $0.closeTimeout = .seconds(600) }, log: log) { port, hub, server in
      let client = try await offPool { try RawClient(port, "/ws?user=ann") }
      try await eventually("it is there") { await hub.isOnline("ann") }
      #expect(await server.stop(grace: .milliseconds(20)) == 0)
      #expect(try await offPool { try client.farewell() } == 1001)
      try await eventually("the application hears of it") { log.all.last == "close ann 1001" }
      #expect(await hub.connectionCount == 0)
      #expect(hub.counters.connections.load(ordering: .relaxed) == 0)
    }
  }

  @Test func `the request's record says 101, and HTTP goes on beside it`() async throws {
    try await withHub { port, _, _ in
      try await offPool {
        let client = try RawClient(port)
        #expect(try shell("curl -sS http://127.0.0.1:\(port)/plain") == "plain")
        try client.send("still there")
        #expect(try client.frame().text == "still there")
      }
    }
  }

  @Test func `an error of the application is told, and closes with 1011`() async throws {
    struct Mistake: Error {}
    let log = SessionLog()
    try await withHub(log: log, onMessage: { _, _ in throw Mistake() }) { port, _, _ in
      try await offPool {
        let client = try RawClient(port, "/ws?user=ann")
        try client.send("one")
        try client.send("two")
        #expect(try client.farewell() == 1011)
      }
      try await eventually("all is told") { log.all.last == "close ann 1011" }
      #expect(log.all == ["open ann", "error Mistake()", "close ann 1011"])
    }
  }

  @Test func `a handler that waits makes its client wait, and nobody else`() async throws {
    let isOpen = Atomic<Bool>(false)
    let count = Atomic<Int>(0)
    try await withHub(onMessage: { message, client in
      guard client.user == "ann" else { return _ = client.send(message) }
      while !isOpen.load(ordering: .relaxed) { try await Task.sleep(for: .milliseconds(1)) }
      count.add(1, ordering: .relaxed)
    }) { port, hub, _ in
      let ann = try await offPool { try RawClient(port, "/ws?user=ann") }
      async let sending: Void = offPool { for _ in 0..<20_000 { try ann.send("x") } }
      try await offPool {
        let bob = try RawClient(port, "/ws?user=bob")
        try bob.send("hello")
        #expect(try bob.frame().text == "hello")
      }
      // Read, and waiting in front of the handler: what the library reads at once, which is 4 KiB.
      #expect(hub.counters.received.load(ordering: .relaxed) < 1000)
      isOpen.store(true, ordering: .relaxed)
      try await sending
      try await eventually("all are handled") { count.load(ordering: .relaxed) == 20_000 }
    }
  }
}
