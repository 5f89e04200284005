import DatabaseTesting
import FoundationEssentials
import Postgres
import ResourcePool
import Testing

@Suite(.everyWay) struct QueryTests {
  struct User: PostgresRow, Equatable {
    var id: Int
    var email: String
    var nickname: String?
  }

  private static let users = DatabaseTemplate(migrations: []) { connection in
    try await connection.script(
      """
      CREATE TABLE users (id int PRIMARY KEY, email varchar(50) NOT NULL UNIQUE, nickname text);
      INSERT INTO users VALUES (1, 'ada@example.org', 'Countess'), (2, 'alan@example.org', NULL);
      """)
  }

  @Test func `an error that reads like a lost connection closes none while its own goes on`() async throws {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      // As postgres_fdw and dblink raise when it is another server that does not answer.
      await expectError(.connectionFailure) {
        try await pool.execute("DO $$ BEGIN RAISE 'could not connect to server' USING ERRCODE = '08006'; END $$")
      }
      let one: Int = try await pool.one("SELECT 1")
      #expect(one == 1)
      #expect(pool.stat().newCount == 1)
    }
  }

  @Test func `values come back as single values, tuples and structs`() async throws {
    try await withTestDatabase(Self.users) { pool in
      let count: Int = try await pool.one("SELECT count(*) FROM users")
      #expect(count == 2)
      let (low, high) = try await pool.one("SELECT min(id), max(id) FROM users", as: (Int, Int?).self)
      #expect(low == 1 && high == 2)
      let ada = try await pool.one("SELECT * FROM users WHERE id = \(1)", as: User.self, name: "GetUser")
      #expect(ada == User(id: 1, email: "ada@example.org", nickname: "Countess"))
      let all: [User] = try await pool.all(
        "SELECT nickname, email, id FROM users WHERE id = ANY(\([1, 2])) ORDER BY id")
      #expect(all.map(\.nickname) == ["Countess", nil])
      let pairs = try await pool.all("SELECT id, email FROM users ORDER BY id DESC", as: (Int, String).self)
      #expect(pairs.map(\.0) == [2, 1])
      let nobody = try await pool.optional("SELECT id FROM users WHERE id = \(3)", as: Int.self)
      #expect(nobody == nil)
      let nobodyAtAll: User? = try await pool.optional("SELECT * FROM users WHERE id = \(3)")
      #expect(nobodyAtAll == nil)
    }
  }

  @Test func `a statement says how many rows it changed`() async throws {
    try await withTestDatabase(Self.users) { pool in
      let updated = try await pool.execute("UPDATE users SET nickname = \("x")")
      let deleted = try await pool.execute("DELETE FROM users WHERE id = \(9)")
      let created = try await pool.execute("CREATE TABLE other (id int)")
      #expect([updated, deleted, created] == [2, 0, 0])
    }
  }

  @Test func `fragments bring their parameters with them, and identifiers are quoted`()
    async throws
  {
    try await withTestDatabase(Self.users) { pool in
      let filter: SQL = "id > \(0) AND email <> \("nobody")"
      let table = "users"
      let query: SQL = "SELECT count(*) FROM \(identifier: table) WHERE \(filter) AND id < \(2)"
      #expect(query.text == #"SELECT count(*) FROM "users" WHERE id > $1 AND email <> $2 AND id < $3"#)
      let count: Int = try await pool.one(query)
      #expect(count == 1)
      await expectError(.undefinedTable) {
        try await pool.execute("SELECT * FROM \(identifier: "a\"; DROP TABLE users")")
      }
    }
  }

  @Test func `text that looks like SQL stays a value`() async throws {
    try await withTestDatabase(Self.users) { pool in
      let evil = "x'; DROP TABLE users; --"
      let found: [Int] = try await pool.all("SELECT id FROM users WHERE email = \(evil)")
      #expect(found.isEmpty)
      let echoed: String = try await pool.one("SELECT \(evil)::text")
      #expect(echoed == evil)
    }
  }

  @Test func `one row where there is none, or more, is an error of its own`() async throws {
    try await withTestDatabase(Self.users) { pool in
      let none = await #expect(throws: PostgresError.self) {
        let _: Int = try await pool.one("SELECT id FROM users WHERE false", name: "Nobody")
      }
      #expect(none?.code == .noRows)
      #expect(none?.description.hasPrefix("query Nobody: no row") == true)
      let many = await #expect(throws: PostgresError.self) { let _: Int = try await pool.one("SELECT id FROM users") }
      #expect(many?.code == .tooManyRows)
    }
  }

  @Test func `a wrong type, an unexpected NULL and a wrong number of columns name query, column and types`()
    async throws
  {
    try await withTestDatabase(Self.users) { pool in
      let type = await #expect(throws: PostgresError.self) {
        let _: Int = try await pool.one("SELECT email FROM users WHERE id = 1", name: "GetEmail")
      }
      #expect(type?.message == "column email: varchar where Int is expected")
      #expect(type?.queryName == "GetEmail")
      let null = await #expect(throws: PostgresError.self) {
        let _: String = try await pool.one("SELECT nickname FROM users WHERE id = 2")
      }
      #expect(null?.message == "column nickname: NULL (text) where String is expected; ask for String? instead")
      let columns = await #expect(throws: PostgresError.self) {
        let _: (Int, Int) = try await pool.one("SELECT 1 AS a, 2 AS b, 3 AS c")
      }
      #expect(columns?.message == "the query returns 3 columns (a, b, c) where 2 are expected")
      let single = await #expect(throws: PostgresError.self) {
        _ = try await pool.one("SELECT 1 AS a", as: (Int, Int).self)
      }
      #expect(single?.message == "the query returns 1 column (a) where 2 are expected")
      let missing = await #expect(throws: PostgresError.self) {
        let _: User = try await pool.one("SELECT id FROM users WHERE id = 1")
      }
      #expect(missing?.message == "no column email; the query returns id")
    }
  }

  @Test func `a property is read from the column whose name differs in capitals and underscores alone`() async throws {
    struct Visit: PostgresRow, Equatable {
      var customerID: Int
      var placedAt: String?
      var note: String?
    }
    try await withTestDatabase { pool in
      let visits = try await pool.all(
        "SELECT n AS customer_id, 'now ' || n AS placed_at FROM generate_series(1, 2) n", as: Visit.self)
      #expect(visits == [Visit(customerID: 1, placedAt: "now 1"), Visit(customerID: 2, placedAt: "now 2")])
      let exact = try await pool.one(
        "SELECT 1 AS customer_id, 2 AS \"customerID\", 'a' AS placedat", as: Visit.self)
      #expect(exact == Visit(customerID: 2, placedAt: "a"))
      let ambiguous = await #expect(throws: PostgresError.self) {
        try await pool.one("SELECT 1 AS customer_id, 2 AS customerid", as: Visit.self)
      }
      #expect(ambiguous?.message.hasPrefix("customerID may be any of the columns customer_id, customerid, ") == true)
      let optional = await #expect(throws: PostgresError.self) {
        try await pool.one("SELECT 1 AS customerid, 'a' AS placed_at, 'b' AS placedat", as: Visit.self)
      }
      #expect(optional?.message.hasPrefix("placedAt may be any of the columns placed_at, placedat, ") == true)
    }
  }

  @Test func `a property whose column is there twice is an error, another one not`() async throws {
    struct Named: PostgresRow { var name: String }
    struct Both: PostgresRow { var id: Int, name: String }
    struct Noted: PostgresRow { var id: Int? }
    struct Key: PostgresRow { var id: UUID? }
    try await withTestDatabase { pool in
      let sql: SQL = "SELECT a.id, a.name, b.id FROM (SELECT 1 AS id, 'x' AS name) a, (SELECT 2 AS id) b"
      let named = try await pool.one(sql, as: Named.self)
      #expect(named.name == "x")
      let error = await #expect(throws: PostgresError.self) { try await pool.all(sql, as: Both.self) }
      #expect(error?.message == "2 columns are named id; name them apart, as in SELECT a.id AS a_id")
      await #expect(throws: PostgresError.self) { try await pool.one(sql, as: Noted.self) }
      await #expect(throws: PostgresError.self) { try await pool.one(sql, as: Key.self) }
      await #expect(throws: PostgresError.self) {
        for try await _ in pool.stream(sql, as: Both.self) {}
      }
    }
  }

  @Test func `an error of a query without a name says where in the program it stands`() async throws {
    try await withTestDatabase { pool in
      let late = await lateness { try await pool.execute("SELECT pg_sleep(600), \("secret")", timeout: $0) }
      let place = "\(#fileID):\(#line - 1)"
      #expect(late?.origin == place)
      #expect(late?.description.hasPrefix("query at \(place): no answer within ") == true)
      func origin(_ body: () async throws -> Void) async -> String? {
        do { try await body() } catch { return (error as? PostgresError)?.origin }
        return nil
      }
      let origins = [
        await origin { _ = try await pool.one("SELECT 1 WHERE false", as: Int.self) },
        await origin { _ = try await pool.one("SELECT 'a' AS id", as: User.self) },
        await origin { for try await _ in pool.stream("SELECT 1 / 0", as: Int.self) {} },
        await origin { _ = try await pool.transaction { tx in try await tx.execute("SELECT 1 / 0") } },
        await origin { _ = try await pool.copyRows(into: "nowhere", columns: ["a"]) { _ in } },
        await origin {
          var batch = PostgresBatch()
          batch.execute("SELECT 1 / 0")
          try await pool.run(batch)
        },
      ]
      #expect(origins.allSatisfy { $0?.hasPrefix("\(#fileID):") == true }, "\(origins)")
      let named = await #expect(throws: PostgresError.self) { try await pool.execute("SELECT 1 / 0", name: "Divide") }
      #expect(named?.description.hasPrefix("query Divide: ") == true)
      #expect(named?.debugDescription.contains("\nat: \(#fileID):") == true)
    }
  }

  @Test func `an error of types says as what the parameters were sent`() async throws {
    try await withTestDatabase { pool in
      try await pool.execute("CREATE TYPE mood AS ENUM ('happy')")
      try await pool.execute("CREATE TABLE people (moods mood[], status mood)")
      let advice = "; write a cast such as $1::int where another type is meant"
      let function = await #expect(throws: PostgresError.self) {
        try await pool.execute("SELECT left(\("secret"), \(4))")
      }
      #expect(function?.sqlState == .undefinedFunction)
      #expect(
        function?.description.contains(
          "the parameters are sent: $1 as text of no declared type, $2 as bigint\(advice)") == true)
      #expect(function?.description.contains("secret") == false)
      let array = await #expect(throws: PostgresError.self) {
        try await pool.execute("INSERT INTO people (moods) VALUES (\(["happy"]))")
      }
      #expect(array?.sqlState == .datatypeMismatch)
      #expect(array?.description.contains("$1 as text[]\(advice)") == true)
      let without = await #expect(throws: PostgresError.self) { try await pool.execute("SELECT left('a', 4::bigint)") }
      #expect(without?.description.contains("parameters") == false)
    }
  }

  @Test func `an array where the list of an IN stands is told of ANY and ALL`() async throws {
    try await withTestDatabase { pool in
      for sql: SQL in ["SELECT 1 WHERE 1 IN (\([1, 2]))", "SELECT 1 WHERE 'é' <> '' AND 1 NOT IN (\([1, 2]))"] {
        let error = await #expect(throws: PostgresError.self) { try await pool.execute(sql) }
        #expect(
          error?.description.contains("compared with = ANY($1) or <> ALL($1) and not with IN") == true, "\(sql.text)")
        #expect(error?.description.contains("cast such as") == false)
      }
      let other = await #expect(throws: PostgresError.self) { try await pool.execute("SELECT 1 WHERE 1 < \([1, 2])") }
      #expect(other?.description.contains("cast such as") == true)
    }
  }

  @Test(.except(.simple, "there a text is a literal, whose type is text where nothing else is said"))
  func `a parameter that no place gives a type says so, and a cast helps`() async throws {
    try await withTestDatabase(Self.users) { pool in
      let nothing = await #expect(throws: PostgresError.self) {
        try await pool.execute("SELECT id FROM users WHERE \("x") IS NULL OR nickname = \("x")")
      }
      #expect(nothing?.sqlState == .indeterminateDatatype)
      #expect(nothing?.description.contains("$1 as text of no declared type") == true)
    }
  }

  @Test func `values with the casts that the documentation shows are taken`() async throws {
    try await withTestDatabase { pool in
      try await pool.execute(
        """
        CREATE TABLE books AS SELECT 1 AS id, 'Faust'::text AS title, 1.234::numeric AS price, '[7]'::jsonb AS tags,
          NULL::text AS status, '2024-02-28'::date AS lent
        """)
      let n = 1, status: String? = nil
      let head: String = try await pool.one("SELECT left(title, \(n)::int) FROM books")
      let price: Decimal = try await pool.one("SELECT round(price, \(Int32(2))) FROM books")
      let due: PostgresDate = try await pool.one("SELECT lent + \(n)::int FROM books")
      let _: Date = try await pool.one("SELECT now() + make_interval(days => \(n)::int)")
      let tag: String? = try await pool.one("SELECT tags -> \(n - 1)::int FROM books WHERE id = \(1)")
      let found = try await pool.all(
        "SELECT title FROM books WHERE \(status)::text IS NULL OR status = \(status)", as: String.self)
      #expect(head == "F" && "\(price)" == "1.23" && "\(due)" == "2024-02-29" && tag == "7" && found == ["Faust"])
    }
  }

  @Test func `an error of the server has its SQLSTATE, its place as a caret, and no parameter's value`() async throws {
    try await withTestDatabase(Self.users) { pool in
      let syntax = await #expect(throws: PostgresError.self) { try await pool.execute("SELECT\n  1 +* 2, \("secret")") }
      #expect(syntax?.sqlState == .undefinedFunction)
      #expect(syntax?.description.contains("\n  1 +* 2, $1\n    ^") == true)
      let unique = await #expect(throws: PostgresError.self) {
        try await pool.execute("INSERT INTO users VALUES (3, \("ada@example.org"))", name: "AddUser")
      }
      #expect(unique?.sqlState == .uniqueViolation)
      #expect(unique?.constraint == "users_email_key")
      #expect(unique?.table == "users")
      #expect(unique?.description.contains("ada@") == false)
      #expect(unique?.debugDescription.contains("ada@") == true)
    }
  }

  @Test(.except(.pgBouncer, "nothing is prepared there"))
  func `an error leaves the connection and its prepared statements usable`() async throws {
    try await withTestDatabase(Self.users, configure: { $0.maxConnections = 1 }) { pool in
      for _ in 0..<3 {
        await expectError(.uniqueViolation) { try await pool.execute("INSERT INTO users VALUES (\(1), \("a"))") }
        await expectError(.undefinedTable) { try await pool.execute("SELECT * FROM nothing") }
      }
      let statements: Int = try await pool.one(
        "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'INSERT%'")
      #expect(statements == 1)
    }
  }

  @Test func `a statement whose columns changed under it is prepared again`() async throws {
    try await withTestDatabase(Self.users, configure: { $0.maxConnections = 1 }) { pool in
      let before = try await pool.query("SELECT * FROM users ORDER BY id", name: nil)
      #expect(before.columns.count == 3)
      try await pool.execute("ALTER TABLE users ADD COLUMN age int")
      let after = try await pool.query("SELECT * FROM users ORDER BY id", name: nil)
      #expect(after.columns == ["id", "email", "nickname", "age"])
    }
  }

  @Test(.except(.pgBouncer, "nothing is prepared there"))
  func `in a transaction a stale statement says so, also with others sent behind it`() async throws {
    try await withTestDatabase(Self.users, configure: { $0.maxConnections = 1 }) { pool in
      try await pool.execute("SELECT * FROM users")
      try await pool.execute("ALTER TABLE users ADD COLUMN age int")
      try await pool.withConnection { connection in
        try await connection.execute("BEGIN")
        async let stale: Void = expectError(.featureNotSupported) {
          try await connection.execute("SELECT * FROM users")
        }
        async let behind = try? connection.execute("SELECT pg_sleep(0.01)")
        _ = await (stale, behind)
        try await connection.execute("ROLLBACK")
        let rows = try await connection.execute("SELECT * FROM users")
        #expect(rows == 2)
      }
    }
  }

  @Test func `statements forgotten by the server are prepared again`() async throws {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      let first: Int = try await pool.one("SELECT \(1)::int8")
      // Nothing in the answer says so.
      try await pool.execute("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")
      let second: Int = try await pool.one("SELECT \(1)::int8")
      #expect(first + second == 2)
    }
  }

  @Test func `more statements than the cache holds are forgotten at the server too`() async throws {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      for number in 0..<600 { try await pool.execute(SQL(unchecked: "SELECT \(number)")) }
      let kept: Int = try await pool.one("SELECT count(*) FROM pg_prepared_statements")
      #expect(kept <= 512)
    }
  }

  @Test func `a text with a NUL character is refused before it is sent`() async throws {
    try await withTestDatabase { pool in
      let error = await #expect(throws: PostgresError.self) { try await pool.execute("SELECT \("a\0b")") }
      #expect(error?.code == .encoding)
      let one: Int = try await pool.one("SELECT 1")
      #expect(one == 1)
    }
  }

  @Test func `an empty query and a COPY are refused with a reason`() async throws {
    try await withTestDatabase { pool in
      let empty = await #expect(throws: PostgresError.self) { try await pool.execute("") }
      #expect(empty?.message == "the query is empty")
      await #expect(throws: PostgresError.self) { try await pool.execute("COPY pg_class TO STDOUT") }
      let one: Int = try await pool.one("SELECT 1")
      #expect(one == 1)
    }
  }

  @Test func `a value that the server quotes in its error is not in the description`()
    async throws
  {
    try await withTestDatabase { pool in
      let error = await #expect(throws: PostgresError.self) {
        try await pool.execute("SELECT \(Sensitive("hunter2"))::int")
      }
      #expect(error?.sqlState == .invalidTextRepresentation)
      #expect(error?.description.contains("hunter2") == false)
      #expect(error?.debugDescription.contains("hunter2") == true)
    }
  }

  @Test func `too many parameters, a NUL in the text and a COPY fail alone, and cost nobody else a connection`()
    async throws
  {
    try await withTestDatabase(configure: { $0.maxConnections = 2 }) { pool in
      let generation = try await pool.withConnection { $0.processID }
      var list: SQL = "SELECT \(0)"
      for _ in 0..<16 { list = "\(list) UNION ALL \(list)" }
      let tooMany = list
      let many = await #expect(throws: PostgresError.self) { try await pool.execute(tooMany) }
      #expect(many?.message.contains("65536 parameters") == true)
      let nul = await #expect(throws: PostgresError.self) { try await pool.execute(SQL(unchecked: "SELECT 1\0")) }
      #expect(nul?.code == .encoding)
      let same = try await pool.withConnection { $0.processID }
      #expect(same == generation)
      await #expect(throws: PostgresError.self) { try await pool.execute("COPY pg_class TO STDOUT") }
      let one: Int = try await pool.one("SELECT 1")
      #expect(one == 1)
    }
  }

  @Test(.except(.pgBouncer, "a setting of the session"))
  func `a stale statement is recognised whatever language the server speaks`() async throws {
    try await withTestDatabase(Self.users, configure: { $0.maxConnections = 1 }) { pool in
      try await pool.execute("SET lc_messages = 'C'")
      for column in ["a", "b"] {
        _ = try await pool.query("SELECT * FROM users", name: nil)
        try await pool.execute("ALTER TABLE users ADD COLUMN \(identifier: column) int")
      }
      let columns = try await pool.query("SELECT * FROM users", name: nil).columns
      #expect(columns.suffix(2) == ["a", "b"])
    }
  }

  @Test func `a connection whose client_encoding was changed is closed, not lent again`() async throws {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      try await pool.execute("SET client_encoding = 'LATIN1'")
      #expect(try await pool.one("SELECT \("é") || chr(233)", as: String.self) == "éé")
      try await pool.withConnection { try await $0.script("SET client_encoding = 'LATIN1'") }
      #expect(try await pool.one("SELECT \("é") || chr(233)", as: String.self) == "éé")
      for try await _ in pool.stream("SELECT set_config('client_encoding', 'LATIN1', false)") {}
      #expect(try await pool.one("SELECT \("é") || chr(233)", as: String.self) == "éé")
      #expect(pool.stat().newCount == 4)
    }
  }

  @Test func `a large value and many rows arrive whole`() async throws {
    try await withTestDatabase { pool in
      let text = String(repeating: "é", count: 3_000_000)
      let length: Int = try await pool.one("SELECT octet_length(\(text))")
      #expect(length == 6_000_000)
      let echoed: String = try await pool.one("SELECT \(text)::text")
      #expect(echoed == text)
      let numbers: [Int] = try await pool.all("SELECT n FROM generate_series(1, 100000) n")
      #expect(numbers.count == 100_000 && numbers.last == 100_000)
    }
  }

  @Test func `queries of many tasks are answered each with its own`() async throws {
    try await withTestDatabase(configure: { $0.maxConnections = 3 }) { pool in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for task in 0..<64 {
          group.addTask {
            for round in 0..<20 {
              let expected = task * 1000 + round
              let answer: Int = try await pool.one("SELECT \(expected)::int8")
              #expect(answer == expected)
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(pool.stat().acquireCount >= 64 * 20)
      #expect(pool.stat().acquired == 0)
      #expect(pool.stat().total <= 3)
    }
  }
}

/// Expects an error of the server with this SQLSTATE.
func expectError(
  _ state: SQLState, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async {
  let error = await #expect(throws: PostgresError.self, sourceLocation: sourceLocation) { try await body() }
  #expect(error?.sqlState == state, sourceLocation: sourceLocation)
}
