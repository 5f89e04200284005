import DatabaseTesting
import FoundationEssentials
import Postgres
import ResourcePool
import Testing

@Suite(.everyWay) struct CopyTests {
  struct Trouble: Error {}

  private static let table = DatabaseTemplate(migrations: []) { connection in
    try await connection.script(
      "CREATE TABLE t (id int PRIMARY KEY, name text, at timestamptz, score real, tags text[]); CREATE SCHEMA shop; CREATE TABLE shop.big (n bigint, name text)"
    )
  }

  @Test func `text goes in and comes out`() async throws {
    try await withTestDatabase(Self.table, configure: { $0.maxConnections = 1 }) { pool in
      let count = try await pool.copyIn("COPY t (id, name) FROM STDIN") { writer in
        for id in 1...3 { try await writer.write("\(id)\tname \(id)\n") }
      }
      #expect(count == 3)
      var text: [UInt8] = []
      for try await piece in pool.copyOut("COPY (SELECT id, name FROM t ORDER BY id) TO STDOUT (FORMAT csv)") {
        text += piece
      }
      #expect(String(decoding: text, as: UTF8.self) == "1,name 1\n2,name 2\n3,name 3\n")
      #expect(pool.stat().newCount == 1)
      // The reader and the connection come to their ends each by itself.
      try await until { pool.stat().acquired == 0 }
    }
  }

  @Test func `rows go in as values, integers and floats in the column's width`() async throws {
    try await withTestDatabase(Self.table, configure: { $0.maxConnections = 1 }) { pool in
      let now = Date(timeIntervalSince1970: 1_700_000_000)
      let count = try await pool.copyRows(into: "t", columns: ["id", "name", "at", "score", "tags"]) { writer in
        try await writer.write(-7, "ada", now, 1.5, ["a", "b"])
        try await writer.write(Int16(8), String?.none, Date?.none, Float(2.5), [String]?.none)
      }
      #expect(count == 2)
      let rows = try await pool.all(
        "SELECT id, name, at, score, tags FROM t ORDER BY id", as: (Int, String?, Date?, Double, [String]?).self)
      #expect(rows[0].0 == -7 && rows[0].1 == "ada" && rows[0].2 == now && rows[0].3 == 1.5)
      #expect(rows[0].4 == ["a", "b"])
      #expect(rows[1].0 == 8 && rows[1].1 == nil && rows[1].2 == nil && rows[1].3 == 2.5 && rows[1].4 == nil)
    }
  }

  @Test func `sequences of bytes and of tuples go in, in a transaction too, and binary comes out as it went in`()
    async throws
  {
    try await withTestDatabase(Self.table) { pool in
      let rows = AsyncStream<(Int, String)> { continuation in
        for n in 0..<100_000 { continuation.yield((n, "row \(n)")) }
        continuation.finish()
      }
      try await pool.transaction { tx in
        let count = try await tx.copyRows(into: "shop.big", columns: ["n", "name"], from: rows)
        #expect(count == 100_000)
      }
      let out = pool.copyOut("COPY shop.big TO STDOUT (FORMAT binary)")
      let copied = try await pool.copyIn("COPY shop.big FROM STDIN (FORMAT binary)", from: out)
      #expect(copied == 100_000)
      let (count, sum) = try await pool.one("SELECT count(*), sum(n)::int8 FROM shop.big", as: (Int, Int).self)
      #expect(count == 200_000 && sum == 2 * 4_999_950_000)
    }
  }

