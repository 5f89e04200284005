import DatabaseTesting
import Postgres
import ResourcePool
import Testing

@Suite(.everyWay) struct BatchTests {
  struct User: PostgresRow, Equatable {
    var id: Int
    var email: String
  }

  private static let users = DatabaseTemplate(migrations: []) { connection in
    try await connection.script(
      "CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL); INSERT INTO users VALUES (1, 'ada'), (2, 'alan')")
  }

  @Test func `each answer has the type that its key says`() async throws {
    try await withTestDatabase(Self.users, configure: { $0.maxConnections = 1 }) { pool in
      var batch = PostgresBatch()
      let ada = batch.one("SELECT * FROM users WHERE id = \(1)", as: User.self)
      let count = batch.one("SELECT count(*) FROM users", as: Int.self)
      let range = batch.one("SELECT min(id), max(email) FROM users", as: (Int, String).self)
      let updated = batch.execute("UPDATE users SET email = upper(email)")
      let emails = batch.all("SELECT email FROM users ORDER BY id", as: String.self)
      let pairs = batch.all("SELECT id, email FROM users ORDER BY id", as: (Int, String).self)
      let nobody = batch.optional("SELECT * FROM users WHERE id = \(9)", as: User.self)
      for _ in 0..<2 {
        let answers = try await pool.run(batch, name: "Everything")
        #expect(try answers[ada].id == 1)
        #expect(try answers[count] == 2)
        #expect(try answers[range].0 == 1)
        #expect(try answers[updated] == 2)
        #expect(try answers[emails] == ["ADA", "ALAN"])
        #expect(try answers[pairs].map(\.0) == [1, 2])
        #expect(try answers[nobody] == nil)
      }
      #expect(pool.stat().acquired == 0)
      let empty = try await pool.run(PostgresBatch())
      #expect(empty.failureCount == 0)
    }
  }

  private struct Answer: Equatable {
    var columns: [String]
    var tag: String
    var count: Int
    var values: [[String?]] = []

    init(_ result: PostgresResult) throws {
      (columns, tag, count) = (result.columns, result.commandTag, result.rowsAffected)
      for row in result { values.append(try columns.indices.map { try row.decode($0, as: String?.self) }) }
    }
  }

  @Test(arguments: [
    "SELECT 'one' AS first, NULL::text AS second, '' AS third", "SELECT repeat('é', 5000) AS long, 'short' AS other",
    "SELECT 'row ' || n, CASE WHEN n % 3 = 0 THEN 'third' END FROM generate_series(1, 7) AS n",
    "SELECT 'row ' || n AS label FROM generate_series(1, 1000) AS n", "SELECT email FROM users WHERE false", "SELECT",
    "UPDATE users SET email = upper(email) RETURNING email, email AS same", "UPDATE users SET email = upper(email)",
  ])
  func `an answer in a batch says what it says by itself`(statement: String) async throws {
    try await withTestDatabase(Self.users) { pool in
      var batch = PostgresBatch()
      let first = batch.one("SELECT 1", as: Int.self)
      let second = batch.add(SQL(unchecked: statement)) { try Answer($0) }
      let answers = try await pool.run(batch)
      #expect(try answers[first] == 1)
      #expect(try answers[second] == Answer(try await pool.query(SQL(unchecked: statement))))
    }
  }

  @Test(arguments: [
    "SELECT 'text' AS name, 5::int8 AS n", "SELECT 'text' AS name, 5::int8 AS n WHERE false", "SELECT FROM users",
  ])
  func `a row or a column that is not there is an error, in a batch and alone, also when the connection is gone`(
    statement: String
  ) async throws {
    try await withTestDatabase(Self.users) { pool in
      var batch = PostgresBatch()
      batch.execute("SELECT 1")
      let key = batch.add(SQL(unchecked: statement)) { $0 }
      let batched = try await pool.run(batch)[key]
      let alone = try await pool.query(SQL(unchecked: statement))
      await pool.close()
      for result in [batched, alone] {
        for row in [result.count, -1, 100_000] {
          var error = #expect(throws: PostgresError.self) { try result[row].decode(0, as: String?.self) }
          #expect(error?.code == .decoding && error?.message.contains("no row \(row)") == true)
          error = #expect(throws: PostgresError.self) { try result[row].decode(as: (String?, Int?).self) }
          #expect(error?.code == .decoding && error?.message.contains("no row \(row)") == true)
        }
        for column in [result.columns.count, -1, 100_000] where !result.isEmpty {
          let error = #expect(throws: PostgresError.self) { try result[0].decode(column, as: Int?.self) }
          #expect(error?.code == .decoding && error?.message.contains("no column \(column)") == true)
        }
      }
    }
  }

