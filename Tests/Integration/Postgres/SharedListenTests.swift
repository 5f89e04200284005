import DatabaseTesting
import EmbeddedPostgres
import EventLoop
import Postgres
import StructuredLogging
import Synchronization
import Testing

/// Many listeners of one pool, which share its listening connection.
// Not behind a pooler: LISTEN belongs to a session.
@Suite struct SharedListenTests {
  /// A reader in a task of its own, and what it was told.
  private final class Reader: Sendable {
    private let told = Mutex<[PostgresListener.Element]>([])
    private let task = Mutex<Task<Void, any Error>?>(nil)

    init(_ pool: PostgresPool, _ channel: String) {
      let listener = pool.listen(to: channel)
      task.withLock { task in
        task = Task { for try await event in listener { self.told.withLock { $0.append(event) } } }
      }
    }

    var events: [PostgresListener.Element] { told.withLock { $0 } }
    var payloads: [String] {
      events.compactMap { event in if case .notification(let notification) = event { notification.payload } else { nil }
      }
    }

    func cancel() { task.withLock { $0 }?.cancel() }
    func value() async throws { try await task.withLock { $0 }?.value }
  }

  /// The server's sessions whose last statement was a LISTEN or an UNLISTEN.
  private func listening(_ pool: PostgresPool) async throws -> [String] {
    try await pool.all(
      "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND query ~ '^(UN)?LISTEN'",
      as: String.self)
  }

  private func disconnect(_ pool: PostgresPool) async throws {
    try await pool.execute(
      """
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND query ~ '^(UN)?LISTEN'
      """)
  }

  private func next(_ events: inout PostgresListener.AsyncIterator) async throws -> String {
    switch try await events.next() {
    case .listening: "listening"
    case .gap: "gap"
    case .notification(let notification): notification.payload
    case nil: "end"
    }
  }

  @Test func `a reset moves the listeners to a new connection, with a gap`() async throws {
    try await withTestDatabase { pool in
      var events = pool.listen(to: "moves").makeAsyncIterator()
      #expect(try await next(&events) == "listening")
      let process: SQL = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query ~ '^LISTEN'"
      let before: Int32 = try await pool.one(process)
      pool.reset()
      #expect(try await next(&events) == "gap")
      try await until { try await !pool.all(process, as: Int32.self).contains(before) }
      try await pool.execute("SELECT pg_notify('moves', 'on')")
      #expect(try await next(&events) == "on")
    }
  }

  @Test func `hundreds of listeners share one connection, and each is told what its channel says, in order`()
    async throws
  {
    try await withTestDatabase { pool in
      let readers = (0..<300).map { Reader(pool, "channel \($0 % 30)") }
      try await until { readers.allSatisfy { $0.events == [.listening] } }
      #expect(try await listening(pool).count == 1)
      try await pool.execute(
        "SELECT pg_notify('channel ' || n % 30, n::text) FROM generate_series(0, 299) n ORDER BY n")
      try await until { readers.allSatisfy { $0.payloads.count == 10 } }
      for (index, reader) in readers.enumerated() {
        #expect(reader.payloads == (0..<10).map { "\($0 * 30 + index % 30)" })
      }
      for reader in readers { reader.cancel() }
      for reader in readers { await #expect(throws: CancellationError.self) { try await reader.value() } }
      try await until { try await listening(pool).isEmpty }
    }
  }

  @Test func `listeners that come and go leave no connection behind, and miss nothing in between`() async throws {
    try await withTestDatabase { pool in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<20 {
          group.addTask {
            for round in 0..<20 {
              // Some alone on their channel, some beside others that come and go.
              let channel = number % 2 == 0 ? "shared" : "own \(number)"
              var events = pool.listen(to: channel).makeAsyncIterator()
              #expect(try await events.next() == .listening)
              let payload = "\(number) \(round)"
              try await pool.notify(channel, payload)
              while let event = try await events.next() {
                if case .notification(let notification) = event, notification.payload == payload { break }
                #expect(event != .gap)
              }
            }
          }
        }
        try await group.waitForAll()
      }
      try await until { try await listening(pool).isEmpty }
    }
  }

