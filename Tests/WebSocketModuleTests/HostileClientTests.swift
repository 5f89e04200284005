import Glibc
import HTTPServer
import Synchronization
import TestSupport
import Testing

@testable import WebSocketModule

/// Clients that break the rules, stall or leave.
@Suite struct HostileClientTests {
  @Test(arguments: [
    ("an unmasked frame", RawClient.frame(1, [65], masked: false), 1002),
    ("a reserved bit", RawClient.frame(1, [65], reserved: 4), 1002),
    ("an unknown opcode", RawClient.frame(3, [65]), 1002),
    ("a continuation of nothing", RawClient.frame(0, [65]), 1002),
    ("a message inside a fragmented one", RawClient.frame(1, [65], isFinal: false) + RawClient.frame(1, [65]), 1002),
    ("a fragmented ping", RawClient.frame(9, [], isFinal: false), 1002),
    ("a ping that is too long", RawClient.frame(9, [UInt8](repeating: 65, count: 126)), 1002),
    ("a fragmented ping behind a whole one", RawClient.frame(9, [65]) + RawClient.frame(9, [], isFinal: false), 1002),
    ("text that is not UTF-8", RawClient.frame(1, [0xC3, 0x28]), 1007),
    ("text that ends in the middle of a letter", RawClient.frame(1, [0xC3]), 1007),
    ("a surrogate", RawClient.frame(1, [0xED, 0xA0, 0x80]), 1007),
    ("a goodbye whose reason is not UTF-8", RawClient.frame(8, [3, 232, 0xFF]), 1007),
    ("a goodbye with a code that may not be sent", RawClient.frame(8, [3, 237]), 1002),
    ("a message above the limit", RawClient.frame(2, [UInt8](repeating: 0, count: 2000)), 1009),
    ("the announcement of a huge one", RawClient.frame(2, [0], length: 1 << 62), 1009),
    (
      "fragments above the limit together",
      RawClient.frame(2, [UInt8](repeating: 0, count: 900), isFinal: false)
        + RawClient.frame(0, [UInt8](repeating: 0, count: 900)), 1009
    ),
    (
      "a thousand fragments and more",
      RawClient.frame(2, [], isFinal: false) + (0..<1100).flatMap { _ in RawClient.frame(0, [], isFinal: false) }, 1008
    ),
  ])
  func `a broken rule is answered with its code`(name: String, bytes: [UInt8], code: Int) async throws {
    let log = SessionLog()
    try await withHub({ $0.maxMessageBytes = 1000 }, log: log) { port, hub, _ in
      try await offPool {
        let client = try RawClient(port, "/ws?user=ann")
        try client.send(bytes)
        #expect(try client.farewell() == code, "\(name)")
      }
      try await eventually("the application hears of it") { log.all == ["open ann", "close ann \(code)"] }
      #expect(await hub.connectionCount == 0)
    }
  }

  @Test(arguments: [false, true])
  func `a client that vanishes is gone, with 1006`(hard: Bool) async throws {
    let log = SessionLog()
    try await withHub(log: log) { port, hub, _ in
      try await offPool {
        let client = try RawClient(port, "/ws?user=ann")
        try client.send([0x81])
        client.abort(hard: hard)
      }
      try await eventually("the application hears of it") { log.all == ["open ann", "close ann 1006"] }
      #expect(await hub.connectionCount == 0)
    }
  }

  @Test func `a client that resets while its messages wait in front of the handler is gone at once`() async throws {
    let isOpen = Atomic<Bool>(false)
    try await withHub(onMessage: { _, _ in
      while !isOpen.load(ordering: .relaxed) { try await Task.sleep(for: .milliseconds(1)) }
    }) { port, hub, _ in
      try await offPool {
        let client = try RawClient(port, "/ws?user=ann")
        for _ in 0..<2000 { try client.send("x") }
        client.abort(hard: true)
      }
      try await eventually("the session is over") { hub.counters.connections.load(ordering: .relaxed) == 0 }
      isOpen.store(true, ordering: .relaxed)
    }
  }

  @Test func `a client that does not read is closed with 1008, and the others are not held up`() async throws {
    let log = SessionLog()
    try await withHub(
      {
        $0.maxQueuedMessages = 16
        $0.closeTimeout = .milliseconds(50)
      }, log: log
    ) { port, hub, _ in
      let (slow, quick) = try await offPool {
        (try RawClient(port, "/ws?user=slow", window: 4096), try RawClient(port, "/ws?user=quick"))
      }
      try await eventually("both are there") { await hub.users == ["slow", "quick"] }
      let piece = WebSocketMessage.binary([UInt8](repeating: 7, count: 64 << 10))
      var sent = 0
      while await hub.isOnline("slow") {
        await hub.broadcast(piece)
        sent += 1
        // The quick one reads what it gets before the next comes.
        _ = try await offPool { try quick.frame() }
        guard sent < 10_000 else { break }
      }
      try await eventually("the slow one is gone") { log.all.contains("close slow 1008") }
      #expect(await hub.isOnline("quick"))
      #expect(hub.counters.slow.load(ordering: .relaxed) == 1)
      _ = slow
    }
  }

