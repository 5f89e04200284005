import DatabaseTesting
import FoundationEssentials
import Postgres
import Testing

@Suite(.everyWay) struct TypeTests {
  enum Mood: String, PostgresCodable, Codable { case happy, sad }
  struct Point: Codable, Equatable { var x: Int; var y: [String: Bool] }

  private func roundTrip<Value: PostgresCodable & Equatable>(
    _ values: [Value], _ type: String, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    try await withTestDatabase { pool in
      for value in values {
        let back: Value = try await pool.one("SELECT \(value)::\(SQL(unchecked: type))")
        #expect(back == value, sourceLocation: sourceLocation)
      }
      let array: [Value] = try await pool.one("SELECT \(values)::\(SQL(unchecked: type))[]")
      #expect(array == values, sourceLocation: sourceLocation)
      let optionals: [Value?] = [nil] + values
      let sparse: [Value?] = try await pool.one("SELECT \(optionals)::\(SQL(unchecked: type))[]")
      #expect(sparse == optionals, sourceLocation: sourceLocation)
      let null: Value? = try await pool.one("SELECT \(Value?.none)::\(SQL(unchecked: type))")
      #expect(null == nil, sourceLocation: sourceLocation)
    }
  }

  @Test func `integers round-trip at their limits`() async throws {
    try await roundTrip([Int.min, -1, 0, 1, Int.max], "int8")
    try await roundTrip([Int32.min, 0, Int32.max], "int4")
    try await roundTrip([Int16.min, 0, Int16.max], "int2")
  }

  @Test func `an integer that does not fit the column's reader is an error, not a wrong number`() async throws {
    try await withTestDatabase { pool in
      let error = await #expect(throws: PostgresError.self) { let _: Int16 = try await pool.one("SELECT 70000") }
      #expect(error?.message.contains("does not fit Int16") == true)
    }
  }

  @Test func `booleans and floating-point numbers round-trip, infinities and the smallest too`() async throws {
    try await roundTrip([true, false], "bool")
    try await roundTrip([0.1, -.infinity, .infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude], "float8")
    try await roundTrip([Float(0.1), -.infinity, .greatestFiniteMagnitude], "float4")
    try await withTestDatabase { pool in
      let nan: Double = try await pool.one("SELECT \(Double.nan)::float8")
      #expect(nan.isNaN)
    }
  }

  @Test func `text round-trips in every script, and as any type whose form is text`() async throws {
    try await roundTrip(["", "a", "naïve — 日本語 🧭", "quote \" slash \\ null NULL {a,b}"], "text")
    try await roundTrip(["abc"], "varchar(5)")
    try await withTestDatabase { pool in
      let inferred: Bool = try await pool.one("SELECT \("10.0.0.1") = inet '10.0.0.1'")
      #expect(inferred)
    }
  }

  @Test func `dates round-trip to the microsecond, and infinity is the distant past and future`() async throws {
    let dates = [0, 1_700_000_000.123456, -5_000_000_000, 253_402_300_799].map { Date(timeIntervalSince1970: $0) }
    try await withTestDatabase { pool in
      for date in dates {
        let back: Date = try await pool.one("SELECT \(date)")
        #expect(abs(back.timeIntervalSince(date)) < 0.000_001)
      }
      let ends = try await pool.one(
        "SELECT 'infinity'::timestamptz, '-infinity'::date, '2024-02-29'::date", as: (Date, Date, Date).self)
      #expect(ends.0 == .distantFuture && ends.1 == .distantPast)
      #expect(ends.2 == Date(timeIntervalSince1970: 1_709_164_800))
      let text: String = try await pool.one("SELECT \(Date.distantFuture)::timestamptz::text")
      #expect(text == "infinity")
      let millennium: String = try await pool.one(
        "SELECT (\(Date(timeIntervalSince1970: 946_684_800))::timestamptz AT TIME ZONE 'UTC')::text")
      #expect(millennium == "2000-01-01 00:00:00")
    }
  }