  @Test func `the last listener of a channel has the server told, while others go on`() async throws {
    try await withTestDatabase { pool in
      var orders = pool.listen(to: "orders").makeAsyncIterator()
      #expect(try await next(&orders) == "listening")
      do {
        var users = pool.listen(to: "users").makeAsyncIterator()
        var moreUsers = pool.listen(to: "users").makeAsyncIterator()
        #expect(try await next(&users) == "listening")
        #expect(try await next(&moreUsers) == "listening")
        #expect(try await listening(pool) == ["LISTEN \"users\""])
      }
      try await until { try await listening(pool) == ["UNLISTEN \"users\""] }
      var users = pool.listen(to: "users").makeAsyncIterator()
      #expect(try await next(&users) == "listening")
      try await pool.notify("users", "1")
      try await pool.notify("orders", "2")
      #expect(try await next(&users) == "1")
      #expect(try await next(&orders) == "2")
    }
  }

  @Test func `when the connection is lost every listener is told of the gap, and listens again`() async throws {
    try await withTestDatabase { pool in
      let readers = (0..<40).map { Reader(pool, "channel \($0)") }
      try await until { readers.allSatisfy { $0.events == [.listening] } }
      for round in 1...3 {
        try await disconnect(pool)
        try await until { readers.allSatisfy { $0.events.filter { $0 == .gap }.count == round } }
        for index in 0..<40 { try await pool.notify("channel \(index)", "\(round)") }
        try await until { readers.allSatisfy { $0.payloads.count == round } }
      }
      for reader in readers { reader.cancel() }
    }
  }

  @Test func `a slow reader holds up nobody, and is told what it missed`() async throws {
    try await withTestDatabase { pool in
      var slow = pool.listen(to: "orders").makeAsyncIterator()
      #expect(try await next(&slow) == "listening")
      let quick = Reader(pool, "orders")
      try await until { quick.events == [.listening] }
      let sent = PostgresListener.bufferSize * 3
      for part in 0..<30 {
        let first = part * sent / 30
        try await pool.execute(
          "SELECT pg_notify('orders', n::text) FROM generate_series(\(first), \(first + sent / 30 - 1)) n")
        try await until { quick.payloads.count == first + sent / 30 }
      }
      #expect(!quick.events.contains(.gap))
      #expect(try await next(&slow) == "gap")
      var kept = 1
      let oldest = try await next(&slow)
      while try await next(&slow) != "\(sent - 1)" { kept += 1 }
      #expect(kept + 1 == PostgresListener.bufferSize)
      #expect(oldest == "\(sent - PostgresListener.bufferSize)")
      quick.cancel()
    }
  }

  @Test func `channels whose names differ in their bytes alone are different channels`() async throws {
    try await withTestDatabase { pool in
      var composed = pool.listen(to: "caf\u{e9}").makeAsyncIterator()
      var decomposed = pool.listen(to: "cafe\u{301}").makeAsyncIterator()
      #expect(try await next(&composed) == "listening")
      #expect(try await next(&decomposed) == "listening")
      try await pool.notify("caf\u{e9}", "composed")
      try await pool.notify("cafe\u{301}", "decomposed")
      #expect(try await next(&composed) == "composed")
      #expect(try await next(&decomposed) == "decomposed")
    }
  }

  @Test func `a name that the server cuts off is listened to as the server has it`() async throws {
    try await withTestDatabase { pool in
      let name = String(repeating: "ü", count: 40)
      var events = pool.listen(to: name).makeAsyncIterator()
      #expect(try await next(&events) == "listening")
      try await pool.notify(String(name.prefix(31)), "1")
      #expect(try await next(&events) == "1")
    }
  }

  @Test func `a channel that the server refuses fails its own listener alone`() async throws {
    try await withTestDatabase { pool in
      var orders = pool.listen(to: "orders").makeAsyncIterator()
      #expect(try await next(&orders) == "listening")
      await #expect(throws: PostgresError.self) { for try await _ in pool.listen(to: "orders", "") {} }
      try await pool.notify("orders", "1")
      #expect(try await next(&orders) == "1")
    }
  }

