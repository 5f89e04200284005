import DatabaseTesting
import EmbeddedPostgres
import EventLoop
import Glibc
import Postgres
import ResourcePool
import Synchronization
import Testing

/// A pool whose connections are spread over several loops.
@Suite struct LoopsTests {
  private func withLoops(_ count: Int, _ body: ([EventLoop]) async throws -> Void) async throws {
    let loops = try (0..<count).map { _ in try EventLoop() }
    let result: Result<Void, any Error>
    do { result = .success(try await body(loops)) } catch { result = .failure(error) }
    for loop in loops { await loop.stop() }
    try result.get()
  }

  /// How many of as many connections as the pool may have each loop has.
  private func spread(_ pool: PostgresPool, over loops: [EventLoop]) async throws -> [Int] {
    let most = pool.configuration.maxConnections
    let arrived = Count()
    return try await withThrowingTaskGroup { group in
      for _ in 0..<most {
        group.addTask {
          try await pool.withConnection { connection in
            arrived.next()
            try await until { arrived.value == most }
            return loops.firstIndex { $0 === connection.loop }
          }
        }
      }
      var counts = [Int](repeating: 0, count: loops.count)
      for try await place in group { counts[try #require(place)] += 1 }
      return counts
    }
  }

  @Test func `each new connection goes to the loop with the fewest, those that replace others too`() async throws {
    try await TestDatabase.with { database in
      try await withLoops(3) { loops in
        var configuration = PostgresPool.Configuration(database.options)
        configuration.maxConnections = 6
        let pool = try PostgresPool(configuration, loops: loops)
        try await pool.start()
        #expect(try await spread(pool, over: loops) == [2, 2, 2])
        // What replaces these goes where there is room.
        try await pool.withConnection { first in
          try await pool.withConnection { second in
            for connection in [first, second] { await connection.close() }
          }
        }
        #expect(try await spread(pool, over: loops) == [2, 2, 2])
        pool.reset()
        #expect(try await spread(pool, over: loops) == [2, 2, 2])
        await pool.close()
        #expect(pool.stat().total == 0)
      }
    }
  }

  @Test func `what fails to connect leaves no trace in the spread`() async throws {
    try await TestDatabase.with { database in
      try await withLoops(2) { loops in
        let connects = Count()
        var configuration = PostgresPool.Configuration(database.options)
        configuration.maxConnections = 4
        configuration.hooks.afterConnect = { connection in
          // Half of those on the first loop, and none on the second.
          guard connection.loop === loops[0], connects.next().isMultiple(of: 2) else { return }
          throw CancellationError()
        }
        let pool = try PostgresPool(configuration, loops: loops)
        try await pool.start()
        #expect(try await spread(pool, over: loops) == [2, 2])
        await pool.close()
      }
    }
  }

  @Test func `statements and transactions on several loops are answered right, from tasks on a loop and elsewhere`()
    async throws
  {
    try await TestDatabase.with { database in
      try await withLoops(2) { loops in
        var configuration = PostgresPool.Configuration(database.options)
        configuration.maxConnections = 4
        configuration.acquireTimeout = .seconds(60)
        let pool = try PostgresPool(configuration, loops: loops)
        try await pool.start()
        try await withThrowingTaskGroup(of: Void.self) { group in
          for task in 0..<24 {
            group.addTask(executorPreference: task % 3 == 0 ? nil : loops[task % 2]) {
              for round in 0..<50 {
                let number = task * 1000 + round
                let answer: Int = try await pool.one("SELECT \(number)::int8")
                #expect(answer == number)
                guard round % 10 == 0 else { continue }
                let other: Int = try await pool.transaction { try await $0.one("SELECT \(number)::int8") }
                #expect(other == number)
              }
            }
          }
          try await group.waitForAll()
        }
        let held = await pool.close(deadline: .now + .seconds(20))
        #expect(held.isEmpty && pool.stat().total == 0)
      }
    }
  }

  @Test func `after its server was killed a pool on several loops works again, spread as before`() async throws {
    let server = try await EmbeddedPostgres.start(.temporary)
    try await withLoops(2) { loops in
      var configuration = PostgresPool.Configuration(try ConnectOptions(server.connectionString))
      configuration.maxConnections = 4
      configuration.acquireTimeout = .seconds(10)
      let pool = try PostgresPool(configuration, loops: loops)
      try await pool.start()
      #expect(try await spread(pool, over: loops) == [2, 2])
      let pid = try #require(server.processID)
      kill(pid, SIGKILL)
      _ = await server.waitForExit()
      try await server.restart()
      try await until { (try? await pool.one("SELECT 1", as: Int.self)) == 1 }
      #expect(try await spread(pool, over: loops) == [2, 2])
      await pool.close()
    }
    await server.stop()
  }

  @Test(.timeLimit(.minutes(2)))
  func `when a loop is stopped what its connections run fails, as do new connections, and who waits for one is told`()
    async throws
  {
    try await TestDatabase.with { database in
      let loop = try EventLoop()
      let connection = try await PostgresConnection.connect(database.options, loop: loop)
      var configuration = PostgresPool.Configuration(database.options)
      configuration.acquireTimeout = .milliseconds(200)
      let pool = try PostgresPool(configuration, loops: [loop])
      try await pool.start()

      let answer = Task { try await connection.execute("SELECT pg_sleep(600)") }
      let another = Task { try await pool.execute("SELECT pg_sleep(600)") }
      try await until {
        try await database.pool.one(
          "SELECT count(*) = 2 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(600)'"
        )
      }
      await loop.stop()
      let lost = await #expect(throws: PostgresError.self) { try await answer.value }
      #expect(lost?.code == .connectionLost)
      #expect(lost.map { "\($0)" }?.contains("its event loop was stopped") == true)
      await #expect(throws: PostgresError.self) { try await another.value }
      await #expect(throws: PostgresError.self) { try await connection.execute("SELECT 1") }

      let refused = await #expect(throws: PostgresError.self) {
        try await PostgresConnection.connect(database.options, loop: loop)
      }
      #expect(refused?.code == .connectionFailed)
      let waited = await #expect(throws: (any Error).self) { try await pool.execute("SELECT 1") }
      #expect(waited.map { "\($0)" }?.contains("a loop that has been stopped") == true)
      await pool.close()
      await connection.close()
    }
  }

  @Test func `a pool of no loop is refused`() throws {
    let configuration = PostgresPool.Configuration(try ConnectOptions("postgres://localhost/app"))
    let error = #expect(throws: PostgresError.self) { try PostgresPool(configuration, loops: []) }
    #expect(error?.code == .unsupported)
  }
}

private final class Count: Sendable {
  private let count = Atomic(0)
  var value: Int { count.load(ordering: .relaxed) }

  @discardableResult
  func next() -> Int { count.add(1, ordering: .relaxed).newValue }
}
