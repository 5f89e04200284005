import DatabaseTesting
import EventLoop
import Postgres
import ResourcePool
import Testing

@Suite(.everyWay) struct CancellationTests {
  @Test(.except(.pgBouncer, "it asks for the server's process, whose number only the bouncer knows"))
  func `cancelling a task cancels its query at the server and leaves the connection usable`() async throws {
    try await withTestDatabase(configure: { $0.maxConnections = 2 }) { pool in
      try await pool.withConnection { connection in
        let sleeper = Task { try await connection.execute("SELECT pg_sleep(3600)") }
        try await until {
          let active: Int = try await pool.one(
            "SELECT count(*) FROM pg_stat_activity WHERE pid = \(Int(connection.processID)) AND state = 'active'")
          return active == 1
        }
        sleeper.cancel()
        await #expect(throws: CancellationError.self) { try await sleeper.value }
        let one: Int = try await connection.one("SELECT 1")
        #expect(one == 1)
      }
    }
  }

  @Test func `a cancelled statement of the pool gives its connection back`() async throws {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      let sleeper = Task { try await pool.execute("SELECT pg_sleep(3600)") }
      try await until { pool.stat().acquired == 1 }
      sleeper.cancel()
      await #expect(throws: CancellationError.self) { try await sleeper.value }
      let one: Int = try await pool.one("SELECT 1")
      #expect(one == 1)
      #expect(pool.stat().newCount == 1, "\(pool.dump())")
    }
  }

  @Test func `connects to a server that does not answer hold up neither one another nor a cancel`() async throws {
    let silent = try SilentServer()
    var options = try ConnectOptions("host=127.0.0.1 port=\(silent.port) dbname=app user=app")
    options.connectTimeout = .seconds(600)
    let unreachable = options
    let loop = try EventLoop()
    try await withThrowingTaskGroup(of: Void.self) { connects in
      for _ in 0..<100 {
        connects.addTask {
          let pool = try PostgresPool(PostgresPool.Configuration(unreachable), loop: loop)
          await #expect(throws: (any Error).self) { try await pool.start() }
        }
      }
      try await until { silent.clientCount == 100 }
      try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
        let error = await lateness { try await pool.execute("SELECT pg_sleep(3600)", timeout: $0) }
        #expect(error?.code == .timedOut)
        try await until { pool.stat().acquired == 0 }
        #expect(pool.stat().newCount == 1)
      }
      connects.cancelAll()
    }
    await loop.stop()
  }

  @Test func `a task cancelled before it asks sends nothing`() async throws {
    try await withTestDatabase { pool in
      let task = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        return try await pool.execute("SELECT pg_sleep(3600)")
      }
      await #expect(throws: CancellationError.self) { try await task.value }
    }
  }

  @Test func `a cancelled transaction is rolled back and its connection used again`()
    async throws
  {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      try await pool.execute("CREATE TABLE t (id int)")
      let transaction = Task {
        try await pool.transaction { tx in
          try await tx.execute("INSERT INTO t VALUES (1)")
          try await tx.execute("SELECT pg_sleep(3600)")
        }
      }
      try await until { pool.stat().acquired == 1 }
      transaction.cancel()
      await #expect(throws: CancellationError.self) { try await transaction.value }
      let count: Int = try await pool.one("SELECT count(*) FROM t")
      #expect(count == 0)
      #expect(pool.stat().newCount == 1)
    }
  }

  @Test func `statements that share a connection are cancelled at the server once all of them are given up`()
    async throws
  {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      try await pool.withConnection { connection in
        await withTaskGroup(of: Void.self) { group in
          for _ in 0..<3 {
            group.addTask {
              let error = await #expect(throws: PostgresError.self) {
                try await connection.execute("SELECT pg_sleep(3600)", timeout: .milliseconds(50))
              }
              #expect(error?.code == .timedOut)
            }
          }
        }
        let one: Int = try await connection.one("SELECT 1")
        #expect(one == 1)
      }
      try await until { pool.stat().acquired == 0 }
      #expect(pool.stat().newCount == 1)
    }
  }

  @Test(.except(.pgBouncer, "it needs locks of the session"))
  func `a statement given up behind one that goes on is cancelled when its turn comes`() async throws {
    try await withTestDatabase(configure: { $0.maxConnections = 2 }) { pool in
      try await pool.withConnection { holder in
        for lock in [1, 2] { try await holder.execute("SELECT pg_advisory_lock(\(lock))") }
        try await pool.withConnection { connection in
          async let first = connection.execute("SELECT pg_advisory_lock(1)")
          let blocked: SQL =
            "SELECT count(*) FROM pg_stat_activity WHERE pid = \(connection.processID) AND wait_event_type = 'Lock'"
          try await until { try await holder.one(blocked) == 1 }
          let error = await #expect(throws: PostgresError.self) {
            try await connection.execute("SELECT pg_advisory_lock(2)", timeout: .milliseconds(200))
          }
          #expect(error?.code == .timedOut)
          try await holder.execute("SELECT pg_advisory_unlock(1)")
          _ = try await first
          // Nobody lets go of what it would wait for.
          try await until { try await holder.one(blocked) == 0 }
          let one: Int = try await connection.one("SELECT 1")
          #expect(one == 1)
        }
      }
    }
  }

  @Test func `cancels at random moments never hit another query`() async throws {
    try await withTestDatabase(configure: { $0.maxConnections = 4 }) { pool in
      let strays = try await withThrowingTaskGroup(of: Int.self) { group in
        for task in 0..<8 {
          group.addTask {
            var strays = 0
            for round in 0..<rounds(100) {
              let query = Task { () -> Int in try await pool.one("SELECT \(task * 1000 + round)::int8") }
              // A few turns of the scheduler, so that the cancel comes at any point of the query's way.
              for _ in 0..<Int.random(in: 0..<20) { await Task.yield() }
              if round.isMultiple(of: 2) { query.cancel() }
              do {
                let answer = try await query.value
                #expect(answer == task * 1000 + round)
              } catch is CancellationError where round.isMultiple(of: 2) {
                continue
              } catch {
                strays += 1
              }
            }
            return strays
          }
        }
        return try await group.reduce(0, +)
      }
      #expect(strays == 0)
      try await until { pool.stat().acquired == 0 }
    }
  }

  @Test func `a waiter that is cancelled leaves the queue, one whose time is out is told the numbers`() async throws {
    try await withTestDatabase(configure: {
      $0.maxConnections = 1
      $0.acquireTimeout = .milliseconds(50)
    }) { pool in
      try await pool.withConnection { _ in
        // In a task of its own: this one would be told at once that it waits for itself.
        let other = Task { try await pool.withConnection { _ in } }
        let error = await #expect(throws: PoolError.self) { try await other.value }
        #expect(error?.code == .acquireTimeout)
        #expect(error?.message.contains("CancellationTests.swift:") == true)
        #expect(error?.message.contains("max 1, in use 1") == true)
      }
      #expect(pool.stat().canceledAcquireCount == 1)
    }
  }
}