  @Test func `a value of a batch that does not fit names its column`() async throws {
    try await withTestDatabase { pool in
      var batch = PostgresBatch()
      let key = batch.one("SELECT 1 AS first, NULL::int AS second", as: (Int, Int).self)
      let answers = try await pool.run(batch)
      let error = #expect(throws: PostgresError.self) { try answers[key] }
      #expect(error?.column == "second")
    }
  }

  @Test func `together, one that fails undoes all, and its error is thrown`() async throws {
    try await withTestDatabase(Self.users, configure: { $0.maxConnections = 1 }) { pool in
      var batch = PostgresBatch()
      batch.execute("INSERT INTO users VALUES (3, 'x')")
      batch.execute("INSERT INTO users VALUES (1, 'y')")
      batch.execute("INSERT INTO users VALUES (4, 'z')")
      let failing = batch
      for _ in 0..<2 {
        let error = await #expect(throws: PostgresError.self) { try await pool.run(failing, name: "Add") }
        #expect(error?.sqlState == .uniqueViolation)
        #expect(error?.sql == "INSERT INTO users VALUES (1, 'y')" && error?.queryName == "Add")
        let count: Int = try await pool.one("SELECT count(*) FROM users")
        #expect(count == 2)
      }
      #expect(pool.stat().newCount == 1)
    }
  }

  @Test func `together, one without a statement has none of them done`() async throws {
    try await withTestDatabase(Self.users, configure: { $0.maxConnections = 1 }) { pool in
      for nothing in ["", ";", "-- nothing", " /* nothing */ ; -- at all"] {
        var batch = PostgresBatch()
        batch.execute("INSERT INTO users VALUES (3, 'x')")
        batch.execute(SQL(unchecked: nothing))
        let failing = batch
        let error = await #expect(throws: PostgresError.self) { try await pool.run(failing) }
        #expect(error?.message == "the query is empty")
        let count: Int = try await pool.one("SELECT count(*) FROM users")
        #expect(count == 2)
      }
      var batch = PostgresBatch()
      let one = batch.one("/* some */ SELECT \(1)", as: Int.self)
      let two = batch.one("(SELECT \(2))", as: Int.self)
      let answers = try await pool.run(batch)
      #expect(try answers[one] == 1 && answers[two] == 2)
    }
  }

  @Test func `a batch that leaves a transaction open on the pool is told that it was undone`() async throws {
    try await withTestDatabase(Self.users, configure: { $0.maxConnections = 1 }) { pool in
      for isolation in [PostgresBatch.Isolation.together, .separate] {
        var batch = PostgresBatch(isolation)
        batch.execute("INSERT INTO users VALUES (3, 'x')")
        batch.execute("BEGIN")
        batch.execute("INSERT INTO users VALUES (4, 'y')")
        let open = batch
        let error = await #expect(throws: PostgresError.self) { try await pool.run(open) }
        #expect(error?.code == .transactionAborted)
        #expect(error?.description.hasPrefix("query at \(#fileID):") == true)
        let count: Int = try await pool.one("SELECT count(*) FROM users WHERE id > 2")
        #expect(count == (isolation == .separate ? 1 : 0))
        // On a connection of one's own the end comes later.
        try await pool.withConnection { connection in
          try await connection.execute("DELETE FROM users WHERE id > 2")
          try await connection.run(open)
          try await connection.execute("COMMIT")
        }
        let committed: Int = try await pool.one("SELECT count(*) FROM users WHERE id > 2")
        #expect(committed == 2)
        try await pool.execute("DELETE FROM users WHERE id > 2")
      }
    }
  }

  @Test func `a batch whose connection is ended by the server says why`() async throws {
    try await withTestDatabase(Self.users) { pool in
      for isolation in [PostgresBatch.Isolation.together, .separate] {
        var batch = PostgresBatch(isolation)
        batch.execute("SELECT 1")
        batch.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        batch.execute("SELECT 2")
        let ended = batch
        let error = await #expect(throws: PostgresError.self) { try await pool.run(ended) }
        #expect(error?.code == .connectionLost && error?.sqlState == .adminShutdown)
      }
    }
  }

