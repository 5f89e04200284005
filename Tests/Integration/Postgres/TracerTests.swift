import DatabaseTesting
import Postgres
import ResourcePool
import Synchronization
import Testing

/// What a tracer hears of each thing that a pool can do.
@Suite(.everyWay) struct TracerTests {
  private func traced(_ body: (PostgresPool, EventRecorder) async throws -> Void) async throws {
    try await TestDatabase.with { database in
      let recorder = EventRecorder()
      var configuration = PostgresPool.Configuration(database.options)
      try await Way.current.apply(to: &configuration.connect)
      configuration.maxConnections = 1
      let pool = try PostgresPool(configuration, loop: database.loop, tracer: recorder)
      try await pool.start()
      #expect(recorder.take().last == "connected")
      try await pool.execute("CREATE TABLE t (id int PRIMARY KEY)")
      _ = recorder.take()
      try await body(pool, recorder)
      await pool.close()
    }
  }

  @Test(.except(.pgBouncer, "nothing is prepared there"))
  func `a query is told from the acquire to its rows, and prepared once`() async throws {
    try await traced { pool, recorder in
      for isFirst in [true, false] {
        let numbers: [Int] = try await pool.all("SELECT * FROM generate_series(1, \(3)::int) n", name: "Numbers")
        #expect(numbers == [1, 2, 3])
        let expected = ["acquired for Numbers, shared", "query Numbers begins", "Numbers prepared", "query Numbers: 3"]
        #expect(recorder.take() == expected.filter { isFirst || $0 != "Numbers prepared" })
      }
    }
  }

  @Test(.except(.pgBouncer, "nothing is prepared there"))
  func `a query that fails is told with its error`() async throws {
    try await traced { pool, recorder in
      await #expect(throws: PostgresError.self) { try await pool.execute("SELECT 1 / 0", name: "Divide") }
      #expect(
        recorder.take() == [
          "acquired for Divide, shared", "query Divide begins", "Divide prepared", "query Divide: 22012",
        ])
    }
  }

  @Test func `a connection that is lent is told when it comes back, and each statement of a transaction`() async throws
  {
    try await traced { pool, recorder in
      try await pool.transaction { tx in _ = try await tx.execute("INSERT INTO t VALUES (1), (2)", name: "Insert") }
      let events = recorder.take()
      #expect(events.first == "acquired" && events.last == "released")
      #expect(events.contains("query Insert: 2"))
      #expect(events.count { $0.hasSuffix("begins") } == 3, "\(events)")
    }
  }

  @Test(.except(.pgBouncer, "nothing is prepared there"))
  func `scripts, streams, batches and COPY both ways are told by their kind`() async throws {
    try await traced { pool, recorder in
      try await pool.withConnection { connection in try await connection.script("SELECT 1; SELECT 2") }
      #expect(recorder.take() == ["acquired", "script begins", "script: 0", "released"])

      var batch = PostgresBatch()
      batch.execute("INSERT INTO t VALUES (7)")
      batch.execute("INSERT INTO t VALUES (8)")
      _ = try await pool.run(batch, name: "Both")
      #expect(
        recorder.take() == [
          "acquired for Both", "batch Both begins", "Both prepared", "Both prepared", "batch Both: 2", "released",
        ])
      var separate = PostgresBatch(.separate)
      separate.execute("INSERT INTO t VALUES (7)")
      separate.execute("INSERT INTO t VALUES (9)")
      _ = try await pool.run(separate, name: "Each")
      #expect(
        recorder.take().filter { $0.hasPrefix("batch") } == [
          "batch Each begins", "batch Each, one of: 23505", "batch Each: 1",
        ])

      try await pool.execute("TRUNCATE t", name: "Empty")
      _ = recorder.take()
      _ = try await pool.run(batch, name: "Both")
      #expect(recorder.take() == ["acquired for Both", "batch Both begins", "batch Both: 2", "released"])

      for try await _ in pool.stream("SELECT id FROM t", as: Int.self, name: "Walk") {}
      let walk = ["acquired for Walk", "stream Walk begins", "Walk prepared", "stream Walk: 2", "released"]
      // The reader and the connection come to their ends each by itself.
      try await until { recorder.count == walk.count }
      #expect(Set(recorder.take()) == Set(walk))

      _ = try await pool.copyIn("COPY t FROM STDIN") { writer in try await writer.write("1\n2\n3\n") }
      #expect(recorder.take() == ["acquired", "copyIn begins", "copyIn: 3", "released"])
      for try await _ in pool.copyOut("COPY t TO STDOUT") {}
      try await until { recorder.count == 4 }
      #expect(Set(recorder.take()) == ["acquired", "copyOut begins", "copyOut: 5", "released"])
    }
  }

  @Test func `what is undone with its connection, or by its COMMIT, is told as failed`() async throws {
    try await traced { pool, recorder in
      for isolation in [PostgresBatch.Isolation.together, .separate] {
        var batch = PostgresBatch(isolation)
        batch.execute("BEGIN")
        batch.execute("INSERT INTO t VALUES (1)")
        let open = batch
        await #expect(throws: PostgresError.self) { try await pool.run(open, name: "Open") }
        #expect(
          recorder.take().filter { $0.hasPrefix("batch") } == ["batch Open begins", "batch Open: PostgresError"])
      }
      await #expect(throws: PostgresError.self) {
        try await pool.transaction { tx in _ = try? await tx.execute("SELECT 1 / 0", name: "Divide") }
      }
      #expect(recorder.take().last { $0.hasPrefix("query:") } == "query: PostgresError")
    }
  }

  @Test(.except(.pgBouncer, "LISTEN belongs to a session"))
  func `a listener's connection is told, and what it says`() async throws {
    try await traced { pool, recorder in
      var events = pool.listen(to: "orders").makeAsyncIterator()
      let first = try await events.next()
      #expect(first == .listening)
      #expect(recorder.take().filter { !$0.contains("prepared") } == ["connected", "query begins", "query: 0"])
    }
  }

  /// Keeps of each query that failed whether its transaction is run again.
  private final class Conflicts: QueryTracer {
    private let seen = Mutex<[Bool]>([])
    var all: [Bool] { seen.withLock { $0 } }

    func record(_ event: TraceEvent) {
      if case .queryEnded(let trace, _, .failure) = event { seen.withLock { $0.append(trace.isRunAgain) } }
    }
  }

  @Test func `of a conflict a tracer knows whether the transaction is run again`() async throws {
    try await TestDatabase.with { database in
      let conflicts = Conflicts()
      var configuration = PostgresPool.Configuration(database.options)
      try await Way.current.apply(to: &configuration.connect)
      configuration.maxConnections = 1
      let pool = try PostgresPool(configuration, loop: database.loop, tracer: conflicts)
      try await pool.start()
      let conflict: SQL = "DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$"
      await #expect(throws: PostgresError.self) {
        try await pool.transaction(retrying: .serialization(attempts: 3)) { tx in try await tx.execute(conflict) }
      }
      #expect(conflicts.all == [true, true, false])
      await #expect(throws: PostgresError.self) { try await pool.execute(conflict) }
      #expect(conflicts.all.last == false && conflicts.all.count == 4)
      await pool.close()
    }
  }

  @Test func `an acquire that was waited for in vain is told with its error`() async throws {
    try await traced { pool, recorder in
      try await pool.withConnection { _ in
        _ = recorder.take()
        let query = Task { try await pool.execute("SELECT 1", name: "Late") }
        query.cancel()
        await #expect(throws: CancellationError.self) { try await query.value }
        #expect(recorder.take() == ["not acquired for Late, shared: CancellationError"])
      }
    }
  }

  @Test func `whoever has a connection for itself alone is told to have had it so long`() async throws {
    try await traced { pool, recorder in
      for try await _ in pool.stream("SELECT 1 FROM pg_sleep(0.05)", as: Int.self) {}
      for try await _ in pool.copyOut("COPY (SELECT 1 FROM pg_sleep(0.05)) TO STDOUT") {}
      var batch = PostgresBatch()
      batch.execute("SELECT pg_sleep(0.05)")
      _ = try await pool.run(batch)
      try await pool.execute("SELECT pg_sleep(0.05)", timeout: .seconds(60))
      try await pool.withConnection { _ = try await $0.execute("SELECT pg_sleep(0.05)") }
      try await until { recorder.held.count == 5 }
      #expect(recorder.held.allSatisfy { $0 >= .milliseconds(50) })
    }
  }
}