  @Test func `uuids and bytes round-trip`() async throws {
    try await roundTrip([UUID(), UUID()], "uuid")
    try await roundTrip([Data(), Data(0...255)], "bytea")
  }

  @Test(arguments: [
    "0", "1", "-1", "0.1", "-123.45", "10000", "100000000", "0.0001", "0.00001", "12345678901234567890.123456789",
  ])
  func `decimals round-trip and mean the same to the server`(text: String) async throws {
    try await withTestDatabase { pool in
      let decimal = try #require(Decimal(string: text))
      let back = try await pool.one("SELECT \(decimal), \(decimal)::text", as: (Decimal, String).self)
      #expect(back.0 == decimal)
      #expect(Decimal(string: back.1) == decimal)
    }
  }

  @Test func `a decimal of more digits than Swift holds is an error, not a rounded number`() async throws {
    try await withTestDatabase { pool in
      let error = await #expect(throws: PostgresError.self) {
        let _: Decimal = try await pool.one("SELECT 1234567890123456789012345678901234567890.1::numeric")
      }
      #expect(error?.code == .decoding)
      let scaled: Decimal = try await pool.one("SELECT 5.00::numeric(5,2)")
      #expect(scaled == 5)
    }
  }

  @Test func `JSON goes in and out as Codable, and its text as String`() async throws {
    try await withTestDatabase { pool in
      let point = Point(x: 1, y: ["a": true])
      let back: PostgresJSON<Point> = try await pool.one("SELECT \(PostgresJSON(point))::jsonb")
      #expect(back.value == point)
      let text: String = try await pool.one("SELECT \(PostgresJSON(point))::jsonb -> 'y'")
      #expect(text == #"{"a": true}"#)
    }
  }

  @Test func `a date in JSON is ISO 8601, to the microsecond`() async throws {
    struct Event: Codable, Equatable { var at: Date, ended: Date? }
    let date = Date(timeIntervalSince1970: 1_709_209_800.123_456)
    let event = Event(at: date, ended: .distantPast)
    try await withTestDatabase { pool in
      let (stored, read, moment) = try await pool.one(
        "SELECT e ->> 'at', e, (e ->> 'at')::timestamptz FROM (SELECT \(PostgresJSON(event)) AS e) AS t",
        as: (String, PostgresJSON<Event>, Date).self)
      #expect(stored == "2024-02-29T12:30:00.123456Z")
      #expect(abs(read.value.at.timeIntervalSince(date)) < 1e-6 && read.value.ended == .distantPast)
      #expect(moment == read.value.at)
      let written: PostgresJSON<Date> = try await pool.one("SELECT to_jsonb(\(date))")
      #expect(written.value == read.value.at)
      let refused = await #expect(throws: PostgresError.self) {
        try await pool.execute("SELECT \(PostgresJSON(["at": Date(timeIntervalSince1970: 1e12)]))")
      }
      #expect(refused?.message == "Dictionary<String, Date> cannot be written as JSON: look at at")
    }
  }

  @Test(
    arguments: [
      ("\"2024-02-29T12:30:00Z\"", 1_709_209_800), ("\"2024-02-29T12:30:00.5Z\"", 1_709_209_800.5),
      ("\"2024-02-29T14:30:00.500000999+02:00\"", 1_709_209_800.5), ("\"2024-02-29T09:00:00-0330\"", 1_709_209_800),
      ("\"2024-02-29 13:30:00+01\"", 1_709_209_800), ("730902600.5", 1_709_209_800.5),
      ("\"1936-12-31T23:00:00+00:19:32\"", -1_041_383_972), ("\"2024-02-29T12:30:00+2\"", nil),
      ("\"2024-02-29T12:30:00\"", nil), ("\"2024-02-30T12:30:00Z\"", nil), ("\"infinity\"", nil), ("true", nil),
      ("\"infinity 12:00:00-02\"", nil), ("\"-infinity 00:00:00+01\"", nil), ("\"294277-01-09T04:00:54-01:00\"", nil),
    ] as [(String, Double?)])
  func `dates in JSON are read as others write them, and as numbers`(json: String, seconds: Double?) async throws {
    try await withTestDatabase { pool in
      let date = try? await pool.one("SELECT \(json)::jsonb", as: PostgresJSON<Date>.self)
      #expect(date?.value.timeIntervalSince1970 == seconds)
    }
  }

  @Test func `enums of strings are enums of the server, and an unknown label is an error`() async throws {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      try await pool.execute("CREATE TYPE mood AS ENUM ('happy', 'sad', 'odd')")
      let mood: Mood = try await pool.one("SELECT \(Mood.sad)::mood")
      #expect(mood == .sad)
      let error = await #expect(throws: PostgresError.self) { let _: Mood = try await pool.one("SELECT 'odd'::mood") }
      #expect(error?.message.contains("is no case of Mood") == true)
    }
  }

  @Test func `an array of arrays comes back as deep as it went in, and a shallower one is refused by name`()
    async throws
  {
    try await withTestDatabase { pool in
      let cube = [[[1, 2], [3, 4]], [[5, 6], [7, 8]], [[9, 10], [11, 12]]]
      let back = try await pool.one("SELECT \(cube), array_dims(\(cube))", as: ([[[Int]]], String).self)
      #expect(back.0 == cube)
      #expect(back.1 == "[1:3][1:2][1:2]")
      let shifted: [[String]] = try await pool.one("SELECT '[5:6][-1:0]={{a,b},{c,d}}'::text[]")
      #expect(shifted == [["a", "b"], ["c", "d"]])
      let empty: [[Int]] = try await pool.one("SELECT '{}'::int[]")
      #expect(empty == [])
      let error = await #expect(throws: PostgresError.self) {
        let _: [Int] = try await pool.one("SELECT '{{1,2}}'::int8[]")
      }
      #expect(error?.message.contains("an array of 2 dimensions where Array<Int> has 1") == true)
      let deep = await #expect(throws: PostgresError.self) {
        let _: [[Int]] = try await pool.one("SELECT '{1,2}'::int8[]")
      }
      #expect(deep?.message.contains("bigint where Array<Int> is expected") == true)
    }
  }

  @Test func `what is no array, and an array of other elements, is a mismatch`() async throws {
    try await withTestDatabase { pool in
      for sql: SQL in [
        "SELECT 1", "SELECT 'text'::text", "SELECT ''::bytea", "SELECT '[1]'::jsonb", "SELECT '{a}'::text[]",
      ] {
        let error = await #expect(throws: PostgresError.self) { let _: [Int] = try await pool.one(sql) }
        #expect(error?.code == .decoding && error?.message.contains("is expected") == true)
      }
    }
  }

  @Test func `the calendar's types do not stand in for each other`() async throws {
    try await withTestDatabase { pool in
      let error = await #expect(throws: PostgresError.self) {
        let _: PostgresDate = try await pool.one("SELECT timestamp '2024-02-29 12:00' AS day", name: "Day")
      }
      #expect("\(error?.description ?? "")" == "query Day: column day: timestamp where PostgresDate is expected")
      await #expect(throws: PostgresError.self) { let _: Date = try await pool.one("SELECT time '12:00'") }
      await #expect(throws: PostgresError.self) { let _: PostgresCIDR = try await pool.one("SELECT inet '10.0.0.1'") }
    }
  }

  @Test func `rows of structs may have properties of every type, absent columns for optional ones`() async throws {
    struct Row: PostgresRow, Equatable {
      var day: PostgresDate
      var at: Date?
      var id: UUID
      var count: Int16?
      var ratio: Float?
      var tags: [String]
      var span: PostgresInterval
      var range: PostgresRange<Int>
      var host: PostgresInet?
      var missing: Int?
      var mood: Mood?
    }
    try await withTestDatabase { pool in
      let id = UUID()
      let row: Row = try await pool.one(
        """
        SELECT date '2024-02-29' AS day, NULL::timestamptz AS at, \(id) AS id, 7::int2 AS count, NULL::real AS ratio,
          '{a}'::text[] AS tags, interval '1 day' AS span, int8range(1, 5) AS range, inet '::1' AS host, 'sad' AS mood
        """)
      let day = try #require(PostgresDate(year: 2024, month: 2, day: 29))
      #expect(
        row
          == Row(
            day: day, at: nil, id: id, count: 7, ratio: nil, tags: ["a"], span: PostgresInterval(days: 1),
            range: PostgresRange(1..<5), host: PostgresInet("::1"), missing: nil, mood: .sad))
    }
  }

  @Test func `a property that no column can be is an error that says what to do`() async throws {
    struct Inner: Codable { var x: Int }
    struct Row: PostgresRow { var inner: Inner }
    try await withTestDatabase { pool in
      let error = await #expect(throws: PostgresError.self) {
        let _: Row = try await pool.one("SELECT '{}'::jsonb AS inner", name: "Get")
      }
      #expect(error?.description.hasPrefix("query Get: column inner: Inner cannot be read from a column") == true)
    }
  }

  @Test func `arrays of arrays without an element round-trip`() async throws {
    try await withTestDatabase { pool in
      let flat: [[Int]] = try await pool.one("SELECT \([[Int]]())")
      #expect(flat == [])
      let deep: [[[Int?]]] = try await pool.one("SELECT \([[[Int?]]]([[]]))")
      #expect(deep == [])
    }
  }

  @Test func `a property may be JSON`() async throws {
    struct Row: PostgresRow {
      var point: PostgresJSON<Point>
      var other: PostgresJSON<Point>?
    }
    try await withTestDatabase { pool in
      let row: Row = try await pool.one(
        "SELECT '{\"x\": 2, \"y\": {}}'::jsonb AS point, NULL::jsonb AS other")
      #expect(row.point.value == Point(x: 2, y: [:]) && row.other == nil)
    }
  }

  @Test func `the first day that PostgreSQL knows round-trips`() async throws {
    try await withTestDatabase { pool in
      let first: PostgresDate = try await pool.one("SELECT '4714-11-24 BC'::date")
      #expect(PostgresDate(first.description) == first)
      let back: PostgresDate = try await pool.one("SELECT \(first)")
      #expect(back == first)
    }
  }

  @Test func `a type of an extension whose bytes are not its text is text or an error, never its bytes`() async throws {
    try await withTestDatabase { pool in
      try await pool.execute("CREATE EXTENSION ltree")
      do {
        let path: String = try await pool.one("SELECT 'top.science'::ltree")
        #expect(path == "top.science")
      } catch let error as PostgresError {
        #expect(error.code == .decoding)
      }
    }
  }

  @Test func `the char of the catalogues that is not set is an empty text`() async throws {
    try await withTestDatabase { pool in
      let (kind, kinds) = try await pool.one(
        "SELECT attidentity, ARRAY[attidentity, 'a'] FROM pg_attribute WHERE attrelid = 'pg_class'::regclass LIMIT 1",
        as: (String, [String]).self)
      #expect(kind == "" && kinds == ["", "a"])
    }
  }

  @Test func `arrays, composites and ranges of the database's own are text or an error, never their bytes`()
    async throws
  {
    try await withTestDatabase { pool in
      try await pool.execute("CREATE TYPE mood AS ENUM ('happy')")
      try await pool.execute("CREATE TYPE pair AS (a int, b text)")
      try await pool.execute("CREATE TYPE span AS RANGE (subtype = int)")
      let queries: [SQL] = ["SELECT ARRAY['happy'::mood]", "SELECT (1, 'x')::pair", "SELECT span(1, 2)"]
      for sql in queries {
        do {
          let text: String = try await pool.one(sql)
          #expect(["{happy}", "(1,x)", "[1,2)"].contains(text))
        } catch let error as PostgresError {
          #expect(error.code == .decoding)
        }
      }
    }
  }
}