  @Test(arguments: [false, true])
  func `a COPY that the server ended before its data was over ends with the server's error`(givesUp: Bool) async throws
  {
    struct Trouble: Error {}
    // The server does not wait for the end of the data.
    try await withTestDatabase(Self.table, configure: { $0.maxConnections = 2 }) { pool in
      let error = await #expect(throws: PostgresError.self) {
        try await pool.copyIn("COPY t (id) FROM STDIN") { writer in
          try await writer.write(String(repeating: "no number\n", count: 20_000))
          try await until {
            try await pool.one(
              """
              SELECT count(*) = 1 FROM pg_stat_activity
              WHERE datname = current_database() AND state LIKE 'idle%' AND query = 'COPY t (id) FROM STDIN'
              """, as: Bool.self)
          }
          if givesUp { throw Trouble() }
        }
      }
      #expect(error?.sqlState == .invalidTextRepresentation)
      try await until { pool.stat().acquired == 0 }
    }
  }

  @Test func `after a COPY that the server ends before it reads, each call gets its own answer`() async throws {
    let template = DatabaseTemplate(migrations: []) { connection in
      try await connection.script("CREATE TABLE t (id int); CREATE VIEW v AS SELECT * FROM t")
    }
    try await withTestDatabase(template, configure: { $0.maxConnections = 1 }) { pool in
      for round in 0..<200 {
        let error = await #expect(throws: PostgresError.self) {
          try await pool.copyIn("COPY v FROM STDIN") { writer in try await writer.write("1\n") }
        }
        #expect(error?.sqlState == SQLState(rawValue: "42809"))
        for number in [round, -round] {
          let answer: Int = try await pool.one("SELECT \(number)")
          #expect(answer == number)
        }
      }
    }
  }

  @Test func `a COPY that fails in a nested transaction leaves the one around it as it was`() async throws {
    try await withTestDatabase(Self.table) { pool in
      try await pool.transaction { tx in
        try await tx.copyIn("COPY t (id) FROM STDIN") { writer in try await writer.write("1\n") }
        let error = await #expect(throws: PostgresError.self) {
          try await tx.transaction { inner in
            try await inner.copyIn("COPY t (id) FROM STDIN") { writer in
              for _ in 0..<50 { try await writer.write(String(repeating: "no number\n", count: 2000)) }
            }
          }
        }
        #expect(error?.sqlState == .invalidTextRepresentation)
        try await tx.copyIn("COPY t (id) FROM STDIN") { writer in try await writer.write("2\n") }
      }
      #expect(try await pool.all("SELECT id FROM t ORDER BY id", as: Int.self) == [1, 2])
    }
  }

  @Test func `an error names the line and the column of the data, and nothing is copied`()
    async throws
  {
    try await withTestDatabase(Self.table, configure: { $0.maxConnections = 1 }) { pool in
      let error = await #expect(throws: PostgresError.self) {
        try await pool.copyIn("COPY t (id, name) FROM STDIN", name: "Load") { writer in
          try await writer.write("1\ta\n2\tb\nhunter2\tc\n")
        }
      }
      #expect(error?.sqlState == .invalidTextRepresentation && error?.queryName == "Load")
      #expect(error?.line == 3 && error?.column == "id")
      #expect(error?.description.contains("at line 3 of the data, column id") == true)
      #expect(error?.description.contains("hunter2") == false)
      let duplicate = await #expect(throws: PostgresError.self) {
        try await pool.copyRows(into: "t", columns: ["id"]) { writer in
          for id in [1, 2, 2] { try await writer.write(id) }
        }
      }
      #expect(duplicate?.sqlState == .uniqueViolation && duplicate?.line == 3)
      let count: Int = try await pool.one("SELECT count(*) FROM t")
      #expect(count == 0)
      #expect(pool.stat().newCount == 1)
    }
  }

  @Test func `a value that does not fit its column is refused before it is sent`() async throws {
    try await withTestDatabase(Self.table, configure: { $0.maxConnections = 1 }) { pool in
      let tooLarge = await #expect(throws: PostgresError.self) {
        try await pool.copyRows(into: "t", columns: ["id"]) { writer in
          try await writer.write(1)
          try await writer.write(1 << 40)
        }
      }
      #expect(tooLarge?.message == "row 2, column id: the value does not fit integer")
      let wrong = await #expect(throws: PostgresError.self) {
        try await pool.copyRows(into: "t", columns: ["id"]) { writer in try await writer.write(true) }
      }
      #expect(wrong?.message.contains("column id is integer") == true)
      let count = await #expect(throws: PostgresError.self) {
        try await pool.copyRows(into: "t", columns: ["id", "name"]) { writer in try await writer.write(1) }
      }
      #expect(count?.message == "row 1 has only 1 values; the columns are id, name")
      await expectError(.undefinedColumn) {
        try await pool.copyRows(into: "t", columns: ["nothing"]) { writer in try await writer.write(1) }
      }
      // A row that was refused can be left out.
      let copied = try await pool.copyRows(into: "t", columns: ["id"]) { writer in
        for id in [1, 1 << 40, 3] { try? await writer.write(id) }
      }
      #expect(copied == 2)
      #expect(pool.stat().newCount == 1)
    }
  }

  @Test func `a writer that throws, is cancelled or late copies nothing and leaves the connection usable`() async throws
  {
    try await withTestDatabase(Self.table, configure: { $0.maxConnections = 1 }) { pool in
      await #expect(throws: Trouble.self) {
        try await pool.copyIn("COPY t (id) FROM STDIN") { writer in
          try await writer.write("1\n")
          throw Trouble()
        }
      }
      let writing = Task {
        try await pool.copyIn("COPY t (id) FROM STDIN") { writer in
          try await writer.write("1\n")
          try await Task.sleep(for: .seconds(3600))
        }
      }
      try await until { pool.stat().acquired == 1 }
      writing.cancel()
      await #expect(throws: CancellationError.self) { try await writing.value }
      let late = await lateness { limit in
        try await pool.copyIn("COPY t (id) FROM STDIN", timeout: limit) { writer in
          while true {
            try await writer.write("1\n")
            await Task.yield()
          }
        }
      }
      #expect(late?.code == .timedOut)
      let count: Int = try await pool.one("SELECT count(*) FROM t")
      #expect(count == 0)
      #expect(pool.stat().newCount == 1)
    }
  }

  @Test func `a writer is held back while the server has no room`() async throws {
    try await withTestDatabase(Self.table, configure: { $0.maxConnections = 2 }) { pool in
      // The COPY waits for the lock, and nobody reads what is sent.
      let written = Counter()
      try await pool.withConnection { connection in
        try await connection.execute("BEGIN")
        try await connection.execute("LOCK TABLE shop.big")
        let copying = Task {
          try await pool.copyIn("COPY shop.big (name) FROM STDIN") { writer in
            let line = String(repeating: "x", count: 9_999) + "\n"
            for _ in 0..<2_000 {
              try await writer.write(line)
              await written.add(line.utf8.count)
            }
          }
        }
        try await until {
          let waiting: Int = try await connection.one(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'shop.big'::regclass")
          return waiting == 1
        }
        #expect(await written.value < 10_000_000)
        try await connection.execute("COMMIT")
        let count = try await copying.value
        #expect(count == 2_000)
      }
    }
  }

  @Test func `what is no COPY is refused, and a COPY out left early is cancelled`() async throws {
    try await withTestDatabase(Self.table, configure: { $0.maxConnections = 1 }) { pool in
      let error = await #expect(throws: PostgresError.self) { try await pool.copyIn("SELECT 1") { _ in } }
      #expect(error?.code == .unsupported)
      for try await _ in pool.copyOut("COPY (SELECT generate_series(1, 100000000)) TO STDOUT") { break }
      let one: Int = try await pool.one("SELECT 1")
      #expect(one == 1)
      await expectError(.undefinedTable) { for try await _ in pool.copyOut("COPY nothing TO STDOUT") {} }
      await expectError(.divisionByZero) {
        for try await _ in pool.copyOut("COPY (SELECT 1 / (500 - generate_series(1, 1000))) TO STDOUT") {}
      }
      #expect(pool.stat().newCount == 1)
    }
  }

  @Test func `the time of a COPY of rows covers the look at the table, which may be locked`() async throws {
    try await withTestDatabase(Self.table, configure: { $0.maxConnections = 2 }) { pool in
      try await pool.execute("CREATE TABLE numbers (n int)")
      try await pool.transaction { tx in
        try await tx.execute("LOCK TABLE numbers")
        let error = await lateness { limit in
          // A task of its own: this one holds a connection.
          _ = try await Task.detached {
            try await pool.copyRows(into: "numbers", columns: ["n"], timeout: limit) {
              try await $0.write(1)
            }
          }.value
        }
        #expect(error?.code == .timedOut)
      }
    }
  }

  @Test func `a number that real cannot hold is refused, and not copied as infinity or nothing`() async throws {
    try await withTestDatabase { pool in
      try await pool.execute("CREATE TABLE ratios (ratio real)")
      for value in [1e300, -1e300, 1e-300] {
        let error = await #expect(throws: PostgresError.self) {
          try await pool.copyRows(into: "ratios", columns: ["ratio"]) { try await $0.write(value) }
        }
        #expect(error?.code == .encoding)
      }
      try await pool.copyRows(into: "ratios", columns: ["ratio"]) { writer in
        for value in [0.5, 0, .infinity] { try await writer.write(value) }
      }
      let ratios: [Float] = try await pool.all("SELECT ratio FROM ratios ORDER BY ratio")
      #expect(ratios == [0, 0.5, .infinity])
    }
  }

  @Test func `a COPY out of a statement that is none is refused, and the connection is used again`() async throws {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      let error = await #expect(throws: PostgresError.self) { for try await _ in pool.copyOut("SELECT 1") {} }
      #expect(error?.code == .unsupported)
      let one: Int = try await pool.one("SELECT 1")
      #expect(one == 1)
      #expect(pool.stat().newCount == 1)
    }
  }
}

private actor Counter {
  var value = 0
  func add(_ more: Int) { value += more }
}
