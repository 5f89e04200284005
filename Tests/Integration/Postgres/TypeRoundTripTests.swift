import DatabaseTesting
import FoundationEssentials
import Postgres
import Testing

/// Each type, at its limits and at random, to the server and back: as a value, in an array, in an array of arrays; and
/// as text, so that both sides agree on what it means.
@Suite(.everyWay) struct TypeRoundTripTests {
  /// Random values that are the same in every run.
  struct Numbers: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
      return mixed ^ (mixed >> 31)
    }
  }

  private func roundTrip<Value: PostgresCodable & Equatable>(
    _ type: SQL, limits: [Value], isText: ((Value) -> String)? = nil,
    random: (inout Numbers) -> Value?, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    var numbers = Numbers(20_261_121)
    var values = limits
    while values.count < limits.count + 50 { if let value = random(&numbers) { values.append(value) } }
    try await withTestDatabase { pool in
      for value in values {
        let (back, text) = try await pool.one(
          "SELECT \(value)::\(type), \(value)::\(type)::text", as: (Value, String).self)
        #expect(back == value, "the server has \(text)", sourceLocation: sourceLocation)
        if let isText { #expect(text == isText(value), sourceLocation: sourceLocation) }
      }
      let array: [Value] = try await pool.one("SELECT \(values)::\(type)[]")
      #expect(array == values, sourceLocation: sourceLocation)
      let sparse: [[Value?]] = [[nil, values[0]], [values[1], nil]]
      let back: [[Value?]] = try await pool.one("SELECT \(sparse)::\(type)[]")
      #expect(back == sparse, sourceLocation: sourceLocation)
      let null: Value? = try await pool.one("SELECT \(Value?.none)::\(type)")
      #expect(null == nil, sourceLocation: sourceLocation)
    }
  }

  @Test func `bool`() async throws { try await roundTrip("bool", limits: [true, false]) { Bool.random(using: &$0) } }

  @Test func `int2, int4 and int8`() async throws {
    try await roundTrip("int2", limits: [Int16.min, 0, Int16.max]) { .random(in: .min ... .max, using: &$0) }
    try await roundTrip("int4", limits: [Int32.min, 0, Int32.max]) { .random(in: .min ... .max, using: &$0) }
    try await roundTrip("int8", limits: [Int64.min, 0, Int64.max]) { .random(in: .min ... .max, using: &$0) }
    try await roundTrip("int8", limits: [UInt32.min, UInt32.max]) { .random(in: .min ... .max, using: &$0) }
  }

  @Test func `float4 and float8, every bit of them`() async throws {
    try await roundTrip("float4", limits: [Float.infinity, -.infinity, -0, .leastNonzeroMagnitude]) { numbers in
      let value = Float(bitPattern: .random(in: .min ... .max, using: &numbers))
      return value.isNaN ? nil : value
    }
    try await roundTrip("float8", limits: [Double.infinity, -.infinity, -0, .greatestFiniteMagnitude]) { numbers in
      let value = Double(bitPattern: .random(in: .min ... .max, using: &numbers))
      return value.isNaN ? nil : value
    }
    try await withTestDatabase { pool in
      let nans = try await pool.one(
        "SELECT \(Float.nan), \(Double.nan), \(Decimal.nan)", as: (Float, Double, Decimal).self)
      #expect(nans.0.isNaN && nans.1.isNaN && nans.2.isNaN)
    }
  }

  @Test func `numeric`() async throws {
    let limits = ["0", "99999999999999999999999999999999999999", "-0.00000000000000000000000000000000000001"]
      .compactMap { Decimal(string: $0) }
    try await roundTrip("numeric", limits: limits) { numbers in
      let digits = String(UInt64.random(in: .min ... .max, using: &numbers))
      let point = Int.random(in: 0...digits.count, using: &numbers)
      return Decimal(
        string: "\(Bool.random(using: &numbers) ? "-" : "")0\(digits.prefix(point)).\(digits.dropFirst(point))0")
    }
  }

  @Test func `text, varchar, char and name`() async throws {
    let alphabet = Array("aZ0 '\"\\{},()\n\té日🧭")
    for type: SQL in ["text", "varchar", "varchar(40)"] {
      try await roundTrip(type, limits: ["", "NULL", "{}"], isText: { $0 }) { numbers in
        String(
          (0..<Int.random(in: 0...20, using: &numbers)).compactMap { _ in alphabet.randomElement(using: &numbers) })
      }
    }
    try await roundTrip("name", limits: ["", String(repeating: "n", count: 63)]) {
      "c\(UInt16.random(in: 0...999, using: &$0))"
    }
    try await roundTrip("char(3)", limits: ["abc", "日本語"]) { numbers in
      String((0..<3).map { _ in "xyz".randomElement(using: &numbers) ?? "x" })
    }
    try await roundTrip("\"char\"", limits: ["a", "~"]) { _ in "q" }
  }

  @Test func `bytea`() async throws {
    try await roundTrip("bytea", limits: [Data(), Data(0...255)]) { numbers in
      Data((0..<Int.random(in: 0...40, using: &numbers)).map { _ in .random(in: .min ... .max, using: &numbers) })
    }
  }

  @Test func `uuid`() async throws {
    let zero = try #require(UUID(uuidString: "00000000-0000-0000-0000-000000000000"))
    try await roundTrip("uuid", limits: [zero, UUID()], isText: { $0.uuidString.lowercased() }) { numbers in
      let (a, b) = (numbers.next(), numbers.next())
      return UUID(uuid: unsafeBitCast((a, b), to: uuid_t.self))
    }
  }

  @Test func `date, from the first day to the last, and both infinities`() async throws {
    let first = try #require(PostgresDate(year: -4712, month: 1, day: 1))
    let last = try #require(PostgresDate(year: 5_874_897, month: 12, day: 31))
    let dates = ["2000-02-29", "1900-02-28", "0001-01-01", "0001-12-31 BC"].compactMap { PostgresDate($0) }
    try await roundTrip(
      "date", limits: [first, last, .infinity, .negativeInfinity] + dates, isText: \.description
    ) { .init(daysSince2000: .random(in: first.daysSince2000...last.daysSince2000, using: &$0)) }
  }

  @Test func `time, midnight to midnight`() async throws {
    let end = try #require(PostgresTime(hour: 24, minute: 0))
    try await roundTrip("time", limits: [.midnight, end], isText: \.description) {
      PostgresTime(microseconds: .random(in: 0...86_399_999_999, using: &$0))
    }
  }

  @Test func `timetz, at every offset`() async throws {
    let limits = ["00:00:00+00", "24:00:00-15:59:59", "12:30:00.000001+05:30"].compactMap { PostgresTimeTZ($0) }
    #expect(limits.count == 3)
    try await roundTrip("timetz", limits: limits, isText: \.description) { numbers in
      PostgresTime(microseconds: .random(in: 0...86_399_999_999, using: &numbers)).flatMap {
        PostgresTimeTZ($0, secondsFromUTC: .random(in: -57_599...57_599, using: &numbers))
      }
    }
  }

  @Test func `timestamp, from the first to the last, and both infinities`() async throws {
    let limits = ["4713-01-01 00:00:00 BC", "294276-12-31 23:59:59.999999", "1999-12-31 23:59:59.999999"]
      .compactMap { PostgresTimestamp($0) }
    #expect(limits.count == 3)
    try await roundTrip(
      "timestamp", limits: limits + [.infinity, .negativeInfinity], isText: \.description
    ) {
      let range = limits[0].microsecondsSince2000...limits[1].microsecondsSince2000
      return .init(microsecondsSince2000: .random(in: range, using: &$0))
    }
  }

  @Test func `timestamptz, to the microsecond in this century`() async throws {
    try await roundTrip("timestamptz", limits: [.distantPast, .distantFuture, Date(timeIntervalSince1970: 0)]) {
      // What a Double of seconds holds exactly.
      Date(timeIntervalSinceReferenceDate: Double(Int64.random(in: -1_000_000_000...1_000_000_000, using: &$0)) / 8)
    }
  }

  @Test func `interval, and Duration where there are no months`() async throws {
    let limits = [
      PostgresInterval(), PostgresInterval(months: .min, days: .min, microseconds: .min + 1),
      PostgresInterval(months: .max, days: .max, microseconds: .max - 1),
    ]
    try await roundTrip("interval", limits: limits) { numbers in
      PostgresInterval(
        months: .random(in: -1200...1200, using: &numbers), days: .random(in: -400...400, using: &numbers),
        microseconds: .random(in: -1 << 40...1 << 40, using: &numbers))
    }
    try await roundTrip("interval", limits: [Duration.zero, .microseconds(-1), .seconds(1 << 40)]) {
      .microseconds(Int64.random(in: -1 << 50...1 << 50, using: &$0))
    }
    try await withTestDatabase { pool in
      let spans = [
        PostgresInterval(months: 14, days: 3, microseconds: 14_706_500_000), PostgresInterval(), .init(days: -3),
        PostgresInterval(microseconds: -90_000_001), PostgresInterval(months: -14),
      ]
      let texts = try await pool.transaction { tx in
        try await tx.execute("SET LOCAL intervalstyle = iso_8601")
        return try await tx.one("SELECT \(spans)::text[]", as: [String].self)
      }
      #expect(texts == spans.map(\.description))
      let error = await #expect(throws: PostgresError.self) {
        let _: Duration = try await pool.one("SELECT interval '1 month'")
      }
      #expect(error?.message.contains("a month has no fixed length") == true)
      let days: Duration = try await pool.one("SELECT interval '2 days 1 second'")
      #expect(days == .seconds(172_801))
    }
  }

  @Test func `inet, cidr and macaddr`() async throws {
    let addresses = [
      "0.0.0.0/0", "255.255.255.255", "10.1.2.3/8", "::", "2001:db8::1/64", "::ffff:10.0.0.1",
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ].compactMap { PostgresInet($0) }
    #expect(addresses.count == 7)
    func address(_ numbers: inout Numbers) -> PostgresInet? {
      let count = Bool.random(using: &numbers) ? 4 : 16
      return PostgresInet(
        address: (0..<count).map { _ in .random(in: .min ... .max, using: &numbers) },
        prefixLength: .random(in: 0..<count * 8, using: &numbers))
    }
    try await roundTrip("inet", limits: addresses) { address(&$0) }
    try await withTestDatabase { pool in
      // A cast would add the size to a single host.
      let texts: [String] = try await pool.one("SELECT ARRAY(SELECT format('%s', a) FROM unnest(\(addresses)) AS a)")
      #expect(texts == addresses.map(\.description))
    }
    let networks = ["0.0.0.0/0", "10.0.0.0/8", "2001:db8::/32", "192.168.0.1"].compactMap { PostgresCIDR($0) }
    #expect(networks.count == 4)
    try await roundTrip("cidr", limits: networks, isText: \.description) { numbers in
      let number = UInt32.random(in: .min ... .max, using: &numbers)
      return PostgresCIDR("\(number >> 24).\(number >> 16 & 255).0.0/16")
    }
    let cards = ["00:00:00:00:00:00", "08:00:2b:01:02:ff"].compactMap { PostgresMACAddress($0) }
    try await roundTrip("macaddr", limits: cards, isText: \.description) { numbers in
      PostgresMACAddress(bytes: (0..<6).map { _ in .random(in: .min ... .max, using: &numbers) })
    }
  }

  @Test func `ranges and sets of ranges of every kind`() async throws {
    func range<Bound: PostgresRangeBound>(_ a: Bound, _ b: Bound) -> PostgresRange<Bound> {
      PostgresRange(.inclusive(min(a, b)), .exclusive(max(a, b)))
    }
    func limits<Bound: PostgresRangeBound>(_ bound: Bound) -> [PostgresRange<Bound>] {
      [
        .empty, PostgresRange(.unbounded, .unbounded), PostgresRange(bound...),
        PostgresRange(.unbounded, .exclusive(bound)),
      ]
    }
    try await roundTrip("int4range", limits: limits(Int32(3))) {
      range(Int32.random(in: -9...0, using: &$0), .random(in: 1...9, using: &$0))
    }
    try await roundTrip("int8range", limits: limits(Int(3))) {
      range(Int.random(in: -9...0, using: &$0), .random(in: 1...9, using: &$0))
    }
    try await roundTrip("numrange", limits: limits(Decimal(3)) + [PostgresRange(Decimal(1)...Decimal(2))]) {
      range(Decimal(Int.random(in: -9...0, using: &$0)), Decimal(Int.random(in: 1...9, using: &$0)))
    }
    let day = PostgresDate(daysSince2000: 9000)
    try await roundTrip("daterange", limits: limits(day)) {
      range(
        .init(daysSince2000: .random(in: -99...0, using: &$0)), .init(daysSince2000: .random(in: 1...99, using: &$0)))
    }
    let midnight = PostgresTimestamp(microsecondsSince2000: 0)
    try await roundTrip(
      "tsrange", limits: limits(midnight) + [PostgresRange(.exclusive(midnight), .inclusive(.infinity))]
    ) {
      range(midnight, .init(microsecondsSince2000: .random(in: 1...1 << 50, using: &$0)))
    }
    try await roundTrip("tstzrange", limits: limits(Date(timeIntervalSince1970: 0))) {
      range(Date(timeIntervalSince1970: 0), .init(timeIntervalSince1970: .random(in: 1...99, using: &$0).rounded()))
    }
    try await roundTrip(
      "int8multirange", limits: [PostgresMultirange<Int>(), .init([PostgresRange(1..<3), PostgresRange(5...)])]
    ) {
      PostgresMultirange([PostgresRange(1..<Int.random(in: 2...9, using: &$0))])
    }
    try await roundTrip(
      "tstzmultirange", limits: [PostgresMultirange<Date>(), .init([PostgresRange(.unbounded, .unbounded)])]
    ) {
      PostgresMultirange([PostgresRange(Date(timeIntervalSince1970: .random(in: 1...9, using: &$0).rounded())...)])
    }
  }

  @Test func `json and jsonb, whatever Codable makes`() async throws {
    struct Item: Codable, Equatable { var name: String; var tags: [String]; var price: Double? }
    try await withTestDatabase { pool in
      for item in [Item(name: "\"ö\\", tags: [], price: nil), Item(name: "", tags: ["a", "b"], price: 1.5)] {
        let back = try await pool.one(
          "SELECT \(PostgresJSON(item))::jsonb, \(PostgresJSON(item))::jsonb::json",
          as: (PostgresJSON<Item>, PostgresJSON<Item>).self)
        #expect(back.0.value == item && back.1.value == item)
      }
    }
  }
}