  @Test func `a pool that is closed ends its listeners and their connection, and takes no more`() async throws {
    try await TestDatabase.with { database in
      let pool = try PostgresPool(PostgresPool.Configuration(database.options), loop: database.loop)
      try await pool.start()
      let readers = (0..<10).map { Reader(pool, "channel \($0)") }
      try await until { readers.allSatisfy { $0.events == [.listening] } }
      await pool.close()
      for reader in readers {
        let error = await #expect(throws: PostgresError.self) { try await reader.value() }
        #expect(error?.code == .closed)
      }
      try await until { try await listening(database.pool).isEmpty }
      let error = await #expect(throws: PostgresError.self) { for try await _ in pool.listen(to: "orders") {} }
      #expect(error?.code == .closed)
    }
  }

  @Test func `a listener that is cancelled before it listens leaves the others alone`() async throws {
    try await withTestDatabase { pool in
      var orders = pool.listen(to: "orders").makeAsyncIterator()
      #expect(try await next(&orders) == "listening")
      for number in 0..<200 {
        let reader = Reader(pool, "channel \(number % 3)")
        if number % 2 == 0 { await Task.yield() }
        reader.cancel()
        await #expect(throws: CancellationError.self) { try await reader.value() }
      }
      var late = pool.listen(to: "channel 0").makeAsyncIterator()
      #expect(try await next(&late) == "listening")
      try await pool.notify("channel 0", "1")
      try await pool.notify("orders", "2")
      #expect(try await next(&late) == "1")
      #expect(try await next(&orders) == "2")
    }
  }

  @Test func `of an outage one line tells, however many listen; who begins to listen meanwhile is told at once`()
    async throws
  {
    let server = try await EmbeddedPostgres.start(.temporary)
    let loop = try EventLoop()
    let log = RecordingLogOutput()
    let result: Result<Void, any Error>
    do { result = .success(try await outage(server, loop, log)) } catch { result = .failure(error) }
    await loop.stop()
    await server.stop()
    try result.get()
    let messages = log.entries.map(\.message)
    #expect(messages.filter { $0 == "cannot listen" }.count == 1)
    #expect(messages.filter { $0 == "listening again" }.count == 1)
  }

  private func outage(_ server: EmbeddedPostgres, _ loop: EventLoop, _ log: RecordingLogOutput) async throws {
    let attempts = Atomic(0)
    var configuration = PostgresPool.Configuration(try ConnectOptions(server.connectionString))
    configuration.hooks.beforeConnect = { _ in attempts.add(1, ordering: .relaxed) }
    let pool = try PostgresPool(configuration, loop: loop, logger: Logger(label: "test", output: log))
    let readers = (0..<20).map { Reader(pool, "channel \($0)") }
    try await until { readers.allSatisfy { $0.events == [.listening] } }
    await server.kill()
    let before = attempts.load(ordering: .relaxed)
    try await until { attempts.load(ordering: .relaxed) >= before + 5 }
    await #expect(throws: PostgresError.self) { for try await _ in pool.listen(to: "orders") {} }
    try await server.restart()
    try await until { readers.allSatisfy { $0.events == [.listening, .gap] } }
    await pool.close()
  }

  private func withProxy(_ body: (PostgresPool, FlakyProxy, TestDatabase) async throws -> Void) async throws {
    try await TestDatabase.with { database in
      let proxy = try FlakyProxy(inFrontOf: database.options)
      defer { proxy.close() }
      var configuration = PostgresPool.Configuration(proxy.redirecting(database.options))
      configuration.connect.connectTimeout = .seconds(3)
      let pool = try PostgresPool(configuration, loop: database.loop)
      try await body(pool, proxy, database)
      await pool.close()
    }
  }

  @Test func `a connection that is lost in the middle of LISTEN is made again`() async throws {
    try await withProxy { pool, proxy, database in
      let orders = Reader(pool, "orders")
      try await until { orders.events == [.listening] }
      proxy.set(.stalled)
      let users = Reader(pool, "users")
      try await disconnect(database.pool)
      proxy.set(.passing)
      try await until { orders.events == [.listening, .gap] && users.events.first == .listening }
      try await database.pool.notify("users", "1")
      try await until { users.payloads == ["1"] }
    }
  }

  @Test func `a server that is silent is not waited for without end`() async throws {
    try await withProxy { pool, proxy, _ in
      let orders = Reader(pool, "orders")
      try await until { orders.events == [.listening] }
      proxy.set(.stalled)
      await #expect(throws: PostgresError.self) { for try await _ in pool.listen(to: "users") {} }
      proxy.set(.passing)
      try await until { orders.events == [.listening, .gap] }
    }
  }
}
