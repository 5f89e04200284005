import DatabaseTesting
import Postgres
import ResourcePool
import StructuredLogging
import Synchronization
import Testing

@Suite(.everyWay) struct PoolHookTests {
  /// What the hooks saw, in order.
  private final class Record: Sendable {
    private let events = Mutex<[String]>([])
    func note(_ event: String) { events.withLock { $0.append(event) } }
    var all: [String] { events.withLock { $0 } }
    func count(_ event: String) -> Int { all.count { $0 == event } }
  }

  @Test func `the hooks are called in the order of a connection's life`() async throws {
    let record = Record()
    try await withTestDatabase(configure: { configuration in
      configuration.maxConnections = 1
      configuration.hooks.beforeConnect = { _ in record.note("before connect") }
      configuration.hooks.afterConnect = { connection in
        try await connection.execute("SET application_name = 'hooked'")
        record.note("after connect")
      }
      configuration.hooks.beforeAcquire = { _ in
        record.note("before acquire")
        return true
      }
      configuration.hooks.afterRelease = { _ in
        record.note("after release")
        return true
      }
      configuration.hooks.beforeClose = { _ in record.note("before close") }
    }) { pool in
      let name: String = try await pool.one("SELECT current_setting('application_name')")
      #expect(name == "hooked")
      try await pool.transaction { transaction in _ = try await transaction.execute("SELECT 1") }
      await pool.close()
      let lending = ["before acquire", "after release"]
      #expect(record.all == ["before connect", "after connect"] + lending + lending + ["before close"])
    }
  }

  @Test func `each connect may have credentials of its own`() async throws {
    let users = Atomic(0)
    try await withTestDatabase(configure: { configuration in
      configuration.maxConnections = 3
      configuration.hooks.beforeConnect = { options in
        options.applicationName = "token \(users.add(1, ordering: .relaxed).newValue)"
      }
    }) { pool in
      for number in 1...3 {
        let name: String = try await pool.one("SELECT current_setting('application_name')")
        #expect(name == "token \(number)")
        pool.reset()
      }
    }
  }

  @Test(.except(.pgBouncer, "the bouncer logs in, by its own password"))
  func `a password that the server no longer takes is fetched anew, and the pool recovers`() async throws {
    try await TestDatabase.with { database in
      try await database.pool.execute("CREATE ROLE clerk NOLOGIN")
      var configuration = PostgresPool.Configuration(database.options)
      configuration.maxConnections = 1
      configuration.hooks.beforeConnect = { options in options["user"] = "clerk" }
      let pool = try PostgresPool(configuration, loop: database.loop)
      let error = await #expect(throws: PostgresError.self) { try await pool.start() }
      #expect(error?.sqlState?.classCode == "28")
      try await database.pool.execute("ALTER ROLE clerk LOGIN")
      try await pool.start()
      let user: String = try await pool.one("SELECT current_user::text")
      #expect(user == "clerk")
      await pool.close()
      try await database.pool.execute("DROP ROLE clerk")
    }
  }

  @Test func `a connection that a hook refuses is closed, and another one is lent`() async throws {
    let refused = Atomic(0)
    try await withTestDatabase(configure: { configuration in
      configuration.maxConnections = 2
      configuration.hooks.beforeAcquire = { _ in refused.add(1, ordering: .relaxed).newValue > 2 }
    }) { pool in
      let one: Int = try await pool.one("SELECT 1")
      #expect(one == 1)
      #expect(refused.load(ordering: .relaxed) == 3)
      #expect(pool.stat().newCount == 3)
    }
  }

  @Test func `a hook that refuses everything is a time-out that says so`() async throws {
    try await withTestDatabase(configure: { configuration in
      configuration.maxConnections = 1
      configuration.acquireTimeout = .milliseconds(300)
      configuration.hooks.beforeAcquire = { _ in false }
    }) { pool in
      let error = await #expect(throws: PoolError.self) { try await pool.execute("SELECT 1") }
      #expect(error?.code == .acquireTimeout)
    }
  }

