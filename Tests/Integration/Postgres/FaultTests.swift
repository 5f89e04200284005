import DatabaseTesting
import Dispatch
import EmbeddedPostgres
import EventLoop
import Glibc
import Postgres
import ResourcePool
import Synchronization
import Testing

/// What a pool does when what it relies on fails, each with the real thing. Afterwards no task hangs, every connection is
/// back, and the counters add up.
// Not behind a pooler, but for the tests that say so: servers of its own, killed or behind ways that break.
@Suite struct FaultTests {
  /// Every acquire of a pool has ended one way or the other, and what it holds is what its counters say.
  private func checkBooks(_ pool: PostgresPool, attempts: Int? = nil) async throws {
    try await until { pool.stat().acquired == 0 && pool.stat().waiting == 0 && pool.stat().constructing == 0 }
    let statistics = pool.stat()
    #expect(statistics.acquireDuration.count == statistics.acquireCount)
    #expect(statistics.emptyAcquireCount <= statistics.acquireCount)
    #expect(statistics.total <= statistics.max)
    #expect(statistics.newCount >= UInt64(statistics.total))
    if let attempts { #expect(statistics.acquireCount + statistics.canceledAcquireCount == UInt64(attempts)) }
    let held = await pool.close(deadline: .now + .seconds(20))
    #expect(held.isEmpty && pool.stat().total == 0)
  }

  private func withProxy(
    configure: (inout PostgresPool.Configuration) -> Void = { _ in },
    _ body: (PostgresPool, FlakyProxy) async throws -> Void
  ) async throws {
    try await TestDatabase.with { database in
      let proxy = try FlakyProxy(inFrontOf: database.options)
      defer { proxy.close() }
      var configuration = PostgresPool.Configuration(proxy.redirecting(database.options))
      configuration.connect.connectTimeout = .seconds(3)
      configuration.connect.cancelTimeout = .seconds(3)
      configuration.maxConnections = 3
      configuration.acquireTimeout = .seconds(4)
      configure(&configuration)
      let pool = try PostgresPool(configuration, loop: database.loop)
      try await pool.start()
      try await body(pool, proxy)
    }
  }

  @Test func `the server is killed ten times under the load of 64 tasks, and no task, slot or count is lost`()
    async throws
  {
    let server = try await EmbeddedPostgres.start(.temporary)
    let loop = try EventLoop()
    var configuration = PostgresPool.Configuration(try ConnectOptions(server.connectionString))
    configuration.maxConnections = 5
    configuration.acquireTimeout = .milliseconds(500)
    let pool = try PostgresPool(configuration, loop: loop)
    try await pool.start()
    let load = Load()
    let answers = try await withThrowingTaskGroup(of: Int.self) { group in
      for task in 0..<64 {
        group.addTask {
          var answers = 0
          while !load.isOver.load(ordering: .relaxed) {
            do {
              if task.isMultiple(of: 8) {
                try await pool.transaction { tx in answers += try await tx.one("SELECT 1", as: Int.self) }
              } else {
                answers += try await pool.one("SELECT 1", as: Int.self)
              }
            } catch {
              await Task.yield()
            }
          }
          return answers
        }
      }
      for _ in 0..<rounds(10) {
        if let pid = server.processID { kill(pid, SIGKILL) }
        _ = await server.waitForExit()
        try await server.restart()
        try await until { (try? await pool.one("SELECT 1", as: Int.self)) == 1 }
      }
      load.isOver.store(true, ordering: .relaxed)
      return try await group.reduce(0, +)
    }
    #expect(answers > 0)
    try await checkBooks(pool)
    await loop.stop()
    await server.stop()
  }

  @Test func `backends terminated at random cost their statements and nothing else`() async throws {
    try await TestDatabase.with { database in
      var configuration = PostgresPool.Configuration(database.options)
      configuration.maxConnections = 5
      configuration.acquireTimeout = .seconds(30)
      let pool = try PostgresPool(configuration, loop: database.loop)
      try await pool.start()
      let load = Load()
      let wrong = try await withThrowingTaskGroup(of: Int.self) { group in
        for task in 0..<16 {
          group.addTask {
            var wrong = 0
            for round in 0..<rounds(150) {
              load.attempts.add(1, ordering: .relaxed)
              do {
                let answer: Int = try await pool.one("SELECT \(task * 1000 + round)::int8")
                if answer != task * 1000 + round { wrong += 1 }
              } catch let error as PostgresError {
                if error.code != .connectionLost && error.sqlState != .adminShutdown { wrong += 1 }
              }
            }
            return wrong
          }
        }
        group.addTask {
          for _ in 0..<20 {
            _ = try? await database.pool.execute(
              """
              SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1
              """)
          }
          return 0
        }
        return try await group.reduce(0, +)
      }
      #expect(wrong == 0)
      try await checkBooks(pool, attempts: load.attempts.load(ordering: .relaxed))
    }
  }

  @Test func `a COPY that was cancelled ends with its connection, though the cancel request hangs`() async throws {
    try await withProxy { pool, proxy in
      try await pool.execute("CREATE TABLE locked (x int)")
      let isOver = Flag()
      let copy = try await pool.transaction { tx in
        try await tx.execute("LOCK TABLE locked")
        let copy = Task {
          defer { isOver.set() }
          return try await pool.copyIn("COPY locked FROM STDIN") { _ in }
        }
        try await until { try await tx.one("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)", as: Bool.self) }
        proxy.set(.deaf)
        copy.cancel()
        return copy
      }
      // Now the server agrees to the COPY, and is told that nothing comes: that is over, and the cancelling is not.
      try await until { isOver.isSet }
      await #expect(throws: CancellationError.self) { try await copy.value }
      proxy.set(.passing)
      try await checkBooks(pool)
    }
  }

  @Test func `the end of a COPY does not wait for another's cancel request`() async throws {
    try await withProxy { pool, proxy in
      try await pool.execute("CREATE TABLE copied (x int)")
      let loop = try EventLoop()
      let (isHeld, isBegun) = (DispatchSemaphore(value: 0), Flag())
      try await pool.withConnection { connection in
        let copy = Task(executorPreference: loop) {
          try await connection.copyIn("COPY copied FROM STDIN") { _ in
            isBegun.set()
            // The task is told that its COPY has ended, and does not come to look.
            loop.execute { isHeld.wait() }
            throw Trouble()
          }
        }
        try await until { isBegun.isSet }
        let sleep = Task {
          while true {
            do {
              return try await connection.execute("SELECT pg_sleep(3600)")
            } catch let error as PostgresError where error.code == .busy {
              // The COPY has not ended yet.
              await Task.yield()
            }
          }
        }
        try await until {
          try await pool.one(
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(3600)' AND state = 'active'",
            as: Bool.self)
        }
        proxy.set(.deaf)
        sleep.cancel()
        isHeld.signal()
        await #expect(throws: Trouble.self) { try await copy.value }
        proxy.set(.passing)
        await #expect(throws: CancellationError.self) { try await sleep.value }
      }
      await loop.stop()
      try await checkBooks(pool)
    }
  }

  @Test func `a way that stalls ends statements at their time-out, and the pool works again when it does`() async throws
  {
    try await withProxy { pool, proxy in
      let one: Int = try await pool.one("SELECT 1")
      #expect(one == 1)
      proxy.set(.stalled)
      let start = ContinuousClock.now
      // Late as a statement, or, where the connection is asked for a sign of life first, as an acquire.
      let late = await #expect(throws: (any Error).self) {
        try await pool.execute("SELECT 1", timeout: .milliseconds(100))
      }
      #expect((late as? PostgresError)?.code == .timedOut || (late as? PoolError)?.code == .acquireTimeout)
      #expect(ContinuousClock.now - start < .seconds(20))
      proxy.set(.passing)
      try await until { (try? await pool.one("SELECT 1", as: Int.self)) == 1 }
      try await checkBooks(pool)
    }
  }

