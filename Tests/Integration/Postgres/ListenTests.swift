import DatabaseTesting
import Postgres
import ResourcePool
import Testing

// Not behind a pooler: LISTEN belongs to a session.
@Suite struct ListenTests {
  @Test func `what is sent on a channel arrives, with its payload, once the listener has said that it listens`()
    async throws
  {
    try await withTestDatabase { pool in
      var events = pool.listen(to: "orders", "a \"quoted\" channel").makeAsyncIterator()
      #expect(try await events.next() == .listening)
      try await pool.notify("orders", "1")
      try await pool.transaction { tx in
        try await tx.notify("a \"quoted\" channel", "ünï")
        try await tx.notify("others")
      }
      try await pool.notify("orders")
      var payloads: [String] = []
      for _ in 0..<3 {
        guard case .notification(let notification) = try await events.next() else { continue }
        payloads.append("\(notification.channel) \(notification.payload)")
      }
      #expect(payloads == ["orders 1", "a \"quoted\" channel ünï", "orders "])
    }
  }

  @Test func `a listener whose connection is lost listens again and tells of the gap`() async throws {
    try await withTestDatabase { pool in
      var events = pool.listen(to: "orders").makeAsyncIterator()
      #expect(try await events.next() == .listening)
      for round in 0..<3 {
        try await pool.execute(
          """
          SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND query LIKE 'LISTEN%'
          """)
        #expect(try await events.next() == .gap)
        try await pool.notify("orders", "\(round)")
        guard case .notification(let notification) = try await events.next() else {
          Issue.record("no notification")
          return
        }
        #expect(notification.payload == "\(round)")
      }
    }
  }

  @Test func `a cancelled listener ends, and its connection with it`() async throws {
    try await withTestDatabase { pool in
      let listening = Task {
        var count = 0
        for try await _ in pool.listen(to: "orders") { count += 1 }
        return count
      }
      func listeners() async throws -> Int {
        try await pool.one(
          "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'")
      }
      try await until { try await listeners() == 1 }
      listening.cancel()
      await #expect(throws: CancellationError.self) { try await listening.value }
      try await until { try await listeners() == 0 }
    }
  }

  @Test func `a reader that is slow is told where something was dropped`() async throws {
    try await withTestDatabase { pool in
      var events = pool.listen(to: "orders").makeAsyncIterator()
      #expect(try await events.next() == .listening)
      let sent = PostgresListener.bufferSize + 500
      try await pool.execute("SELECT pg_notify('orders', n::text) FROM generate_series(1, \(sent)) n")
      try await pool.notify("orders", "last")
      var (number, isAfterGap, last) = (0, false, "")
      while last != "last" {
        switch try await events.next() {
        case .gap: isAfterGap = true
        case .notification(let notification):
          last = notification.payload
          guard let next = Int(last) else { continue }
          #expect(next == number + 1 || isAfterGap && next > number)
          (number, isAfterGap) = (next, false)
        case .listening, nil:
          Issue.record("the connection was lost")
          return
        }
      }
    }
  }

  @Test func `a listener that cannot connect at first says why`() async throws {
    try await TestDatabase.with { database in
      var configuration = PostgresPool.Configuration(database.options)
      configuration.connect.database = "nothing"
      let pool = try PostgresPool(configuration, loop: database.loop)
      let error = await #expect(throws: PostgresError.self) { for try await _ in pool.listen(to: "orders") {} }
      #expect(error?.sqlState == .invalidCatalogName)
    }
  }

  @Test func `a listener connects as the pool's hook says, again too`() async throws {
    try await TestDatabase.with { database in
      var configuration = PostgresPool.Configuration(database.options)
      let real = database.options.database
      configuration.connect.database = "no_such_database"
      configuration.hooks.beforeConnect = { $0.database = real }
      let pool = try PostgresPool(configuration, loop: database.loop)
      try await pool.start()
      var events = pool.listen(to: "orders").makeAsyncIterator()
      #expect(try await events.next() == .listening)
      try await pool.execute(
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'LISTEN%'
        """)
      #expect(try await events.next() == .gap)
      await pool.close()
    }
  }

  @Test func `a listener that is cancelled ends, however many notifications wait`() async throws {
    try await withTestDatabase { pool in
      let (isListening, isReading) = (Flag(), Flag())
      let listener = Task {
        var seen = 0
        for try await event in pool.listen(to: "orders") {
          if event == .listening {
            isListening.set()
            continue
          }
          isReading.set()
          if seen == 0 { try? await until { Task.isCancelled } }
          seen += 1
        }
        return seen
      }
      try await until { isListening.isSet }
      try await pool.execute("SELECT pg_notify('orders', n::text) FROM generate_series(1, 1000) AS n")
      try await until { isReading.isSet }
      listener.cancel()
      await #expect(throws: CancellationError.self) { try await listener.value }
    }
  }
}