  @Test func `a connection that a hook does not want back is replaced`() async throws {
    try await withTestDatabase(configure: { configuration in
      configuration.maxConnections = 1
      configuration.hooks.afterRelease = { connection in
        // Leaves it in a transaction: not fit for anyone.
        _ = try? await connection.execute("BEGIN")
        return true
      }
    }) { pool in
      let first: Int = try await pool.one("SELECT pg_backend_pid()")
      let second: Int = try await pool.one("SELECT pg_backend_pid()")
      #expect(first != second)
    }
  }

  @Test func `a hook after connecting that throws is a failure to connect, and closes the connection`() async throws {
    struct Unfit: Error {}
    try await TestDatabase.with { database in
      var configuration = PostgresPool.Configuration(database.options)
      try await Way.current.apply(to: &configuration.connect)
      configuration.connect.applicationName = "unfit"
      configuration.hooks.afterConnect = { _ in throw Unfit() }
      let pool = try PostgresPool(configuration, loop: database.loop)
      await #expect(throws: Unfit.self) { try await pool.start() }
      try await until {
        try await database.pool.one("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'unfit'") == 0
      }
      await pool.close()
    }
  }

  @Test(arguments: ["55000", "42501", "28000"])
  func `who waits while a statement of a hook after connecting is refused is served when it no longer is`(
    state: String
  )
    async throws
  {
    let connects = Atomic(0)
    try await withTestDatabase(configure: { configuration in
      configuration.maxConnections = 1
      configuration.acquireTimeout = .seconds(60)
      configuration.hooks.afterConnect = { connection in
        // The first is that of the start.
        guard connects.add(1, ordering: .relaxed).newValue == 2 else { return }
        try await connection.script("DO $$ BEGIN RAISE 'not yet' USING ERRCODE = '\(state)'; END $$")
      }
    }) { pool in
      pool.reset()
      try await pool.execute("SELECT 1")
      #expect(connects.load(ordering: .relaxed) == 3)
    }
  }

