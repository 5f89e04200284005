import DatabaseTesting
import ResourcePool
import Synchronization
import Testing

@testable import Postgres

/// Rows of a long answer are read while more of them come. With libpq 17 they come many at a time; here they do so, one by one,
/// with an older libpq too.
@Suite struct ReadAheadTests {
  struct Line: PostgresRow, Equatable {
    var n: Int
    var text: String
  }

  /// From the second time on that a connection answers it, if the first answer was long.
  private func lines(_ count: Int) -> SQL {
    // In the list of columns it is made as it is read; in FROM, all of it before.
    "SELECT generate_series(1, \(count)) AS n, repeat('x', 100) AS text"
  }

  private func reading(
    maxConnections: Int = 1, _ body: (PostgresPool) async throws -> Void
  ) async throws {
    try await withTestDatabase(configure: { $0.maxConnections = maxConnections }) { pool in
      try await pool.withConnection { connection in connection.core.session.withLock { $0.readsAhead = true } }
      try await body(pool)
    }
  }

  /// How many rows came at a time.
  private func chunks(_ client: any PostgresClient, _ sql: SQL) async throws -> [Int] {
    var chunks: [Int] = []
    try await client.query(sql, options: QueryOptions()) { rows in chunks.append(rows.count) }
    return chunks
  }

  @Test func `a long answer comes in pieces once it is known to be long, and a short one as a whole`() async throws {
    try await reading { pool in
      let first = try await chunks(pool, lines(2000))
      #expect(first == [2000])
      let second = try await chunks(pool, lines(3000))
      #expect(second.count > 5 && second.reduce(0, +) == 3000)
      // It was known to be long, and tells that it is not.
      let short = try await chunks(pool, lines(2))
      #expect(short.reduce(0, +) == 2)
      let whole = try await chunks(pool, lines(3))
      #expect(whole == [3])
      let none = try await chunks(pool, lines(0))
      #expect(none == [0])
      #expect(pool.stat().newCount == 1)
    }
  }

  @Test func `values, tuples and structs are the same as ever, on a pool, a connection and a transaction`() async throws
  {
    try await reading { pool in
      func check(_ client: any PostgresClient) async throws {
        let text = String(repeating: "x", count: 100)
        for _ in 0..<3 {
          let values: [String] = try await client.all("SELECT repeat('x', 100) FROM generate_series(1, 1500)")
          #expect(values == Array(repeating: text, count: 1500))
          let tuples: [(Int, String)] = try await client.all(lines(1500))
          #expect(tuples.map(\.0) == Array(1...1500) && tuples.allSatisfy { $0.1 == text })
          let structs: [Line] = try await client.all(lines(1501))
          #expect(structs == (1...1501).map { Line(n: $0, text: text) })
        }
      }
      try await check(pool)
      try await pool.withConnection { connection in try await check(connection) }
      try await pool.transaction { tx in try await check(tx) }
      #expect(pool.stat().newCount == 1)
    }
  }

