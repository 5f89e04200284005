import DatabaseTesting
import EventLoop
import Postgres
import ResourcePool
import Synchronization
import Testing

/// Types that the database defines itself: enums, composites, domains, and those of extensions.
@Suite(.everyWay) struct RegisteredTypeTests {
  enum Mood: String, PostgresCodable, CaseIterable {
    case happy, sad
    static let postgresType = PostgresType(named: "mood")
  }

  struct Address: PostgresComposite, Equatable {
    static let postgresType = PostgresType(named: "shop.address")
    var street: String
    var number: Int32?
    var mood: Mood
    var tags: [String]

    init(street: String, number: Int32?, mood: Mood, tags: [String]) {
      (self.street, self.number, self.mood, self.tags) = (street, number, mood, tags)
    }

    init(from fields: inout CompositeReader) throws(PostgresError) {
      street = try fields.next()
      number = try fields.next()
      mood = try fields.next()
      tags = try fields.next()
    }

    func write(to fields: inout CompositeWriter) throws(PostgresError) {
      try fields.append(street)
      try fields.append(number)
      try fields.append(mood)
      try fields.append(tags)
    }
  }

  @Test func `a type that was made in a transaction and rolled back is not known to other connections`() async throws {
    try await withTestDatabase { pool in
      await #expect(throws: CancellationError.self) {
        try await pool.transaction { tx in
          try await tx.execute("CREATE TYPE mood AS ENUM ('happy', 'sad')")
          let moods = try await tx.one("SELECT \([Mood.sad])", as: [Mood].self)
          #expect(moods == [.sad])
          throw CancellationError()
        }
      }
      try await pool.execute("CREATE TYPE mood AS ENUM ('happy', 'sad')")
      try await pool.transaction { _ in
        // The first connection is taken: this is another.
        let moods = try await pool.one("SELECT \([Mood.sad])", as: [Mood].self)
        #expect(moods == [.sad])
      }
    }
  }

  @Test(.except(.pgBouncer, "which waits for its server by itself"))
  func `a server that does not say what its types are holds a connect up for its time-out at the most`() async throws {
    try await withTestDatabase(Self.shop) { pool in
      try await pool.transaction { tx in
        try await tx.execute("LOCK TABLE pg_range IN ACCESS EXCLUSIVE MODE")
        var options = pool.configuration.connect
        options.types = ["mood"]
        options.connectTimeout = .seconds(1)
        let wanted = options
        let error = await #expect(throws: PostgresError.self) {
          try await PostgresConnection.connect(wanted, loop: EventLoop())
        }
        #expect(error?.code == .connectionFailed)
      }
    }
  }

  /// A struct with the wrong fields.
  struct Misfit: PostgresComposite {
    static let postgresType = PostgresType(named: "shop.address")
    let count: Int
    init(count: Int) { self.count = count }
    init(from fields: inout CompositeReader) throws(PostgresError) {
      count = 1
      let _: String = try fields.next()
    }
    func write(to fields: inout CompositeWriter) throws(PostgresError) {
      for _ in 0..<count { try fields.append("x") }
    }
  }

  struct Positive: RawRepresentable, PostgresCodable, Equatable {
    var rawValue: Int
    static let postgresType = PostgresType(named: "positive")
  }

  static let shop = DatabaseTemplate(migrations: []) { connection in
    try await connection.script(
      """
      CREATE SCHEMA shop;
      CREATE TYPE mood AS ENUM ('happy', 'sad');
      CREATE TYPE shop.address AS (street varchar(40), gone text, number int, mood mood, tags text[]);
      ALTER TYPE shop.address DROP ATTRIBUTE gone;
      CREATE DOMAIN unsigned AS bigint CHECK (VALUE >= 0);
      CREATE DOMAIN positive AS unsigned CHECK (VALUE > 0);
      CREATE TYPE floatrange AS RANGE (subtype = float8);
      CREATE TYPE smallrange AS RANGE (subtype = int2);
      CREATE EXTENSION hstore;
      CREATE EXTENSION citext;
      CREATE TABLE people (moods mood[], homes shop.address[], names citext[], counts positive[], notes hstore);
      """)
  }

  /// Once with the types looked up as they are used, once with all of them registered.
  private func withShop(_ body: (PostgresPool) async throws -> Void) async throws {
    for types in [[], ["mood", "shop.address", "positive", "hstore", "citext", "nowhere"]] {
      try await withTestDatabase(Self.shop, configure: { $0.connect.types = types }, body)
    }
  }

  @Test func `arrays of enums, composites, citext and domains go into a table and come back`() async throws {
    try await withShop { pool in
      let homes = [
        Address(street: "Main", number: 1, mood: .happy, tags: ["a", ""]),
        Address(street: "", number: nil, mood: .sad, tags: []),
      ]
      let notes: PostgresHStore = ["a": "1", "b": nil, "": "ü"]
      let back = try await pool.one(
        """
        INSERT INTO people VALUES (\(Mood.allCases), \(homes), \([PostgresCIText("Ada")]), \([Positive(rawValue: 7)]),
          \(notes)) RETURNING moods, homes, names, counts, notes
        """, as: ([Mood], [Address], [PostgresCIText], [Positive], PostgresHStore).self)
      #expect(back.0 == Mood.allCases)
      #expect(back.1 == homes)
      #expect(back.2 == ["ADA"])
      #expect(back.2.first?.rawValue == "Ada")
      #expect(back.3 == [Positive(rawValue: 7)])
      #expect(back.4 == notes)
      let plain: [Int] = try await pool.one("SELECT counts FROM people")
      #expect(plain == [7])
    }
  }

  @Test func `single values need no array: an enum, a composite, a domain`() async throws {
    try await withShop { pool in
      let home = Address(street: "Main", number: 1, mood: .happy, tags: ["a"])
      let back = try await pool.one(
        "SELECT \(Mood.sad), \(home), \(Positive(rawValue: 3)), (\(home)).street",
        as: (Mood, Address, Positive, String).self)
      #expect(back.0 == .sad && back.1 == home && back.2.rawValue == 3 && back.3 == "Main")
      let error = await #expect(throws: PostgresError.self) {
        try await pool.execute("SELECT \(Positive(rawValue: 0))")
      }
      #expect(error?.sqlState == .checkViolation)
    }
  }

  @Test(.except(.simple, "in text a row does not tell the types of its fields"))
  func `an anonymous row is read as a composite`() async throws {
    try await withShop { pool in
      let home: Address = try await pool.one("SELECT ROW('Main', 4, 'sad'::mood, '{}'::text[])")
      #expect(home == Address(street: "Main", number: 4, mood: .sad, tags: []))
      let labels: [String] = try await pool.one("SELECT '{happy}'::mood[]")
      #expect(labels == ["happy"])
    }
  }

  @Test func `a range of the database's own is read by the type of its bounds, or refused`() async throws {
    try await withTestDatabase(Self.shop, configure: { $0.connect.types = ["mood"] }) { pool in
      let days = try await pool.one(
        "SELECT '[1,3)'::smallrange, '{[1,3),[5,)}'::smallmultirange",
        as: (PostgresRange<Int>, PostgresMultirange<Int32>).self)
      #expect(days.0 == PostgresRange(1..<3))
      #expect(days.1 == PostgresMultirange([PostgresRange(1..<3), PostgresRange(5...)]))
      let error = await #expect(throws: PostgresError.self) {
        let _: PostgresRange<Int> = try await pool.one("SELECT '[1,3)'::floatrange AS width")
      }
      #expect(error?.message.contains("column width: double precision where Int is expected") == true)
      await #expect(throws: PostgresError.self) {
        let _: PostgresRange<Int> = try await pool.one("SELECT 'happy'::mood")
      }
    }
  }

  @Test(.except(.simple, "in text a row does not tell the types of its fields"))
  func `wrong fields of a composite are errors that name the field`() async throws {
    try await withShop { pool in
      let wrongType = await #expect(throws: PostgresError.self) { try await pool.execute("SELECT \(Misfit(count: 2))") }
      #expect(wrongType?.message == "field number of shop.address is integer; String is sent as text")
      let tooFew = await #expect(throws: PostgresError.self) { try await pool.execute("SELECT \(Misfit(count: 1))") }
      #expect(tooFew?.message == "shop.address has 4 fields; 1 were written")
      let read = await #expect(throws: PostgresError.self) {
        let _: Misfit = try await pool.one("SELECT ROW('a', 1, 'sad'::mood, '{}'::text[])::shop.address AS home")
      }
      #expect(read?.message == "column home: shop.address has 4 fields where Misfit reads 1")
      let inner = await #expect(throws: PostgresError.self) {
        let _: Address = try await pool.one("SELECT ROW('a', 'b'::text, 'sad'::mood, '{}'::text[]) AS home")
      }
      #expect(inner?.message == "column home: field 2 of Address: text where Int32 is expected")
    }
  }

  @Test func `a type that is not there is an error that says what to do`() async throws {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      let error = await #expect(throws: PostgresError.self) {
        try await pool.execute("SELECT \([Mood.sad])", name: "Moods", timeout: .seconds(60))
      }
      #expect(error?.code == .encoding)
      #expect(error?.queryName == "Moods")
      #expect(error?.message.contains("the type mood is not known: the database has none of that name") == true)
      for timeout in [Duration.seconds(60), nil] {
        await #expect(throws: PostgresError.self) {
          for try await _ in pool.stream("SELECT \([Mood.sad])", as: [Mood].self, timeout: timeout) {}
        }
        var batch = PostgresBatch()
        batch.execute("SELECT 1")
        batch.execute("SELECT \([Mood.sad])")
        await #expect(throws: PostgresError.self) { _ = try await pool.run(batch, timeout: timeout) }
      }
      // The only connection came back each time, as good as before.
      let one: Int = try await pool.one("SELECT 1")
      #expect(one == 1)
      #expect(pool.stat().newCount == 1)
    }
  }

  @Test(.except(.simple, "there all types of the database are known"))
  func `a column of a type that nobody asked for is an error that says how to find its name`() async throws {
    try await withTestDatabase(Self.shop) { pool in
      let wrong = await #expect(throws: PostgresError.self) {
        let _: [Int] = try await pool.one("SELECT counts FROM (SELECT '{1}'::positive[] AS counts) AS t")
      }
      #expect(wrong?.message.contains("::regtype tells its name") == true)
    }
  }

  @Test func `a type made after the pool was started is known at once, and made anew after a reset`() async throws {
    try await withTestDatabase(configure: { $0.connect.types = ["mood"] }) { pool in
      await #expect(throws: PostgresError.self) { try await pool.execute("SELECT \([Mood.sad])") }
      for _ in 0..<2 {
        try await pool.execute("CREATE TYPE mood AS ENUM ('happy', 'sad')")
        let moods: [Mood] = try await pool.one("SELECT \([Mood.sad])")
        #expect(moods == [.sad])
        try await pool.execute("DROP TYPE mood")
        pool.reset()
      }
    }
  }

  private static let homes = [Address(street: "Main", number: 1, mood: .happy, tags: [])]

  @Test func `types are looked up in transactions, those that the transaction makes too`() async throws {
    try await withTestDatabase { pool in
      try await pool.transaction(timeout: .seconds(60)) { tx in
        try await tx.execute("CREATE TYPE mood AS ENUM ('happy', 'sad')")
        let moods: [Mood] = try await tx.one("SELECT \([Mood.sad])")
        #expect(moods == [.sad])
      }
    }
    try await withTestDatabase(Self.shop) { pool in
      let failed = await #expect(throws: PostgresError.self) {
        try await pool.transaction { tx in
          _ = try? await tx.execute("SELECT 1/0")
          try await tx.execute("SELECT \([Mood.sad])")
        }
      }
      #expect(failed?.sqlState == .inFailedSQLTransaction)
      let moods: [Mood] = try await pool.one("SELECT \([Mood.sad])")
      #expect(moods == [.sad])
    }
  }

  @Test func `types are looked up for a batch, of any number of statements and of either kind`() async throws {
    for isolation in [PostgresBatch.Isolation.together, .separate] {
      for count in 1...2 {
        try await withTestDatabase(Self.shop) { pool in
          var batch = PostgresBatch(isolation)
          let moods = batch.one("SELECT \([Mood.sad])", as: [Mood].self)
          let homes = count == 2 ? batch.one("SELECT \(Self.homes)", as: [Address].self) : nil
          let answers = try await pool.run(batch, timeout: .seconds(60))
          #expect(try answers[moods] == [.sad])
          if let homes { #expect(try answers[homes] == Self.homes) }
        }
      }
    }
  }

  @Test func `types are looked up for a stream`() async throws {
    try await withTestDatabase(Self.shop) { pool in
      var rows: [[Address]] = []
      for try await row in pool.stream("SELECT \(Self.homes) FROM generate_series(1, 2)", as: [Address].self) {
        rows.append(row)
      }
      #expect(rows == [Self.homes, Self.homes])
    }
  }

  @Test func `types are looked up for the rows of a COPY, with all they are made of`() async throws {
    try await withTestDatabase(Self.shop) { pool in
      let columns = ["moods", "homes", "names", "counts", "notes"]
      for _ in 0..<2 {
        try await pool.copyRows(into: "people", columns: columns) { writer in
          // Of what the second row needs the first has nothing.
          try await writer.write([Mood](), [Address](), [PostgresCIText](), [Positive](), PostgresHStore?.none)
          try await writer.write(
            Mood.allCases, Self.homes, [PostgresCIText("Ada")], [Positive(rawValue: 7)], ["a": "1"] as PostgresHStore)
        }
      }
      let homes: [[Address]] = try await pool.all("SELECT homes FROM people WHERE cardinality(homes) > 0")
      #expect(homes == [Self.homes, Self.homes])
    }
  }

  @Test func `many at once that use a type for the first time all get their answers`() async throws {
    try await withTestDatabase(Self.shop, configure: { $0.maxConnections = 3 }) { pool in
      let answers = try await withThrowingTaskGroup(of: [Address].self) { group in
        for index in 0..<60 {
          group.addTask {
            try await pool.one("SELECT \(Self.homes)", timeout: index.isMultiple(of: 2) ? .seconds(60) : nil)
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(answers.count == 60 && answers.allSatisfy { $0 == Self.homes })
      #expect(pool.holders().isEmpty)
    }
  }

  @Test(arguments: [[], ["mood"]])
  func `the catalogue is asked once for all connections of a pool`(types: [String]) async throws {
    let lookUps = Recorder()
    try await TestDatabase.with(Self.shop) { database in
      var configuration = PostgresPool.Configuration(database.options)
      try await Way.current.apply(to: &configuration.connect)
      configuration.connect.types = types
      configuration.maxConnections = 4
      configuration.minConnections = 4
      let pool = try PostgresPool(configuration, loop: database.loop, tracer: lookUps)
      try await pool.start()
      let _: [Mood] = try await pool.one("SELECT \(Mood.allCases)")
      for _ in 0..<20 {
        try await withThrowingTaskGroup { group in
          for _ in 0..<4 {
            group.addTask { let _: [Mood] = try await pool.one("SELECT \(Mood.allCases) FROM pg_sleep(0.001)") }
          }
          try await group.waitForAll()
        }
      }
      #expect(pool.stat().newCount > 1)
      // By the simple protocol a first time for how the types of the database are built.
      #expect(lookUps.count == (types.isEmpty && Way.current.mode == .simple ? 2 : 1))
      await pool.close()
    }
  }
}

/// Counts the look-ups of the catalogue.
private final class Recorder: QueryTracer {
  private let lookUps = Atomic(0)
  var count: Int { lookUps.load(ordering: .relaxed) }

  func record(_ event: TraceEvent) {
    if case .queryStarted(let query) = event, query.name == "LoadTypes" { lookUps.add(1, ordering: .relaxed) }
  }
}