  @Test func `separate, the others are done, and the error is thrown where its answer is read`()
    async throws
  {
    try await withTestDatabase(Self.users, configure: { $0.maxConnections = 1 }) { pool in
      var batch = PostgresBatch(.separate)
      let first = batch.execute("INSERT INTO users VALUES (3, 'x')")
      let bad = batch.execute("INSERT INTO users VALUES (1, 'y')")
      let wrong = batch.execute("SELEC")
      let last = batch.execute("INSERT INTO users VALUES (4, 'z')")
      let answers = try await pool.run(batch)
      #expect(try answers[first] == 1)
      #expect(try answers[last] == 1)
      #expect(answers.failureCount == 2)
      let error = #expect(throws: PostgresError.self) { try answers[bad] }
      #expect(error?.sqlState == .uniqueViolation)
      #expect(#expect(throws: PostgresError.self) { try answers[wrong] }?.sqlState == .syntaxError)
      let count: Int = try await pool.one("SELECT count(*) FROM users")
      #expect(count == 4)
    }
  }

  @Test func `a batch given up too late has been done, and says so`() async throws {
    try await withTestDatabase(Self.users, configure: { $0.maxConnections = 1 }) { pool in
      var batch = PostgresBatch()
      let insertion = batch.execute("INSERT INTO users VALUES (3, 'grace')")
      batch.execute("DO $$ BEGIN PERFORM pg_sleep(3600); EXCEPTION WHEN query_canceled THEN NULL; END $$")
      let answers = try await pool.run(batch, timeout: .milliseconds(500))
      #expect(try answers[insertion] == 1)
      let count: Int = try await pool.one("SELECT count(*) FROM users")
      #expect(count == 3)
    }
  }

  @Test func `in a transaction a failed statement fails the transaction, together or separate`()
    async throws
  {
    try await withTestDatabase(Self.users) { pool in
      for isolation in [PostgresBatch.Isolation.together, .separate] {
        try? await pool.transaction { tx in
          var batch = PostgresBatch(isolation)
          batch.execute("INSERT INTO users VALUES (3, 'x')")
          batch.execute("INSERT INTO users VALUES (1, 'y')")
          let last = batch.execute("INSERT INTO users VALUES (4, 'z')")
          if isolation == .together {
            let failing = batch
            await expectError(.uniqueViolation) { _ = try await tx.run(failing) }
          } else {
            let answers = try await tx.run(batch)
            let error = #expect(throws: PostgresError.self) { try answers[last] }
            #expect(error?.sqlState == .inFailedSQLTransaction)
          }
        }
        let count: Int = try await pool.one("SELECT count(*) FROM users")
        #expect(count == 2)
      }
      try await pool.transaction { tx in
        var batch = PostgresBatch()
        batch.execute("INSERT INTO users VALUES (3, 'x')")
        batch.execute("INSERT INTO users VALUES (4, 'y')")
        _ = try await tx.run(batch)
      }
      let count: Int = try await pool.one("SELECT count(*) FROM users")
      #expect(count == 4)
    }
  }