  @Test func `a sign of life in the last moment leaves the connection to the next query`() async throws {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      let clock = ContinuousClock()
      var usual = Duration.seconds(1)
      for _ in 0..<50 { usual = min(usual, try await clock.measure { try await pool.ping(timeout: .seconds(60)) }) }
      var answered = 0
      for round in 0..<rounds(4000) {
        // About as much time as it takes.
        let limit = usual * (0.8 + Double(round % 100) / 50)
        guard (try? await pool.ping(timeout: limit)) != nil else { continue }
        answered += 1
        try await pool.execute("SELECT 1")
      }
      #expect(answered > 0)
    }
  }

  @Test func `a way that is cut, delays or sends garbage gives errors or answers, never wrong ones`() async throws {
    try await withProxy { pool, proxy in
      for mood in [FlakyProxy.Mood.cutting, .slow(milliseconds: 5), .garbage] {
        proxy.set(.passing)
        try await until { (try? await pool.one("SELECT 1", as: Int.self)) == 1 }
        await withTaskGroup(of: Void.self) { group in
          for task in 0..<8 {
            group.addTask {
              for round in 0..<10 {
                if task == 0, round == 3 { proxy.set(mood) }
                if let answer = try? await pool.one(
                  "SELECT \(task * 100 + round)::int8", as: Int.self, timeout: .milliseconds(500))
                {
                  // Noise may look like a row; then nobody can tell. Without noise an answer is the right one.
                  if case .garbage = mood { continue }
                  #expect(answer == task * 100 + round)
                }
              }
            }
          }
        }
      }
      proxy.set(.passing)
      try await until { (try? await pool.one("SELECT 1", as: Int.self)) == 1 }
      try await checkBooks(pool)
    }
  }

  @Test func `a refused connection and an unknown host say so, without the password`() async throws {
    let loop = try EventLoop()
    func error(_ text: String) async throws -> PostgresError? {
      var options = try ConnectOptions(text)
      options.connectTimeout = .seconds(10)
      let pool = try PostgresPool(PostgresPool.Configuration(options), loop: loop)
      return await #expect(throws: PostgresError.self) { try await pool.start() }
    }
    let proxy = try FlakyProxy(to: "/nowhere")
    let refused = try await error("host=127.0.0.1 port=\(proxy.port) user=ada password=hunter2 sslmode=disable")
    proxy.close()
    #expect(refused?.code == .connectionFailed)
    let unknown = try await error("host=no-such-host.invalid user=ada password=hunter2")
    #expect(unknown?.code == .connectionFailed)
    #expect(unknown?.message.contains("no-such-host.invalid") == true)
    for error in [refused, unknown] { #expect(error?.debugDescription.contains("hunter2") == false) }
    await loop.stop()
  }

  @Test func `when the server takes no more connections, the pool lives on those it has`() async throws {
    try await TestDatabase.with { database in
      try await database.pool.execute("CREATE ROLE narrow_\(identifierless: database) LOGIN CONNECTION LIMIT 2")
      var configuration = PostgresPool.Configuration(database.options)
      configuration.connect["user"] = "narrow_\(database.options.database ?? "")"
      configuration.maxConnections = 6
      configuration.acquireTimeout = .seconds(30)
      let pool = try PostgresPool(configuration, loop: database.loop)
      try await pool.start()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<24 { group.addTask { try await pool.execute("SELECT pg_sleep(0.01)") } }
        for _ in 0..<6 { group.addTask { try await pool.transaction { tx in _ = try await tx.execute("SELECT 1") } } }
        try await group.waitForAll()
      }
      try await until { pool.stat().constructing == 0 }
      #expect(pool.stat().total <= 2)
      let other = await #expect(throws: PostgresError.self) {
        try await pool.withConnection { _ in
          try await pool.withConnection { _ in
            _ = try await PostgresConnection.connect(configuration.connect, loop: database.loop)
          }
        }
      }
      #expect(other?.sqlState == .tooManyConnections)
      try await checkBooks(pool, attempts: 32)
      try await database.pool.execute("DROP ROLE narrow_\(identifierless: database)")
    }
  }

  @Test(.everyWay) func `a full disk is an error of the statement alone`() async throws {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      await expectError(.init(rawValue: "53400")) {
        try await pool.transaction { tx in
          try await tx.execute("SET LOCAL temp_file_limit = 0")
          try await tx.execute("SET LOCAL work_mem = '64kB'")
          try await tx.execute("SELECT count(*) FROM (SELECT n FROM generate_series(1, 200000) n ORDER BY -n) s")
        }
      }
      await expectError(.diskFull) {
        try await pool.execute("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 1000)) TO '/dev/full'")
      }
      let one: Int = try await pool.one("SELECT 1")
      #expect(one == 1)
      #expect(pool.stat().newCount == 1)
    }
  }

  @Test func `a lease that does not come back is named, by whoever waits for it and at the pool's closing`()
    async throws
  {
    try await TestDatabase.with { database in
      var configuration = PostgresPool.Configuration(database.options)
      configuration.maxConnections = 1
      configuration.acquireTimeout = .milliseconds(50)
      let pool = try PostgresPool(configuration, loop: database.loop)
      try await pool.start()
      let leak = Task { try await pool.withConnection { _ in try await Task.sleep(for: .seconds(3600)) } }
      try await until { pool.stat().acquired == 1 }
      let waiting = await #expect(throws: PoolError.self) { try await pool.execute("SELECT 1", name: "Late") }
      #expect(waiting?.message.contains("FaultTests.swift:") == true)
      let held = await pool.close(deadline: .now + .milliseconds(50))
      #expect(held.count == 1 && held.first?.description.contains("FaultTests.swift:") == true)
      leak.cancel()
      try? await leak.value
      try await until { pool.stat().total == 0 }
    }
  }

  @Test(.everyWay) func `a listing of the pool names the query that waits, and the file that asked`() async throws {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      try await pool.withConnection { _ in
        let waiting = Task { try await pool.execute("SELECT 1", name: "Patient") }
        try await until { pool.stat().waiting == 1 }
        #expect(pool.dump().description.contains("Patient (IntegrationTests/FaultTests.swift:"))
        waiting.cancel()
        _ = try? await waiting.value
      }
    }
  }
}

private final class Load: Sendable {
  let isOver = Atomic(false)
  let attempts = Atomic(0)
}

extension SQL.StringInterpolation {
  /// The name of the test's database, as a part of another name.
  fileprivate mutating func appendInterpolation(identifierless database: TestDatabase) {
    appendInterpolation(SQL(unchecked: database.options.database ?? ""))
  }
}

private struct Trouble: Error {}