  @Test func `a row that does not fit is told when all have come, and the transaction goes on`() async throws {
    try await reading { pool in
      func sql(_ null: Int) -> SQL {
        "SELECT CASE WHEN n <> \(null) THEN n END, repeat('x', 100) FROM generate_series(1, 2000) n"
      }
      try await pool.transaction { tx in
        let rows: [(Int, String)] = try await tx.all(sql(0))
        #expect(rows.count == 2000)
        let error = await #expect(throws: PostgresError.self) {
          let _: [(Int, String)] = try await tx.all(sql(1000), name: "Gap")
        }
        #expect(error?.code == .decoding && error?.column == "case" && error?.queryName == "Gap")
        let one: Int = try await tx.one("SELECT 1")
        #expect(one == 1)
      }
    }
  }

  @Test func `an error of the server's in the middle is thrown, and the connection is used again`() async throws {
    try await reading { pool in
      func sql(_ zero: Int) -> SQL {
        "SELECT 1 / (n - \(zero)), repeat('x', 100) FROM generate_series(1, 3000) n"
      }
      _ = try await chunks(pool, sql(0))
      var count = 0
      let error = await #expect(throws: PostgresError.self) {
        try await pool.query(sql(2900), options: QueryOptions(name: "Div")) { rows in count += rows.count }
      }
      #expect(error?.sqlState == .divisionByZero && error?.queryName == "Div")
      #expect((1...2899).contains(count))
      let one: Int = try await pool.one("SELECT 1")
      #expect(one == 1 && pool.stat().newCount == 1)
    }
  }

  @Test func `who is cancelled while it reads, or is late, is told so, and the connection is used again`() async throws
  {
    try await reading { pool in
      _ = try await chunks(pool, lines(2000))
      let isReading = Atomic(false)
      let reader = Task {
        try await pool.query(lines(1_000_000_000), options: QueryOptions()) { _ in
          isReading.store(true, ordering: .relaxed)
        }
      }
      try await until { isReading.load(ordering: .relaxed) }
      reader.cancel()
      await #expect(throws: CancellationError.self) { try await reader.value }
      try await until { pool.stat().acquired == 0 }
      let late = await lateness { limit in
        try await pool.query(lines(1_000_000_000), options: QueryOptions(timeout: limit)) { _ in }
      }
      #expect(late?.code == .timedOut)
      let one: Int = try await pool.one("SELECT 1")
      #expect(one == 1 && pool.stat().newCount == 1)
    }
  }

  @Test func `other queries go over the same connection meanwhile, and each has its own answer`() async throws {
    try await reading { pool in
      _ = try await chunks(pool, lines(2000))
      try await withThrowingTaskGroup(of: Void.self) { group in
        for task in 0..<16 {
          group.addTask {
            for round in 1...10 {
              let count = 1000 + 16 * round + task
              let rows: [(Int, String)] = try await pool.all(lines(count))
              #expect(rows.count == count && rows.last?.0 == count)
              let one: Int = try await pool.one("SELECT \(count)::int8")
              #expect(one == count)
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(pool.stat().newCount == 1)
    }
  }

  @Test func `a connection lost in the middle is told, and replaced`() async throws {
    try await reading(maxConnections: 2) { pool in
      try await pool.withConnection { connection in
        _ = try await chunks(connection, lines(2000))
        let process = connection.processID
        let isReading = Atomic(false)
        async let end: Void = {
          try await until { isReading.load(ordering: .relaxed) }
          try await pool.execute("SELECT pg_terminate_backend(\(process))")
        }()
        let error = await #expect(throws: PostgresError.self) {
          try await connection.query(lines(1_000_000_000), options: QueryOptions()) { _ in
            isReading.store(true, ordering: .relaxed)
          }
        }
        #expect(error?.code == .connectionLost || error?.sqlState == .adminShutdown)
        try await end
      }
      try await until { pool.stat().acquired == 0 }
      let one: Int = try await pool.one("SELECT 1")
      #expect(one == 1)
    }
  }

  @Test func `a statement that is stale is prepared again`() async throws {
    try await reading { pool in
      try await pool.execute("CREATE TABLE t AS SELECT n, repeat('x', 100) AS text FROM generate_series(1, 2000) n")
      for width in 2...4 {
        for _ in 0..<2 {
          var widths: Set<Int> = []
          var count = 0
          try await pool.query("SELECT * FROM t", options: QueryOptions()) { rows in
            widths.insert(rows.columns.count)
            count += rows.count
          }
          #expect(widths == [width] && count == 2000)
        }
        try await pool.execute("ALTER TABLE t ADD COLUMN \(identifier: "c\(width)") int")
      }
      #expect(pool.stat().newCount == 1)
    }
  }

  @Test func `a client that wraps another is given the whole answer`() async throws {
    struct Counting: PostgresClient {
      let pool: PostgresPool
      let counts = Counts()

      func query(_ sql: SQL, options: QueryOptions) async throws -> PostgresResult {
        let result = try await pool.query(sql, options: options)
        counts.sum.add(result.count, ordering: .relaxed)
        return result
      }

      func checkOut(_ options: QueryOptions) async throws -> PostgresCheckout { try await pool.checkOut(options) }
    }
    final class Counts: Sendable { let sum = Atomic(0) }
    try await reading { pool in
      let client = Counting(pool: pool)
      for _ in 0..<2 {
        let rows: [Line] = try await client.all(lines(2000))
        #expect(rows.count == 2000)
      }
      #expect(client.counts.sum.load(ordering: .relaxed) == 4000)
    }
  }
}