  @Test func `a thousand statements are one round trip, and more than the statement cache holds are no trouble`()
    async throws
  {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      for isolation in [PostgresBatch.Isolation.together, .separate] {
        var batch = PostgresBatch(isolation)
        let same = (0..<1000).map { n in batch.one("SELECT \(n)::int8", as: Int.self) }
        let different = (0..<700).map { n in batch.one(SQL(unchecked: "SELECT \(n) + 1"), as: Int.self) }
        let answers = try await pool.run(batch)
        #expect(try same.map { try answers[$0] } == Array(0..<1000))
        #expect(try different.map { try answers[$0] } == Array(1...700))
      }
      try await pool.execute("SELECT 1")
      let kept: Int = try await pool.one("SELECT count(*) FROM pg_prepared_statements")
      #expect(kept <= 512)
    }
  }

  @Test func `statements that went stale are prepared again`() async throws {
    try await withTestDatabase(Self.users, configure: { $0.maxConnections = 1 }) { pool in
      for isolation in [PostgresBatch.Isolation.together, .separate] {
        var batch = PostgresBatch(isolation)
        let added = batch.execute("INSERT INTO users SELECT max(id) + 1, 'n' FROM users")
        let users = batch.add("SELECT * FROM users") { $0.columns.count }
        let before = try await pool.run(batch)
        try await pool.execute("ALTER TABLE users ADD COLUMN \(identifier: "\(isolation)") int")
        let after = try await pool.run(batch)
        #expect(try after[users] == before[users] + 1)
        #expect(try after[added] == 1)
      }
      let count: Int = try await pool.one("SELECT count(*) FROM users")
      #expect(count == 6)
    }
  }

  @Test(.except(.simple, "there a text of several statements is a transaction in which no procedure can commit"))
  func `a procedure that commits is not called again because a plan behind it is stale`() async throws {
    try await withTestDatabase(Self.users, configure: { $0.maxConnections = 1 }) { pool in
      try await pool.execute("CREATE TABLE calls (id int)")
      try await pool.execute(
        """
        CREATE PROCEDURE call() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO calls VALUES (1); COMMIT; END $$
        """)
      for text in ["CALL call()", "DO $$ BEGIN CALL call(); END $$"] as [SQL] {
        for column in ["a", "b"] {
          var batch = PostgresBatch()
          batch.execute(text)
          batch.execute("SELECT * FROM users")
          // The second of these tells of the stale plan.
          _ = try? await pool.run(batch)
          try await pool.execute("ALTER TABLE users ADD COLUMN \(identifier: "\(column)\(text.text.count)") int")
        }
      }
      let calls: Int = try await pool.one("SELECT count(*) FROM calls")
      #expect(calls == 4)
    }
  }

  @Test(.except(.pgBouncer, "there no plan outlives its statement"))
  func `what no transaction holds is not run again because a plan behind it is stale`() async throws {
    try await withTestDatabase(Self.users, configure: { $0.maxConnections = 1 }) { pool in
      _ = try await pool.query("SELECT * FROM users")
      try await pool.execute("ALTER TABLE users ADD COLUMN a int")
      var batch = PostgresBatch()
      batch.execute("CREATE INDEX CONCURRENTLY by_email ON users (email)")
      batch.execute("SELECT * FROM users")
      let stale = batch
      let error = await #expect(throws: PostgresError.self) { try await pool.run(stale) }
      #expect(error?.sqlState == .featureNotSupported)
    }
  }

  @Test func `a value that cannot be sent is refused before anything is`() async throws {
    try await withTestDatabase(Self.users, configure: { $0.maxConnections = 1 }) { pool in
      var batch = PostgresBatch(.separate)
      batch.execute("INSERT INTO users VALUES (3, 'x')")
      batch.execute("INSERT INTO users VALUES (4, \("a\0b"))")
      let refused = batch
      let error = await #expect(throws: PostgresError.self) { try await pool.run(refused) }
      #expect(error?.code == .encoding)
      let count: Int = try await pool.one("SELECT count(*) FROM users")
      #expect(count == 2)
    }
  }

  @Test func `a batch that is cancelled or late is cancelled at the server`() async throws {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      for isolation in [PostgresBatch.Isolation.together, .separate] {
        var batch = PostgresBatch(isolation)
        for _ in 0..<5 { batch.execute("SELECT pg_sleep(3600)") }
        let slow = batch
        let error = await lateness { limit in _ = try await pool.run(slow, timeout: limit) }
        #expect(error?.code == .timedOut)
        let task = Task { try await pool.run(slow) }
        try await until { pool.stat().acquired == 1 }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        let one: Int = try await pool.one("SELECT 1")
        #expect(one == 1)
      }
      #expect(pool.stat().newCount == 1)
    }
  }

  @Test func `statements of a separate batch are never run after those behind them, though a plan is stale`()
    async throws
  {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      try await pool.execute("CREATE TABLE notes (id int, note text)")
      func run(_ id: Int) async throws -> PostgresBatch.Answers {
        var batch = PostgresBatch(.separate)
        batch.execute("INSERT INTO notes (id) VALUES (\(id)) RETURNING *")
        batch.execute("UPDATE notes SET note = 'seen' WHERE id = \(id)")
        return try await pool.run(batch)
      }
      #expect(try await run(1).failureCount == 0)
      try await pool.execute("ALTER TABLE notes ADD COLUMN more int")
      let answers = try await run(2)
      // Either all of it in its order, or an error that is told: not an UPDATE before its INSERT.
      let unseen: Int = try await pool.one("SELECT count(*) FROM notes WHERE note IS NULL")
      #expect(unseen == 0)
      #expect(try await run(3).failureCount == 0)
      let count: Int = try await pool.one("SELECT count(*) FROM notes")
      #expect(count == 3 - answers.failureCount)
    }
  }

  @Test func `a key of a longer batch is an error`() async throws {
    try await withTestDatabase { pool in
      var long = PostgresBatch()
      long.execute("SELECT 1")
      let key = long.one("SELECT 2", as: Int.self)
      var short = PostgresBatch()
      short.execute("SELECT 1")
      let answers = try await pool.run(short)
      #expect(throws: PostgresError.self) { try answers[key] }
    }
  }
}
