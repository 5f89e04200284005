import DatabaseTesting
import EventLoop
import Migrations
import Postgres
import Synchronization
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

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

  @Test func `migrations come before the seed`() async throws {
    let up = Migration.Script(file: "1_teas.up.sql", text: "CREATE TABLE teas (name text PRIMARY KEY)")
    let set = MigrationSet("shop", [Migration(version: 1, title: "teas", up: up, down: nil)])
    let template = DatabaseTemplate(migrations: [set]) { try await $0.execute("INSERT INTO teas VALUES ('Assam')") }
    for _ in 1...2 {
      try await withTestDatabase(template) { pool in
        let names: [String] = try await pool.all("SELECT name FROM teas")
        #expect(names == ["Assam"])
      }
    }
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

  @Test func `a test that is cancelled keeps its result, and its database is gone`() async throws {
    let begun = AsyncStream<String>.makeStream()
    let test = Task {
      try await withTestDatabase { pool in
        begun.continuation.yield(pool.configuration.connect.database ?? "")
        // Until it is cancelled.
        try? await Task.sleep(for: .seconds(3600))
        return 42
      }
    }
    let name = try #require(await begun.stream.first { _ in true })
    test.cancel()
    #expect(try await test.value == 42)
    try await withTestDatabase { pool in
      let left: Int = try await pool.one("SELECT count(*) FROM pg_database WHERE datname = \(name)")
      #expect(left == 0)
    }
  }

  @Test func `what libpq finds in the environment leads no test elsewhere`() async {
    await #expect(processExitsWith: .success) {
      setenv("PGHOSTADDR", "127.0.0.1", 1)
      setenv("PGCHANNELBINDING", "require", 1)
      setenv("PGTARGETSESSIONATTRS", "standby", 1)
      let one: Int = try await withTestDatabase { pool in try await pool.one("SELECT 1") }
      #expect(one == 1)
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
