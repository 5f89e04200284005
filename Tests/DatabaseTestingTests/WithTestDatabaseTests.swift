import DatabaseTesting
import EventLoop
import Postgres
import Synchronization
import Testing

@Suite struct WithTestDatabaseTests {
  @Test(arguments: 1...24)
  func `tests at once do not see each other`(number: Int) async throws {
    try await withTestDatabase { pool in
      try await pool.execute("CREATE TABLE mine AS SELECT \(number) AS number")
      let numbers: [Int] = try await pool.all("SELECT number FROM mine")
      #expect(numbers == [number])
    }
  }

  @Test func `a template is made once and every test gets a copy`() async throws {
    let seeds = Atomic(0)
    let template = DatabaseTemplate(migrations: []) { connection in
      seeds.add(1, ordering: .relaxed)
      try await connection.execute("CREATE TABLE things AS SELECT 'tea' AS name")
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 1...6 {
        group.addTask {
          try await withTestDatabase(template) { pool in
            try await pool.execute("INSERT INTO things VALUES ('milk')")
            let count: Int = try await pool.one("SELECT count(*) FROM things")
            #expect(count == 2)
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(seeds.load(ordering: .relaxed) == 1)
  }

  @Test func `a template that fails fails every test that asks for it, with its own error`() async throws {
    let template = DatabaseTemplate(migrations: []) { try await $0.execute("SELECT nonsense") }
    for _ in 1...2 {
      let error = await #expect(throws: PostgresError.self) { try await withTestDatabase(template) { _ in } }
      #expect(error?.message.contains("nonsense") == true)
    }
  }

  @Test func `the database is gone after the test, also when that throws`() async throws {
    struct Failure: Error {}
    let seen = Mutex<[String]>([])
    try await withTestDatabase { pool in
      seen.withLock { $0.append(pool.configuration.connect.database ?? "") }
    }
    await #expect(throws: Failure.self) {
      try await withTestDatabase { pool in
        seen.withLock { $0.append(pool.configuration.connect.database ?? "") }
        throw Failure()
      }
    }
    let names = seen.withLock { $0 }
    #expect(Set(names).count == 2)
    try await withTestDatabase { pool in
      let left: Int = try await pool.one("SELECT count(*) FROM pg_database WHERE datname = ANY(\(names))")
      #expect(left == 0)
    }
  }

  @Test func `a test may take a second database while it has one`() async throws {
    try await withTestDatabase { first in
      try await withTestDatabase { second in
        #expect(first.configuration.connect.database != second.configuration.connect.database)
      }
    }
  }

  @Test func `the pool can be configured, and other means can connect`() async throws {
    try await TestDatabase.with(configure: { $0.maxConnections = 1 }) { database in
      #expect(database.pool.configuration.maxConnections == 1)
      let options = try ConnectOptions(database.connectionString)
      let connection = try await PostgresConnection.connect(options, loop: database.loop)
      let name: String = try await connection.one("SELECT current_database()")
      #expect(name == database.options.database)
      await connection.close()
    }
  }

  @Test func `a connection that a test keeps is an error that names its place`() async throws {
    let done = AsyncStream<Void>.makeStream()
    let error = await #expect(throws: TestDatabaseError.self) {
      try await withTestDatabase { pool in
        let holding = AsyncStream<Void>.makeStream()
        Task {
          try await pool.withConnection { _ in
            holding.continuation.finish()
            for await _ in done.stream {}
          }
        }
        for await _ in holding.stream {}
      }
    }
    done.continuation.finish()
    #expect(error?.description.contains("WithTestDatabaseTests.swift") == true)
  }
}
