import DatabaseTesting
import FoundationEssentials
import Postgres
import Testing

/// What ``StatementCacheMode/simple`` does otherwise than the other modes; the same as they is in the tests that run every
/// way.
@Suite(Ways(ways: [.directSimple, .simple])) struct SimpleProtocolTests {
  @Test func `the values stand in the text that the server gets, and mean what they meant`() async throws {
    try await withTestDatabase { pool in
      let text = "'; DROP TABLE users; -- \\' $1 \n é🧭 \u{1}"
      let (back, same, number, seen) = try await pool.one(
        """
        SELECT \(text), \(text) = convert_from(\(Data(text.utf8)), 'UTF8'), -\(-5)::int8,
          (SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid())
        """, as: (String, Bool, Int, String).self)
      #expect(back == text && same && number == 5)
      #expect(seen.contains("(E'-5'::bigint)"))
    }
  }

  @Test func `a parameter in quotes is refused, not written into them`() async throws {
    try await withTestDatabase { pool in
      let error = await #expect(throws: PostgresError.self) {
        try await pool.execute("SELECT 1 WHERE 'a' LIKE '%\("' OR true --")%'")
      }
      #expect(error?.code == .unsupported)
      let one: Int = try await pool.one("SELECT \(1)")
      #expect(one == 1)
    }
  }

  @Test func `the caret of an error points into the statement as it was written`() async throws {
    try await withTestDatabase { pool in
      let error = await #expect(throws: PostgresError.self) {
        try await pool.execute("SELECT \("é🧭, and long") AS a, \(1_000_000) + nothing")
      }
      #expect(error?.sqlState == .undefinedColumn)
      #expect(error?.description.hasSuffix("\nSELECT $1 AS a, $2 + nothing\n                     ^") == true)
      let inValue = await #expect(throws: PostgresError.self) { try await pool.execute("SELECT 1 + \("x")") }
      #expect(inValue?.description.hasSuffix("\nSELECT 1 + $1\n           ^") == true)
    }
  }

  @Test func `statements of a batch are one text and one transaction, and errors find theirs`() async throws {
    try await withTestDatabase { pool in
      try await pool.execute("CREATE TABLE t (n int8 PRIMARY KEY)")
      var good = PostgresBatch()
      good.execute("INSERT INTO t VALUES (\(1)) -- one")
      let count = good.one("SELECT count(*) FROM t", as: Int.self)
      let pids = good.one("SELECT array[pg_backend_pid(), txid_current()]", as: [Int].self)
      let more = good.one("SELECT array[pg_backend_pid(), txid_current()]", as: [Int].self)
      let answers = try await pool.run(good)
      #expect(try answers[count] == 1)
      #expect(try answers[pids] == answers[more])

      for wrong in ["INSERT INTO t VALUES (\(1) + 0)", "INSERT INTO t (\(2) nonsense" as SQL] {
        var bad = PostgresBatch()
        bad.execute("INSERT INTO t VALUES (\(7))")
        bad.execute(wrong)
        bad.execute("INSERT INTO t VALUES (\(8))")
        let error = await #expect(throws: PostgresError.self) { try await pool.run(bad) }
        #expect(error?.sql == wrong.text)
        #expect([.uniqueViolation, .syntaxError].contains(error?.sqlState))
        if error?.sqlState == .syntaxError { #expect(error?.position == 16) }
        #expect(try await pool.one("SELECT count(*) FROM t", as: Int.self) == 1)
      }

      var open = PostgresBatch()
      open.execute(SQL(unchecked: "SELECT 'a"))
      open.execute("INSERT INTO t SELECT \("; DROP TABLE t; --")::int8")
      await #expect(throws: PostgresError.self) { try await pool.run(open) }
      #expect(try await pool.one("SELECT count(*) FROM t", as: Int.self) == 1)

      var empty = PostgresBatch()
      empty.execute("INSERT INTO t VALUES (\(9))")
      empty.execute("-- nothing")
      await #expect(throws: PostgresError.self) { try await pool.run(empty) }
      #expect(try await pool.one("SELECT count(*) FROM t", as: Int.self) == 1)
    }
  }

  @Test func `a statement that a rule has return several results leaves the next ones of its text their own`()
    async throws
  {
    try await withTestDatabase { pool in
      try await pool.execute("CREATE TABLE t (id int)")
      try await pool.execute("CREATE RULE tell AS ON INSERT TO t DO ALSO (SELECT 77; SELECT 78)")
      var batch = PostgresBatch()
      let inserted = batch.execute("INSERT INTO t VALUES (1), (2)")
      let numbers = (1...3).map { batch.one("SELECT \($0)", as: Int.self) }
      let answers = try await pool.run(batch)
      #expect(try answers[inserted] == 2)
      #expect(try numbers.map { try answers[$0] } == [1, 2, 3])
      let error = await #expect(throws: PostgresError.self) {
        try await pool.withConnection { try await $0.script("INSERT INTO t VALUES (3); SELECT 1; SELECT 1/0") }
      }
      #expect(error?.statementIndex == 2)
    }
  }

  @Test func `several statements in one text are refused before any is run`() async throws {
    try await withTestDatabase { pool in
      let error = await #expect(throws: PostgresError.self) {
        try await pool.execute("CREATE TABLE a (); CREATE TABLE b ()")
      }
      #expect(error?.message.contains("several statements in one text") == true)
      let table: String? = try await pool.one("SELECT to_regclass('a')::text")
      #expect(table == nil)
    }
  }

  @Test func `a type that cannot be translated is named, and its text can be had`() async throws {
    struct Point: PostgresDecodable {
      let text: String
      init(from cell: PostgresCell) throws(PostgresError) {
        guard cell.isText, let bytes = cell.bytes else { throw cell.mismatch(Self.self) }
        text = String(decoding: bytes, as: UTF8.self)
      }
    }
    struct Money: PostgresDecodable {
      init(from cell: PostgresCell) throws(PostgresError) { _ = try cell.bytes(for: Self.self, of: 790) }
    }
    struct Box: PostgresEncodable {
      static let postgresType = PostgresType(name: "box", oid: 603, arrayOID: 1020)
      func encode(into buffer: inout ParameterBuffer) { for _ in 0..<4 { buffer.append(Int64(0)) } }
    }
    try await withTestDatabase { pool in
      let point: Point = try await pool.one("SELECT point(1, 2)")
      #expect(point.text == "(1,2)")
      let unread = await #expect(throws: PostgresError.self) { let _: Money = try await pool.one("SELECT 1::money") }
      #expect(unread?.message.contains("money, of which statement cache mode simple has the text only") == true)
      let unsent = await #expect(throws: PostgresError.self) { try await pool.execute("SELECT \(Box())") }
      #expect(unsent?.message.contains("cannot be written as text") == true)
    }
  }

  @Test func `a row's anonymous composite has the text only, for its fields' types are not told`() async throws {
    struct Pair: PostgresComposite {
      static let postgresType = PostgresType(named: "pair")
      init(from fields: inout CompositeReader) throws(PostgresError) { let _: Int = try fields.next() }
      func write(to fields: inout CompositeWriter) throws(PostgresError) {}
    }
    try await withTestDatabase { pool in
      let error = await #expect(throws: PostgresError.self) { let _: Pair = try await pool.one("SELECT ROW(1)") }
      #expect(error?.message.contains("record, of which statement cache mode simple has the text only") == true)
    }
  }

  @Test func `a session whose texts mean something else is refused or told`() async throws {
    try await withTestDatabase { pool in
      try await pool.transaction { tx in
        try await tx.execute("SET LOCAL intervalstyle = iso_8601")
        let error = await #expect(throws: PostgresError.self) {
          let _: PostgresInterval = try await tx.one("SELECT interval '1 day'")
        }
        #expect(error?.message.contains("IntervalStyle postgres") == true)
        let row = try await tx.query("SELECT ARRAY[interval '1 day'], 42, ARRAY[interval '1 day'], 43").single()
        #expect(try row.decode(1, as: Int.self) == 42)
        #expect(try row.decode(3, as: Int.self) == 43)
        try await tx.execute("SET LOCAL standard_conforming_strings = off")
        let refused = await #expect(throws: PostgresError.self) { try await tx.execute("SELECT \(1)") }
        #expect(refused?.message.hasPrefix("standard_conforming_strings is off") == true)
      }
    }
  }

  /// The byte in which a range says what it has.
  private struct RangeFlags: PostgresDecodable {
    let value: UInt8

    init(from cell: PostgresCell) throws(PostgresError) {
      guard let flags = cell.bytes?.first else { throw cell.mismatch(Self.self) }
      value = flags
    }
  }

  @Test func `what a binary cursor returns is not taken for text`() async throws {
    try await withTestDatabase { pool in
      try await pool.transaction { tx in
        // Its four bytes are those of the text 1234.
        try await tx.execute("DECLARE c BINARY CURSOR FOR SELECT 825373492, 'x'::text, 5::int8")
        let (number, text, long) = try await tx.one("FETCH c", as: (Int, String, Int).self)
        #expect(number == 825_373_492 && text == "x" && long == 5)
      }
    }
  }

  @Test func `a range that begins with an empty text is bounded`() async throws {
    try await withTestDatabase { pool in
      try await pool.execute("CREATE TYPE textrange AS RANGE (subtype = text)")
      pool.reset()
      let bounded = try await pool.one("SELECT textrange('', 'b')", as: RangeFlags.self)
      let unbounded = try await pool.one("SELECT textrange(NULL, 'b')", as: RangeFlags.self)
      // Lower bound inclusive; lower bound infinite: `RANGE_LB_INC` and `RANGE_LB_INF` of rangetypes.h.
      #expect(bounded.value == 0x02)
      #expect(unbounded.value == 0x08)
    }
  }

  @Test func `a batch that can be written no more when its turn comes fails as a whole`() async throws {
    try await withTestDatabase { pool in
      try await pool.withConnection { connection in
        try await connection.execute("BEGIN")
        // Sent before the batch is asked for, which is found fit then, and is not any more when its turn comes.
        let setting = Task.immediate {
          try await connection.execute("SELECT pg_sleep(0.1), set_config('standard_conforming_strings', 'off', true)")
        }
        var batch = PostgresBatch()
        for number in 0..<3 { batch.execute("SELECT \(number)") }
        let error = await #expect(throws: PostgresError.self) { try await connection.run(batch) }
        #expect(error?.message.hasPrefix("standard_conforming_strings is off") == true)
        #expect(try await setting.value == 1)
        try await connection.execute("ROLLBACK")
      }
    }
  }
}