/// The events in words, without times and numbers of processes.
private final class EventRecorder: QueryTracer {
  private let words = Mutex<[String]>([])
  private let times = Mutex<[Duration]>([])

  /// How long each connection was lent that came back.
  var held: [Duration] { times.withLock { $0 } }

  var count: Int { words.withLock { $0.count } }

  /// What was told since the last call.
  func take() -> [String] {
    words.withLock { words in
      defer { words = [] }
      return words
    }
  }

  func record(_ event: TraceEvent) {
    if case .released(_, _, let held) = event { times.withLock { $0.append(held) } }
    let word =
      switch event {
      case .queryStarted(let query): "\(Self.subject(query)) begins"
      case .queryEnded(let query, _, .success(let rows)): "\(Self.subject(query)): \(rows)"
      case .queryEnded(let query, _, .failure(let error)): "\(Self.subject(query)): \(Self.code(error))"
      case .statementFailed(let query, let error): "\(Self.subject(query)), one of: \(Self.code(error))"
      case .connectEnded(_, .success): "connected"
      case .connectEnded(_, .failure(let error)): "not connected: \(Self.code(error))"
      case .acquireEnded(let acquire, _, nil): "acquired\(Self.purpose(acquire))"
      case .acquireEnded(let acquire, _, let error?): "not acquired\(Self.purpose(acquire)): \(Self.code(error))"
      case .released(_, let isSound, _): isSound ? "released" : "released, broken"
      case .prepared(let query): "\(query.name ?? "") prepared"
      }
    words.withLock { $0.append(word) }
  }

  private static func subject(_ query: QueryTrace) -> String {
    query.operation.rawValue + (query.name.map { " \($0)" } ?? "")
  }

  private static func purpose(_ acquire: AcquireTrace) -> String {
    (acquire.name.map { " for \($0)" } ?? "") + (acquire.isShared ? ", shared" : "")
  }

  private static func code(_ error: any Error) -> String {
    (error as? PostgresError)?.sqlState?.description ?? "\(type(of: error))"
  }
}
