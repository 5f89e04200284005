import DatabaseTesting
import FoundationEssentials
import Glibc
import Postgres
import ResourcePool
import Testing

@Suite(.everyWay) struct StreamTests {
  struct Number: PostgresRow, Equatable {
    var n: Int
    var text: String
  }

  @Test func `rows come one by one as values, tuples, structs and undecoded, on a pool, a connection, a transaction`()
    async throws
  {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      func check(_ client: any PostgresClient) async throws {
        var values: [Int] = []
        for try await n in client.stream("SELECT n FROM generate_series(1, 3) n", as: Int.self) { values.append(n) }
        #expect(values == [1, 2, 3])
        var tuples: [String] = []
        for try await (n, text) in client.stream(
          "SELECT n, n::text FROM generate_series(\(1)::int8, 3) n", as: (Int, String).self)
        {
          tuples.append("\(n)\(text)")
        }
        #expect(tuples == ["11", "22", "33"])
        var structs: [Number] = []
        for try await number in client.stream(
          "SELECT n::text AS text, n FROM generate_series(1, 2) n", as: Number.self)
        {
          structs.append(number)
        }
        #expect(structs == [Number(n: 1, text: "1"), Number(n: 2, text: "2")])
        var rows = 0
        for try await row in client.stream("SELECT 7 AS seven") {
          let seven: Int = try row.decode(0)
          rows += seven
        }
        #expect(rows == 7)
      }
      try await check(pool)
      try await pool.withConnection { connection in try await check(connection) }
      try await pool.transaction { tx in try await check(tx) }
      #expect(pool.stat().newCount == 1)
    }
  }

  @Test func `400 MB of rows pass through little memory, and a slow reader slows the server`() async throws {
    try await withTestDatabase(configure: { $0.maxConnections = 2 }) { pool in
      let before = residentMemory()
      var (sum, count, most) = (0, 0, 0)
      for try await n in pool.stream(
        "SELECT generate_series(1, 40000), repeat('x', 10000)", as: (Int, String).self)
      {
        sum += n.0
        count += 1
        if count == 100 {
          // The server cannot have got much further: it waits for us.
          try await until {
            try await pool.optional(
              "SELECT wait_event FROM pg_stat_activity WHERE query LIKE 'SELECT generate_series(1, 40000)%' AND datname = current_database()",
              as: String?.self) == "ClientWrite"
          }
        }
        if count.isMultiple(of: 2_000) { most = max(most, residentMemory() - before) }
      }
      #expect(count == 40_000 && sum == 800_020_000)
      // Other tests run in this process: their memory is in it, 165 MB once; the rows (400 MB) would be too.
      #expect(most < 300_000_000)
    }
  }

  @Test func `a reader of small rows that keeps reading is not run ahead of`() async throws {
    try await withTestDatabase(configure: { $0.maxConnections = 2 }) { pool in
      var count = 0
      for try await n in pool.stream("SELECT generate_series(1, 400000)", as: Int.self) {
        count += 1
        // No expectation for each row, which takes longer than the row.
        guard n == count else { break }
        guard count == 100_000 else { continue }
        // Were all of it on our side by now, the server would be done.
        let state: String? = try await pool.one(
          "SELECT state FROM pg_stat_activity WHERE query LIKE 'SELECT generate_series(1, 400000)%' AND datname = current_database()"
        )
        #expect(state == "active")
        break
      }
      #expect(count == 100_000)
    }
  }

  @Test func `a loop left early cancels the query, and the connection is used again`()
    async throws
  {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      for _ in 0..<8 {
        for try await n in pool.stream("SELECT generate_series(1, 100000000)", as: Int.self) where n > 3 { break }
        let one: Int = try await pool.one("SELECT 1")
        #expect(one == 1)
      }
      #expect(pool.stat().newCount == 1)
      try await until { pool.stat().acquired == 0 }
    }
  }

  @Test func `an error in the middle is thrown where it happens, after the rows before it`()
    async throws
  {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      var seen = 0
      let error = await #expect(throws: PostgresError.self) {
        for try await _ in pool.stream(
          "SELECT 1 / (1000 - n) FROM generate_series(1, 2000) n", as: Int.self, name: "Div")
        {
          seen += 1
        }
      }
      #expect(error?.sqlState == .divisionByZero && error?.queryName == "Div")
      // With libpq 17 rows come 16 at a time at first, and those that came with the error are lost.
      #expect((984...999).contains(seen))
      let wrong = await #expect(throws: PostgresError.self) {
        for try await _ in pool.stream("SELECT n FROM generate_series(1, 100000) n", as: String.self) {}
      }
      #expect(wrong?.code == .decoding)
      await expectError(.syntaxError) { for try await _ in pool.stream("SELEC") {} }
      let one: Int = try await pool.one("SELECT 1")
      #expect(one == 1)
      #expect(pool.stat().newCount == 1)
    }
  }

  @Test func `a cancelled reader ends with CancellationError, a late one with timedOut`()
    async throws
  {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      let reader = Task {
        var count = 0
        for try await _ in pool.stream("SELECT pg_sleep(0.01) FROM generate_series(1, 1000000)") { count += 1 }
        return count
      }
      try await until { pool.stat().acquired == 1 }
      reader.cancel()
      await #expect(throws: CancellationError.self) { try await reader.value }
      try await until { pool.stat().acquired == 0 }
      let late = await lateness { limit in
        for try await _ in pool.stream("SELECT pg_sleep(3600)", timeout: limit) {}
      }
      #expect(late?.code == .timedOut)
      let one: Int = try await pool.one("SELECT 1")
      #expect(one == 1)
      #expect(pool.stat().newCount == 1)
    }
  }

  @Test func `other statements on the connection of an open stream fail at once instead of waiting for ever`()
    async throws
  {
    try await withTestDatabase { pool in
      try await pool.transaction { tx in
        for try await n in tx.stream("SELECT n FROM generate_series(1, 100000) n", as: Int.self) where n == 2 {
          let error = await #expect(throws: PostgresError.self) { try await tx.execute("SELECT 1") }
          #expect(error?.code == .busy)
          let other: Int = try await pool.one("SELECT 1")
          #expect(other == 1)
          break
        }
        // Left early, it is read to its end instead of cancelled: that would fail the transaction.
        let one: Int = try await tx.one("SELECT 1")
        #expect(one == 1)
      }
    }
  }

  @Test func `so do statements that are sent before its first row has come`() async throws {
    try await withTestDatabase(configure: { $0.maxConnections = 2 }) { pool in
      try await pool.withConnection { holder in
        try await holder.execute("BEGIN")
        try await holder.execute("SELECT pg_advisory_xact_lock(1)")
        try await pool.transaction { tx in
          let reader = Task { for try await _ in tx.stream("SELECT pg_advisory_xact_lock(1)") {} }
          try await until {
            try await holder.one(
              """
              SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database d ON d.oid = database
              WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted)
              """)
          }
          let error = await #expect(throws: PostgresError.self) {
            try await tx.execute("SELECT 1", timeout: .seconds(60))
          }
          #expect(error?.code == .busy)
          try await holder.execute("ROLLBACK")
          try await reader.value
          let one: Int = try await tx.one("SELECT 1")
          #expect(one == 1)
        }
      }
    }
  }

  @Test func `a stream whose prepared statement is stale prepares it again, and an iteration can be repeated`()
    async throws
  {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      try await pool.execute("CREATE TABLE t AS SELECT 1 AS a")
      let stream = pool.stream("SELECT * FROM t")
      for width in 1...3 {
        var widths: [Int] = []
        for try await row in stream { widths.append(row.columns.count) }
        #expect(widths == [width])
        try await pool.execute("ALTER TABLE t ADD COLUMN \(identifier: "c\(width)") int")
      }
    }
  }

  @Test func `a connection lost in the middle ends the stream with that, and is replaced`() async throws {
    try await withTestDatabase(configure: { $0.maxConnections = 2 }) { pool in
      let error = await #expect(throws: PostgresError.self) {
        for try await n in pool.stream("SELECT generate_series(1, 99999999)", as: Int.self) where n == 5 {
          try await pool.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND query LIKE '%99999999%' AND pid <> pg_backend_pid()
            """)
        }
      }
      #expect(error?.code == .connectionLost || error?.sqlState == .adminShutdown)
      try await until { pool.stat().acquired == 0 }
      let one: Int = try await pool.one("SELECT 1")
      #expect(one == 1)
    }
  }
}

/// In bytes.
private func residentMemory() -> Int {
  guard let file = fopen("/proc/self/statm", "r") else { return 0 }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 128)
  guard fgets(&line, 128, file) != nil else { return 0 }
  let fields = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(
    separator: " ")
  return fields.count > 1 ? (Int(fields[1]) ?? 0) * 4096 : 0
}
