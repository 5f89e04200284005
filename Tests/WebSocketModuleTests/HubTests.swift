import EventLoop
import HTTPServer
import Synchronization
import TestSupport
import Testing

@testable import WebSocketModule

@Suite struct HubTests {
  @Test func `a message to a user reaches all of the user's connections and nobody else`() async throws {
    try await withHub { port, hub, _ in
      let clients = try await offPool { try ["ann", "ann", "bob"].map { try RawClient(port, "/ws?user=\($0)") } }
      try await eventually("all are there") { await hub.connectionCount == 3 }
      #expect(await hub.users == ["ann", "bob"])
      #expect(await hub.connections(of: "ann").map(\.user) == ["ann", "ann"])
      #expect(await hub.send("for ann", to: "ann") == 2)
      #expect(await hub.send("for nobody", to: "carl") == 0)
      #expect(await hub.broadcast("for all") == 3)
      #expect(await hub.broadcast("for bob", except: "ann") == 1)
      try await offPool {
        let expected = [["for ann", "for all"], ["for ann", "for all"], ["for all", "for bob"]]
        for (client, texts) in zip(clients, expected) {
          for text in texts {
            let frame = try client.frame()
            #expect(frame.text == text)
          }
        }
      }
    }
  }

  @Test func `presence tells of the first and of the last connection of a user`() async throws {
    try await withHub { port, hub, _ in
      let early = try await offPool { try RawClient(port, "/ws?user=early") }
      try await eventually("it is there") { await hub.isOnline("early") }
      let (online, events) = await hub.presence()
      #expect(online == ["early"])
      var iterator = events.makeAsyncIterator()
      let first = try await offPool { try RawClient(port, "/ws?user=ann") }
      #expect(await iterator.next() == .online("ann"))
      let second = try await offPool { try RawClient(port, "/ws?user=ann") }
      try await eventually("both are there") { await hub.connections(of: "ann").count == 2 }
      first.abort(hard: false)
      try await eventually("one is left") { await hub.connections(of: "ann").count == 1 }
      second.abort(hard: true)
      #expect(await iterator.next() == .offline("ann"))
      await hub.close()
      #expect(try await offPool { try early.farewell() } == 1001)
      // What came last before the end may be told or not; then the stream is over.
      while let event = await iterator.next() { #expect(event == .offline("early")) }
    }
  }

  @Test func `after its end a hub takes nobody in, and its presence is over at once`() async throws {
    let log = SessionLog()
    try await withHub(log: log) { port, hub, _ in
      await hub.close()
      let code = try await offPool { try RawClient(port).farewell() }
      #expect(code == 1001)
      let (online, events) = await hub.presence()
      #expect(online.isEmpty)
      for await event in events { Issue.record("\(event)") }
      #expect(log.all.isEmpty)
    }
  }

  @Test func `a user above the number of connections is closed with 1008`() async throws {
    let log = SessionLog()
    try await withHub({ $0.maxConnectionsPerUser = 1 }, log: log) { port, hub, _ in
      let first = try await offPool { try RawClient(port, "/ws?user=ann") }
      try await eventually("it is there") { await hub.isOnline("ann") }
      #expect(try await offPool { try RawClient(port, "/ws?user=ann").farewell() } == 1008)
      #expect(await hub.connections(of: "ann").count == 1)
      // The application never heard of the second one.
      #expect(log.all == ["open ann"])
      _ = first
    }
  }

  @Test func `above the number of connections the answer is 503`() async throws {
    try await withHub({ $0.maxConnections = 1 }) { port, hub, _ in
      let first = try await offPool { try RawClient(port) }
      try await eventually("it is there") { await hub.connectionCount == 1 }
      try await offPool {
        do {
          _ = try RawClient(port)
          Issue.record("a second connection was let in")
        } catch RawClient.Failure.refused(let answer) {
          #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("Retry-After: 10\r\n"))
        }
      }
      _ = first
    }
  }

  @Test func `of handshakes at the same time no more get through than there is room for`() throws {
    let counters = HubCounters()
    var first = Seat.take(counters, limit: 2)
    let second = try #require(Seat.take(counters, limit: 2))
    #expect(Seat.take(counters, limit: 2) == nil)
    second.leave()
    second.leave()
    #expect(first != nil)
    first = nil
    #expect(counters.seats.load(ordering: .relaxed) == 0)
  }

  @Test func `a handshake whose upgrade is still to come takes its place`() async throws {
    var configuration = HubConfiguration()
    configuration.maxConnections = 1
    let hub = Hub(configuration: configuration)
    let loop = try EventLoop()
    let server = try HTTPServer(
      configuration: HTTPServerConfiguration(address: .ip(host: "127.0.0.1", port: 0)),
      routes: [Route.webSocket("/ws", hub: hub) { _ in "ann" }], loop: loop)
    let handshake = HTTPRequest(
      .get, "/ws",
      headers: [
        "Host": "example.com", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
      ])
    var answer: HTTPResponse? = await server.respond(to: handshake)
    #expect(answer?.status == .switchingProtocols)
    #expect(await server.respond(to: handshake).status == .serviceUnavailable)
    // An answer that is thrown away gives its place back.
    answer = nil
    #expect(await server.respond(to: handshake).status == .switchingProtocols)
    await loop.stop()
  }

  @Test func `of a connection that has ended nothing waits, also behind a goodbye that was never sent`() async throws {
    let loop = try EventLoop()
    let client = HubClient(
      user: "ann", id: 1, remoteAddress: "", subprotocol: nil, configuration: HubConfiguration(),
      counters: HubCounters(), loop: loop)
    #expect(client.send("news"))
    client.close()
    #expect(client.queuedMessages == 1)
    client.end()
    #expect(client.queuedMessages == 0)
    #expect(client.closingCode == .normal)
    await loop.stop()
  }

  @Test func `messages sent from many threads at once all arrive, in the order of each sender`() async throws {
    try await withHub({ $0.maxQueuedMessages = 100_000 }) { port, hub, _ in
      let client = try await offPool { try RawClient(port, "/ws?user=ann") }
      try await eventually("it is there") { await hub.isOnline("ann") }
      let ann = try #require(await hub.connections(of: "ann").first)
      async let sending: Void = withTaskGroup { group in
        for sender in 0..<4 {
          group.addTask { for number in 0..<1000 { ann.send(.text("\(sender) \(number)")) } }
        }
      }
      try await offPool {
        var next = [0, 0, 0, 0]
        for _ in 0..<4000 {
          let parts = try client.frame().text.split(separator: " ").compactMap { Int($0) }
          #expect(next[parts[0]] == parts[1])
          next[parts[0]] += 1
        }
        #expect(next == [1000, 1000, 1000, 1000])
      }
      await sending
    }
  }

  @Test func `five thousand idle clients take less than 100 MB, and all are reached`() async throws {
    try raiseDescriptorLimit()
    let count = 5000
    let server = try HelperProcess("hub-holder", "\(count)")
    let port = try #require(await server.line().flatMap { Int($0) })
    let clients = try await offPool { try (0..<count).map { try RawClient(port, "/ws?user=\($0 / 2)") } }
    let growth = try #require(await server.line().flatMap { Int($0) })
    #expect(growth > 0 && growth < 100_000_000, "\(growth)")
    try await offPool {
      for client in clients {
        let frame = try client.frame()
        #expect(frame.text == "all of you")
        try client.send(RawClient.close, [0x03, 0xE8])
      }
    }
    #expect(await server.exitCode() == 0)
  }
}
