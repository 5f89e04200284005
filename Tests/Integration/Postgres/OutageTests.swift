import DatabaseTesting
import EmbeddedPostgres
import EventLoop
import Glibc
import Postgres
import ResourcePool
import StructuredLogging
import Synchronization
import Testing

/// What happens to a pool when its server goes away. Each test has a server of its own to kill.
// Not behind a pooler, but for the test that says so: servers of its own, which are killed.
@Suite struct OutageTests {
  private func withServer(_ body: (EmbeddedPostgres, EventLoop) async throws -> Void) async throws {
    let server = try await EmbeddedPostgres.start(.temporary)
    let loop = try EventLoop()
    let result: Result<Void, any Error>
    do { result = .success(try await body(server, loop)) } catch { result = .failure(error) }
    await loop.stop()
    await server.stop()
    try result.get()
  }

  @Test func `queries fail while the server is down, and work again by themselves when it is back`() async throws {
    try await withServer { server, loop in
      var configuration = PostgresPool.Configuration(try ConnectOptions(server.connectionString))
      configuration.acquireTimeout = .milliseconds(200)
      let pool = try PostgresPool(configuration, loop: loop)
      try await pool.start()
      await server.kill()
      try await until { (try? await pool.ping()) == nil }
      await #expect(throws: (any Error).self) { try await pool.execute("SELECT 1") }
      try await server.restart()
      try await until { (try? await pool.ping()) != nil }
      let one: Int = try await pool.one("SELECT 1")
      #expect(one == 1)
      await pool.close()
    }
  }

  @Test func `no task hangs and no slot leaks when the server is killed under load, again and again`() async throws {
    try await withServer { server, loop in
      var configuration = PostgresPool.Configuration(try ConnectOptions(server.connectionString))
      configuration.acquireTimeout = .milliseconds(500)
      let pool = try PostgresPool(configuration, loop: loop)
      try await pool.start()
      try await withThrowingTaskGroup(of: Int.self) { group in
        let end = Flag()
        // Also when what follows throws: the group waits for its tasks.
        defer { end.set() }
        for _ in 0..<32 {
          group.addTask {
            var answers = 0
            while !end.isSet {
              if let one = try? await pool.one("SELECT 1", as: Int.self) { answers += one }
              await Task.yield()
            }
            return answers
          }
        }
        for _ in 0..<rounds(3) {
          await server.kill()
          try await server.restart()
          try await until { (try? await pool.ping()) != nil }
        }
        end.set()
        let answers = try await group.reduce(0, +)
        #expect(answers > 0)
      }
      try await until { pool.stat().acquired == 0 && pool.stat().waiting == 0 }
      let held = await pool.close(deadline: .now + .seconds(10))
      #expect(held.isEmpty)
      #expect(pool.stat().total == 0)
    }
  }

  @Test func `a pool does not start without a server, and the error names the place but no password`() async throws {
    let loop = try EventLoop()
    let options = try ConnectOptions("host=/nonexistent dbname=app user=ada password=hunter2")
    let pool = try PostgresPool(PostgresPool.Configuration(options), loop: loop)
    let error = await #expect(throws: PostgresError.self) { try await pool.start() }
    #expect(error?.code == .connectionFailed)
    #expect(error?.description.contains("host=/nonexistent dbname=app user=ada") == true)
    #expect(error?.debugDescription.contains("hunter2") == false)
    await loop.stop()
  }

  @Test func `of several hosts the first that answers is taken, and a silent one costs its own time only`() async throws
  {
    try await TestDatabase.with { database in
      let silent = try SilentServer()
      var options = database.options
      options["host"] = "127.0.0.1,\(options["host"] ?? "")"
      options["port"] = "\(silent.port),\(options["port"] ?? "5432")"
      // Of each host: the silent one takes all of it, the other is to have enough on a busy machine.
      options.connectTimeout = .seconds(5)
      let connection = try await PostgresConnection.connect(options, loop: database.loop)
      let one: Int = try await connection.one("SELECT 1")
      #expect(one == 1)
      await connection.close()
    }
  }

  @Test func `a notice is logged, by a log that may itself ask the connection`() async throws {
    try await TestDatabase.with { database in
      let output = RecordingLogOutput()
      let connection = try await PostgresConnection.connect(
        database.options, loop: database.loop, logger: Logger(label: "test", output: output))
      try await connection.script("DO $$ BEGIN RAISE NOTICE 'careful'; END $$")
      #expect(output.entry("postgres notice: careful") != nil)
      await connection.close()
    }
  }

  @Test func `a database that does not exist is told by its SQLSTATE`() async throws {
    try await TestDatabase.with { database in
      var options = database.options
      options.database = "nothing"
      let pool = try PostgresPool(PostgresPool.Configuration(options), loop: database.loop)
      let error = await #expect(throws: PostgresError.self) { try await pool.start() }
      #expect(error?.sqlState == .invalidCatalogName)
      #expect(error?.description.contains(#"database "nothing" does not exist"#) == true)
    }
  }

  @Test(.everyWay) func `a ping does not wait for a pool whose connections are all in use`() async throws {
    try await withTestDatabase(configure: {
      $0.maxConnections = 1
      $0.acquireTimeout = .seconds(60)
    }) { pool in
      try await pool.withConnection { _ in try await pool.ping(timeout: .seconds(60)) }
      #expect(pool.stat().emptyAcquireCount == 0)
    }
  }

  @Test func `a session that the server ends for what it does itself costs the pool that connection alone`()
    async throws
  {
    try await withTestDatabase(configure: { $0.maxConnections = 3 }) { pool in
      try await pool.withConnection { first in
        try await pool.withConnection { second in try await second.execute("SELECT 1") }
        try await first.execute("SELECT 1")
      }
      let error = await #expect(throws: PostgresError.self) {
        try await pool.transaction { tx in
          try await tx.execute("SET LOCAL idle_in_transaction_session_timeout = 1")
          try await until { !tx.connection.isOpen }
          try await tx.execute("SELECT 1")
        }
      }
      #expect(error?.code == .connectionLost)
      #expect(error?.sqlState?.rawValue == "25P03")
      try await pool.withConnection { first in
        try await pool.withConnection { second in try await second.execute("SELECT 1") }
        try await first.execute("SELECT 1")
      }
      #expect(pool.stat().newCount == 3, "\(pool.dump())")
    }
  }

  @Test func `a terminated connection is replaced`() async throws {
    try await withTestDatabase(configure: { $0.maxConnections = 2 }) { pool in
      let victim = try await pool.withConnection { connection -> Int32 in
        await #expect(throws: PostgresError.self) {
          try await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        }
        #expect(!connection.isOpen)
        return connection.processID
      }
      let successor = try await pool.withConnection { $0.processID }
      #expect(victim != successor)
    }
  }
}

extension EmbeddedPostgres {
  /// Ends the server as a crash does, and waits until it is gone.
  func kill() async {
    guard let processID else { return }
    Glibc.kill(processID, SIGKILL)
    _ = await waitForExit()
  }
}