  private static let endings = [
    ("a broken rule", RawClient.frame(3, [65]), 1006), ("a goodbye", RawClient.frame(8, [0x0F, 0xA1]), 4001),
  ]

  /// A client that has sent much to an echo, and takes nothing back.
  private func stuckClient(_ port: Int, _ hub: Hub) async throws -> RawClient {
    let client = try await offPool {
      let client = try RawClient(port, "/ws?user=ann", window: 4096)
      let piece = RawClient.frame(2, [UInt8](repeating: 7, count: 600_000))
      for _ in 0..<12 { try client.send(piece) }
      return client
    }
    try await eventually("all is read") { hub.counters.received.load(ordering: .relaxed) == 12 }
    return client
  }

  @Test(arguments: endings)
  func `the end of a client that takes nothing has a limit`(name: String, last: [UInt8], code: Int) async throws {
    let log = SessionLog()
    try await withHub(
      {
        $0.closeTimeout = .milliseconds(50)
        $0.maxQueuedBytes = 64 << 20
      }, log: log
    ) { port, hub, _ in
      let client = try await stuckClient(port, hub)
      try await offPool { try client.send(last) }
      try await eventually("\(name) has its end") { log.all.last == "close ann \(code)" }
      #expect(await hub.connectionCount == 0)
    }
  }

  @Test(arguments: endings)
  func `what comes after the end of a client that takes nothing costs no time`(
    name: String, last: [UInt8], code: Int
  ) async throws {
    let clock = ThreadClock()
    try await withHub(
      {
        $0.closeTimeout = .seconds(600)
        $0.maxQueuedBytes = 64 << 20
      },
      onMessage: { message, client in
        clock.belongsHere()
        client.send(message)
      }
    ) { port, hub, _ in
      let client = try await stuckClient(port, hub)
      // Nobody reads this, and the loop is told of it for as long as it asks.
      try await offPool { try client.send(last + [UInt8](repeating: 90, count: 100_000)) }
      try await eventually("the loop has nothing to do after \(name)") {
        let before = clock.reading
        try? await Task.sleep(for: .milliseconds(500))
        return clock.reading - before < .milliseconds(20)
      }
      _ = client
    }
  }

  @Test func `a session that ends inside its handler does not read from its descriptor's next owner`() async throws {
    let (isHeld, isFree) = (Flag(), Flag())
    let sockets = Mutex<[Int32]>([])
    try await withHub(
      { $0.maxQueuedMessages = 1 },
      onMessage: { message, client in
        guard message == "last" else {
          isHeld.set()
          while !isFree.isSet { usleep(1000) }
          return
        }
        // The queue is full at once, and what empties it finds the client gone.
        while client.send("answer") {}
        sockets.withLock { $0 = Self.socketsWithAByte() }
      }
    ) { port, hub, _ in
      try await offPool {
        let client = try RawClient(port)
        try client.send("hold")
        while !isHeld.isSet { usleep(1000) }
        try client.send("last")
        client.abort(hard: true)
        isFree.set()
      }
      try await eventually("the handler is through") { sockets.withLock { !$0.isEmpty } }
      try await eventually("the session is over") { hub.counters.connections.load(ordering: .relaxed) == 0 }
    }
    for socket in sockets.withLock({ $0 }) {
      var byte: UInt8 = 0
      #expect(recv(socket, &byte, 1, Int32(MSG_DONTWAIT)) == 1)
      close(socket)
    }
  }

  /// They get the lowest numbers that are free: that of a descriptor just closed is among them.
  private static func socketsWithAByte() -> [Int32] {
    (0..<8).flatMap { _ in
      var pair: [Int32] = [-1, -1]
      socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC | O_NONBLOCK, 0, &pair)
      for socket in pair { send(socket, [7], 1, Int32(MSG_NOSIGNAL)) }
      return pair
    }
  }

  @Test func `a flood of pings by a client that does not read is not answered without end`() async throws {
    try await withHub { port, _, _ in
      let ping = RawClient.frame(9, [UInt8](repeating: 1, count: 125))
      let flood = Array(repeating: ping, count: 1000).flatMap { $0 }
      let flooder = try await offPool {
        // Until nobody takes it any more: what is not read fills the buffers of both sides.
        let client = try RawClient(port, "/ws?user=flood", patience: 1, window: 4096)
        #expect(throws: RawClient.Failure.timedOut) { for _ in 0..<10_000 { try client.send(flood) } }
        return client
      }
      try await offPool {
        let client = try RawClient(port)
        try client.send("still here?")
        #expect(try client.frame().text == "still here?")
      }
      _ = flooder
    }
  }

  @Test func `random bytes never bring the server down`() async throws {
    try await withHub { port, _, _ in
      try await offPool {
        for _ in 0..<100 {
          let client = try RawClient(port, patience: 2)
          var bytes = (0..<Int.random(in: 1...400)).map { _ in UInt8.random(in: 0...255) }
          // Half of them look sound at first.
          if Bool.random() { (bytes[0], bytes[bytes.count > 1 ? 1 : 0]) = (0x81, .random(in: 0x80...0xFF)) }
          try? client.send(bytes)
        }
        let client = try RawClient(port)
        try client.send("still here?")
        #expect(try client.frame().text == "still here?")
      }
    }
  }
}