  @Test func `a query of the pool in a transaction that holds its only connection throws at once, with both places`()
    async throws
  {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      let error = await #expect(throws: PoolError.self) {
        try await pool.transaction { _ in try await pool.execute("SELECT 1") }
      }
      #expect(error?.code == .deadlock)
      #expect(error?.message.contains("PoolHookTests.swift") == true)
      let one: Int = try await pool.one("SELECT 1")
      #expect(one == 1)
    }
  }

  @Test func `a nested acquire that finds a connection is counted, and logged once for its place`() async throws {
    let output = RecordingLogOutput()
    let logger = Logger(label: "test", output: output)
    try await TestDatabase.with { database in
      var configuration = PostgresPool.Configuration(database.options)
      try await Way.current.apply(to: &configuration.connect)
      configuration.maxConnections = 3
      let pool = try PostgresPool(configuration, loop: database.loop, logger: logger)
      try await pool.start()
      for _ in 0..<3 {
        try await pool.transaction { _ in _ = try await pool.execute("SELECT 1", name: "Audit") }
      }
      #expect(pool.stat().nestedAcquireCount == 3)
      #expect(output.entries.count { $0.message.contains("second connection") } == 1)
      await pool.close()
    }
  }

  @Test func `a child task that asks for the only connection, which its parent holds, throws at once with both places`()
    async throws
  {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      let start = ContinuousClock.now
      let inGroup = await #expect(throws: PoolError.self) {
        try await pool.transaction { _ in
          try await withThrowingTaskGroup { group in
            for _ in 0..<3 { group.addTask { _ = try await pool.execute("SELECT 1", name: "Audit") } }
            try await group.waitForAll()
          }
        }
      }
      #expect(inGroup?.code == .deadlock)
      #expect(inGroup?.message.contains("Audit (IntegrationTests/PoolHookTests.swift:") == true)
      #expect(inGroup?.message.contains("is a child of one that holds a resource already") == true)
      let asyncLet = await #expect(throws: PoolError.self) {
        try await pool.withConnection { _ in
          async let one = pool.transaction { transaction in try await transaction.one("SELECT 1", as: Int.self) }
          _ = try await one
        }
      }
      #expect(asyncLet?.code == .deadlock)
      #expect(ContinuousClock.now - start < pool.configuration.acquireTimeout)
      #expect(pool.stat().nestedAcquireCount == 4)
      let one: Int = try await pool.one("SELECT 1")
      #expect(one == 1)
    }
  }

  @Test func `with a connection to spare the child tasks of a transaction take turns on it, counted and logged once`()
    async throws
  {
    let output = RecordingLogOutput()
    let logger = Logger(label: "test", output: output)
    try await TestDatabase.with { database in
      var configuration = PostgresPool.Configuration(database.options)
      configuration.maxConnections = 2
      configuration.acquireTimeout = .seconds(60)
      let pool = try PostgresPool(configuration, loop: database.loop, logger: logger)
      try await pool.start()
      let sum = try await pool.transaction { _ in
        try await withThrowingTaskGroup { group in
          for _ in 0..<8 {
            group.addTask { try await pool.transaction { try await $0.one("SELECT 1", as: Int.self) } }
          }
          return try await group.reduce(0, +)
        }
      }
      #expect(sum == 8)
      #expect(pool.stat().nestedAcquireCount == 8)
      #expect(pool.stat().canceledAcquireCount == 0)
      #expect(output.entries.count { $0.message.contains("second connection") } == 1)
      await pool.close()
    }
  }

  @Test func `two transactions whose child tasks each want one more connection: one is told, the other goes on`()
    async throws
  {
    try await TestDatabase.with { database in
      var configuration = PostgresPool.Configuration(database.options)
      configuration.maxConnections = 2
      configuration.acquireTimeout = .seconds(60)
      let pool = try PostgresPool(configuration, loop: database.loop)
      try await pool.start()
      let outcomes = await withTaskGroup { group in
        for _ in 0..<2 {
          group.addTask { () -> PoolError.Code? in
            do {
              try await pool.transaction { _ in
                try await until { pool.stat().acquired == 2 || pool.stat().waiting == 1 }
                async let more: Void = pool.withConnection { _ in }
                try await more
              }
              return nil
            } catch {
              return (error as? PoolError)?.code
            }
          }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
      #expect(Set(outcomes) == [nil, .deadlock])
      await pool.close()
    }
  }

  @Test func `an unstructured task of a transaction that holds the only connection waits, and is served after it`()
    async throws
  {
    try await withTestDatabase(configure: {
      $0.maxConnections = 1
      $0.acquireTimeout = .seconds(60)
    }) { pool in
      let (statement, transaction) = try await pool.transaction { _ in
        let statement = Task { try await pool.one("SELECT 1", as: Int.self) }
        let transaction = Task { try await pool.transaction { try await $0.one("SELECT 2", as: Int.self) } }
        try await until { pool.stat().waiting == 2 }
        return (statement, transaction)
      }
      #expect(try await statement.value == 1)
      #expect(try await transaction.value == 2)
      #expect(pool.stat().nestedAcquireCount == 2)
    }
  }

  @Test func `the listing of a pool names who holds and who waits`() async throws {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      try await pool.withConnection { _ in
        let waiter = Task { try await pool.withConnection { _ in } }
        try await until { pool.stat().waiting == 1 }
        let listing = pool.dump().description
        #expect(listing.contains("held: ") && listing.contains("waits: ") && listing.contains("PoolHookTests.swift"))
        waiter.cancel()
        _ = await waiter.result
      }
    }
  }

  @Test func `a hook that discards all that the session knows costs nobody a transaction`() async throws {
    try await withTestDatabase(configure: {
      $0.maxConnections = 1
      $0.hooks.afterRelease = { connection in
        (try? await connection.execute("DISCARD ALL")) != nil
      }
    }) { pool in
      for _ in 0..<3 {
        try await pool.transaction { tx in
          let one: Int = try await tx.one("SELECT \(1)")
          #expect(one == 1)
        }
      }
      #expect(pool.stat().newCount == 1)
    }
  }
}
