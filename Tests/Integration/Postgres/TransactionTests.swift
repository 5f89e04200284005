import DatabaseTesting
import Postgres
import ResourcePool
import Testing

@Suite(.everyWay) struct TransactionTests {
  struct Trouble: Error {}

  private static let accounts = DatabaseTemplate(migrations: []) { connection in
    try await connection.script("CREATE TABLE account (id int PRIMARY KEY, amount int NOT NULL CHECK (amount >= 0))")
    try await connection.script("INSERT INTO account VALUES (1, 100), (2, 0)")
  }

  private func amounts(_ pool: PostgresPool) async throws -> [Int] {
    try await pool.all("SELECT amount FROM account ORDER BY id")
  }

  // It compiles without a warning, which CI takes for an error.
  @Test func `a body of one statement whose count nobody wants needs no assignment`() async throws {
    try await withTestDatabase(Self.accounts) { pool in
      try await pool.transaction { tx in try await tx.execute("UPDATE account SET amount = 1 WHERE id = 2") }
      try await pool.withConnection { connection in
        try await connection.execute("UPDATE account SET amount = amount + 1 WHERE id = 2")
      }
      #expect(try await amounts(pool) == [100, 2])
    }
  }

  @Test func `a body that returns commits, and its value is the transaction's`() async throws {
    try await withTestDatabase(Self.accounts) { pool in
      let moved = try await pool.transaction { tx in
        try await tx.execute("UPDATE account SET amount = amount - 30 WHERE id = 1")
        try await tx.execute("UPDATE account SET amount = amount + 30 WHERE id = 2")
        return 30
      }
      #expect(moved == 30)
      let after = try await amounts(pool)
      #expect(after == [70, 30])
    }
  }

  @Test func `a body that throws rolls back and throws its own error, and the connection is used again`() async throws {
    try await withTestDatabase(Self.accounts, configure: { $0.maxConnections = 1 }) { pool in
      await #expect(throws: Trouble.self) {
        try await pool.transaction { tx in
          try await tx.execute("UPDATE account SET amount = 0")
          throw Trouble()
        }
      }
      let after = try await amounts(pool)
      #expect(after == [100, 0])
      #expect(pool.stat().newCount == 1)
    }
  }

  @Test func `a transaction that was kept takes no statement after its end, be that by COMMIT or by ROLLBACK`()
    async throws
  {
    try await withTestDatabase(Self.accounts, configure: { $0.maxConnections = 1 }) { pool in
      let committed = try await pool.transaction { tx in tx }
      var rolledBack = committed
      await #expect(throws: Trouble.self) {
        try await pool.transaction { tx in
          rolledBack = tx
          throw Trouble()
        }
      }
      // The one connection is in a transaction of somebody else.
      try await pool.transaction { tx in
        try await tx.transaction { nested in _ = try await nested.one("SELECT 1", as: Int.self) }
        for kept in [committed, rolledBack] {
          let error = await #expect(throws: PostgresError.self) {
            try await kept.execute("UPDATE account SET amount = 0")
          }
          #expect(error?.message.hasPrefix("the transaction has ended") == true)
          #expect(error?.description.hasPrefix("query at \(#fileID):") == true)
          await #expect(throws: PostgresError.self) {
            for try await _ in kept.stream("SELECT amount FROM account", as: Int.self) {}
          }
        }
      }
      #expect(try await amounts(pool) == [100, 0])
    }
  }

  @Test func `a connection that was kept takes nothing once its closure has returned, and closes nobody else's`()
    async throws
  {
    try await withTestDatabase(Self.accounts, configure: { $0.maxConnections = 1 }) { pool in
      let kept = try await pool.withConnection { connection in
        try await connection.transaction { tx in try await tx.execute("SELECT 1") }
        return connection
      }
      let ofTransaction = try await pool.transaction { tx in tx.connection }
      // The one connection is in a transaction of somebody else.
      try await pool.transaction { tx in
        for connection in [kept, ofTransaction] {
          let error = await #expect(throws: PostgresError.self) {
            try await connection.execute("UPDATE account SET amount = 0")
          }
          #expect(error?.code == .unsupported)
          #expect(error?.message.hasPrefix("the connection was lent to a closure that has returned") == true)
          #expect(error?.description.hasPrefix("query at \(#fileID):") == true)
          var batch = PostgresBatch()
          batch.execute("UPDATE account SET amount = 0")
          let updates = batch
          await #expect(throws: PostgresError.self) { try await connection.run(updates) }
          await #expect(throws: PostgresError.self) { try await connection.script("UPDATE account SET amount = 0") }
          await #expect(throws: PostgresError.self) {
            try await connection.transaction { tx in try await tx.execute("UPDATE account SET amount = 0") }
          }
          await #expect(throws: PostgresError.self) {
            for try await _ in connection.stream("SELECT amount FROM account", as: Int.self) {}
          }
          #expect(!connection.isOpen)
          await connection.close()
        }
        try await tx.execute("UPDATE account SET amount = amount + 1 WHERE id = 2")
      }
      #expect(try await amounts(pool) == [100, 1])
      #expect(pool.stat().newCount == 1)
    }
  }

  @Test(.except(.pgBouncer, "which says by itself why it ends a connection"))
  func `a transaction whose connection the server ended while nothing was under way says why`() async throws {
    try await withTestDatabase(Self.accounts) { pool in
      let error = await #expect(throws: PostgresError.self) {
        try await pool.transaction { tx in
          try await tx.execute("SET LOCAL idle_in_transaction_session_timeout = 1")
          try await until { !tx.connection.isOpen }
          try await tx.execute("SELECT 1")
        }
      }
      #expect(error?.code == .connectionLost)
      #expect(error?.sqlState?.rawValue == "25P03")
      #expect(error?.message == "connection lost: terminating connection due to idle-in-transaction timeout")
    }
  }

  @Test func `a transaction that its own closure has rolled back does not look like a commit`() async throws {
    try await withTestDatabase(Self.accounts, configure: { $0.maxConnections = 1 }) { pool in
      // After an error all three undo the transaction.
      for end in ["ROLLBACK", "COMMIT", "PREPARE TRANSACTION 'transfer'"] {
        let error = await #expect(throws: PostgresError.self) {
          try await pool.transaction { tx in
            try await tx.execute("UPDATE account SET amount = 1 WHERE id = 2")
            await expectError(.checkViolation) { try await tx.execute("UPDATE account SET amount = -1") }
            try await tx.execute(SQL(unchecked: end))
          }
        }
        #expect(error?.code == .transactionAborted)
        #expect(error?.description.hasPrefix("query at \(#fileID):") == true)
      }
      try await pool.transaction { tx in
        try await tx.execute("UPDATE account SET amount = 2 WHERE id = 2")
        try await tx.execute("COMMIT")
      }
      #expect(try await amounts(pool) == [100, 2])
      #expect(pool.stat().newCount == 1)
    }
  }

  @Test func `a commit of the closure's own that fails does not look like a commit, in a nested transaction either`()
    async throws
  {
    try await withTestDatabase(Self.accounts, configure: { $0.maxConnections = 1 }) { pool in
      try await pool.execute(
        """
        CREATE TABLE part (account int CONSTRAINT known REFERENCES account (id) DEFERRABLE INITIALLY DEFERRED)
        """)
      func breakOff(_ tx: PostgresTransaction, _ end: String) async throws {
        try await tx.execute("INSERT INTO part VALUES (99)")
        await expectError(.foreignKeyViolation) { try await tx.connection.script(end) }
      }
      for end in ["COMMIT", "end", "PREPARE TRANSACTION 'part'", "SELECT 1; COMMIT"] {
        let error = await #expect(throws: PostgresError.self) {
          try await pool.transaction { tx in try await breakOff(tx, end) }
        }
        #expect(error?.code == .transactionAborted, "\(end)")
        let nested = await #expect(throws: PostgresError.self) {
          try await pool.transaction { tx in try await tx.transaction { part in try await breakOff(part, end) } }
        }
        #expect(nested?.code == .transactionAborted, "\(end)")
        #expect(nested?.message.contains("has rolled the whole transaction back") == true, "\(end)")
      }
      let alone = await #expect(throws: PostgresError.self) {
        try await pool.transaction { tx in
          try await tx.execute("INSERT INTO part VALUES (99)")
          await expectError(.foreignKeyViolation) { try await tx.execute("COMMIT") }
        }
      }
      #expect(alone?.code == .transactionAborted)
      let count: Int = try await pool.one("SELECT count(*) FROM part")
      #expect(count == 0 && pool.stat().newCount == 1)
    }
  }

  @Test func `a transaction that its closure rolls back and begins again does not look like a commit`() async throws {
    try await withTestDatabase(Self.accounts, configure: { $0.maxConnections = 1 }) { pool in
      let ways: [(statements: [SQL], fails: Bool)] = [
        (["ROLLBACK", "BEGIN"], false), (["ROLLBACK AND CHAIN"], false), (["abort transaction and chain"], false),
        (["COMMIT AND CHAIN"], true),
      ]
      for (way, fails) in ways {
        let error = await #expect(throws: PostgresError.self) {
          try await pool.transaction { tx in
            try await tx.execute("UPDATE account SET amount = 1 WHERE id = 2")
            if fails { await expectError(.checkViolation) { try await tx.execute("UPDATE account SET amount = -1") } }
            for statement in way { try await tx.execute(statement) }
            try await tx.execute("UPDATE account SET amount = 7 WHERE id = 1")
          }
        }
        #expect(error?.code == .transactionAborted, "\(way)")
        #expect(error?.message.contains("began after that is undone too") == true, "\(way)")
        #expect(error?.description.hasPrefix("query at \(#fileID):") == true)
        let after = try await amounts(pool)
        #expect(after == [100, 0], "\(way)")
      }
      let error = await #expect(throws: PostgresError.self) {
        try await pool.transaction { tx in
          try await tx.connection.script("ROLLBACK; BEGIN; UPDATE account SET amount = 7 WHERE id = 1")
        }
      }
      #expect(error?.code == .transactionAborted)
      let after = try await amounts(pool)
      #expect(after == [100, 0])
      #expect(pool.stat().newCount == 1)
    }
  }

  @Test
  func `a transaction rolled back by its closure does not look like a commit because another was committed after`()
    async throws
  {
    try await withTestDatabase(Self.accounts, configure: { $0.maxConnections = 1 }) { pool in
      let error = await #expect(throws: PostgresError.self) {
        try await pool.transaction { tx in
          try await tx.execute("UPDATE account SET amount = 1 WHERE id = 2")
          for statement in ["ROLLBACK", "BEGIN", "UPDATE account SET amount = 7 WHERE id = 1", "COMMIT"] as [SQL] {
            try await tx.execute(statement)
          }
        }
      }
      #expect(error?.code == .transactionAborted)
      let after = try await amounts(pool)
      #expect(after == [7, 0])
    }
  }

  @Test func `a savepoint that a closure rolls back to is no rollback of the transaction, and what it commits stays`()
    async throws
  {
    try await withTestDatabase(Self.accounts, configure: { $0.maxConnections = 1 }) { pool in
      try await pool.transaction { tx in
        try await tx.execute("UPDATE account SET amount = 1 WHERE id = 2")
        try await tx.execute("SAVEPOINT half")
        for back in ["ROLLBACK TO half", "rollback work to savepoint half"] as [SQL] {
          try await tx.execute("UPDATE account SET amount = 9 WHERE id = 2")
          try await tx.execute(back)
        }
        try await tx.connection.script("UPDATE account SET amount = 9 WHERE id = 2; ROLLBACK\nTO half")
        await expectError(.checkViolation) {
          try await tx.transaction { part in _ = try await part.execute("UPDATE account SET amount = -1") }
        }
      }
      #expect(try await amounts(pool) == [100, 1])
      try await pool.transaction { tx in
        try await tx.execute("UPDATE account SET amount = 2 WHERE id = 2")
        try await tx.execute("COMMIT AND CHAIN")
        try await tx.execute("UPDATE account SET amount = 50 WHERE id = 1")
      }
      #expect(try await amounts(pool) == [50, 2])
      #expect(pool.stat().newCount == 1)
    }
  }

  @Test func `a nested transaction whose closure ends the whole one says so, and what to do`() async throws {
    try await withTestDatabase(Self.accounts, configure: { $0.maxConnections = 1 }) { pool in
      let ways: [(end: [SQL], code: PostgresError.Code, state: String, says: String, amounts: [Int])] = [
        (["ROLLBACK"], .transactionAborted, "25P01", "has rolled the whole transaction back", [100, 0]),
        (["ROLLBACK", "BEGIN"], .transactionAborted, "3B001", "the nested transaction's own is gone", [100, 0]),
        (["COMMIT"], .unsupported, "25P01", "has committed the whole transaction", [100, 3]),
        (
          ["ROLLBACK", "BEGIN", "UPDATE account SET amount = 7 WHERE id = 1", "COMMIT"], .transactionAborted, "25P01",
          "has rolled the whole transaction back", [7, 3]
        ),
      ]
      for way in ways {
        let error = await #expect(throws: PostgresError.self) {
          try await pool.transaction { tx in
            try await tx.transaction { part in
              try await part.execute("UPDATE account SET amount = 3 WHERE id = 2")
              for statement in way.end { try await part.execute(statement) }
            }
          }
        }
        #expect(error?.code == way.code && error?.sqlState?.rawValue == way.state, "\(String(describing: error))")
        #expect(error?.message.contains(way.says) == true, "\(String(describing: error))")
        #expect(error?.message.hasSuffix("return to keep what a closure did, throw to undo it") == true)
        #expect(error?.description.hasPrefix("query at \(#fileID):") == true)
        let after = try await amounts(pool)
        #expect(after == way.amounts)
      }
      let late = await #expect(throws: PostgresError.self) {
        try await pool.transaction { tx in
          try await tx.execute("COMMIT")
          try await tx.transaction { _ in }
        }
      }
      #expect(late?.code == .unsupported && late?.message.contains("has committed the whole transaction") == true)
      #expect(pool.stat().newCount == 1)
    }
  }

  @Test func `a nested transaction that throws is undone alone`() async throws {
    try await withTestDatabase(Self.accounts) { pool in
      try await pool.transaction { tx in
        try await tx.execute("UPDATE account SET amount = 50 WHERE id = 1")
        await expectError(.checkViolation) {
          try await tx.transaction { inner in
            try await inner.execute("UPDATE account SET amount = 7 WHERE id = 2")
            try await inner.execute("UPDATE account SET amount = -1 WHERE id = 1")
          }
        }
        try await tx.transaction { inner in
          try await inner.transaction { innermost in
            _ = try await innermost.execute("UPDATE account SET amount = amount + 1 WHERE id = 2")
          }
        }
      }
      let after = try await amounts(pool)
      #expect(after == [50, 1])
    }
  }

  @Test func `a failed statement whose error is swallowed does not look like a commit`()
    async throws
  {
    try await withTestDatabase(Self.accounts) { pool in
      let error = await #expect(throws: PostgresError.self) {
        try await pool.transaction { tx in
          try await tx.execute("UPDATE account SET amount = 1")
          _ = try? await tx.execute("UPDATE account SET amount = -1")
        }
      }
      #expect(error?.code == .transactionAborted)
      let after = try await amounts(pool)
      #expect(after == [100, 0])
    }
  }

  @Test func `isolation level and read-only reach the server`() async throws {
    try await withTestDatabase(Self.accounts) { pool in
      let options = TransactionOptions(isolation: .serializable, isReadOnly: true, isDeferrable: true)
      let settings: [String] = try await pool.transaction(options) { tx in
        [
          try await tx.one("SHOW transaction_isolation"), try await tx.one("SHOW transaction_read_only"),
          try await tx.one("SHOW transaction_deferrable"),
        ]
      }
      #expect(settings == ["serializable", "on", "on"])
      await expectError(.readOnlySQLTransaction) {
        try await pool.transaction(options) { tx in _ = try await tx.execute("DELETE FROM account") }
      }
    }
  }

  @Test func `transactions that cannot be put in an order are run again until each has happened`() async throws {
    try await withTestDatabase(Self.accounts) { pool in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<8 {
          group.addTask {
            try await pool.transaction(
              TransactionOptions(isolation: .serializable), retrying: .serialization(attempts: 50)
            ) { tx in
              let amount: Int = try await tx.one("SELECT amount FROM account WHERE id = 2")
              try await tx.execute("UPDATE account SET amount = \(amount + 1) WHERE id = 2")
            }
          }
        }
        try await group.waitForAll()
      }
      let after = try await amounts(pool)
      #expect(after == [100, 8])
    }
  }

  @Test func `a transaction is run ten times unless more is asked for, and the last error is thrown`() async throws {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      var attempts = 0
      await expectError(.serializationFailure) {
        try await pool.transaction(retrying: .serialization) { tx in
          attempts += 1
          try await tx.execute("DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$")
        }
      }
      #expect(attempts == 10)
    }
  }

  @Test func `an error at COMMIT says where the transaction stands`() async throws {
    try await withTestDatabase { pool in
      try await pool.execute("CREATE TABLE late (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
      let error = await #expect(throws: PostgresError.self) {
        try await pool.transaction { tx in try await tx.execute("INSERT INTO late VALUES (1), (1)") }
      }
      #expect(error?.sqlState == .uniqueViolation && error?.origin?.hasPrefix("\(#fileID):") == true)
    }
  }

  @Test func `a connection that breaks during COMMIT leaves the outcome unknown, and says so`() async throws {
    try await withTestDatabase(Self.accounts, configure: { $0.maxConnections = 2 }) { pool in
      try await pool.execute(
        """
        CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$
        """)
      try await pool.execute(
        """
        CREATE CONSTRAINT TRIGGER die AFTER UPDATE ON account DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION die()
        """)
      // Another connection, on which suspicion falls too.
      try await pool.transaction { _ in try await pool.execute("SELECT 1") }
      let error = await #expect(throws: PostgresError.self) {
        try await pool.transaction { tx in _ = try await tx.execute("UPDATE account SET amount = 1 WHERE id = 1") }
      }
      #expect(error?.code == .outcomeUnknown)
      let after = try await amounts(pool)
      #expect(after == [100, 0])
      #expect(pool.stat().newCount == 3)
    }
  }

  @Test func `a connection that was lost before COMMIT leaves no doubt: the transaction has not happened`() async throws
  {
    try await withTestDatabase(Self.accounts) { pool in
      let error = await #expect(throws: PostgresError.self) {
        try await pool.transaction { tx in
          try await tx.execute("UPDATE account SET amount = 1 WHERE id = 1")
          try await tx.execute("SET LOCAL idle_in_transaction_session_timeout = 1")
          try await until { !tx.connection.isOpen }
        }
      }
      #expect(error?.code == .connectionLost)
      let after = try await amounts(pool)
      #expect(after == [100, 0])
    }
  }

  @Test func `a connection of another pool that is lost within a transaction casts no suspicion on this pool's`()
    async throws
  {
    try await withTestDatabase(configure: { $0.maxConnections = 2 }) { pool in
      try await withTestDatabase { other in
        try await pool.transaction { _ in try await pool.execute("SELECT 1") }
        let error = await #expect(throws: PostgresError.self) {
          try await pool.transaction { _ in
            _ = try await other.execute("SELECT pg_terminate_backend(pg_backend_pid())")
          }
        }
        #expect(error?.code == .connectionLost)
        // As postgres_fdw passes on what ended its session.
        await #expect(throws: PostgresError.self) {
          try await pool.execute("DO $$ BEGIN RAISE EXCEPTION 'over there' USING ERRCODE = '57P01'; END $$")
        }
        try await pool.transaction { _ in try await pool.execute("SELECT 1") }
        #expect(pool.stat().newCount == 2)
      }
    }
  }

  /// A second COMMIT would find no transaction, and succeed at nothing.
  @Test(arguments: ["26000", "42P05"])
  func `a COMMIT that fails with an error known from prepared statements is not sent again`(state: String) async throws
  {
    let template = DatabaseTemplate(migrations: []) { connection in
      try await connection.script(
        """
        CREATE TABLE refused (state text);
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN RAISE 'prepared statement "keel_1" does not exist' USING ERRCODE = NEW.state; END $$;
        CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON refused DEFERRABLE INITIALLY DEFERRED
          FOR EACH ROW EXECUTE FUNCTION refuse();
        """)
    }
    try await withTestDatabase(template, configure: { $0.maxConnections = 1 }) { pool in
      let insertion: SQL = "INSERT INTO refused VALUES (\(state))"
      let error = await #expect(throws: PostgresError.self) {
        try await pool.transaction { tx in try await tx.execute(insertion) }
      }
      #expect(error?.sqlState?.rawValue == state)
      // The same in one batch, whose end alone would keep what came between.
      var batch = PostgresBatch()
      batch.execute("BEGIN")
      batch.execute(insertion)
      batch.execute("COMMIT")
      let other = await #expect(throws: PostgresError.self) { try await pool.run(batch) }
      #expect(other?.sqlState?.rawValue == state)
      let left: Int = try await pool.one("SELECT count(*) FROM refused")
      #expect(left == 0)
    }
  }

  @Test func `a connection left in a transaction by withConnection is closed, not lent again`() async throws {
    try await withTestDatabase(Self.accounts, configure: { $0.maxConnections = 1 }) { pool in
      let first = try await pool.withConnection { connection in
        try await connection.execute("BEGIN")
        return connection.processID
      }
      let second = try await pool.withConnection { $0.processID }
      #expect(first != second)
    }
  }

  @Test func `what follows a transaction that was given up as it began stands by itself`() async throws {
    try await withTestDatabase(Self.accounts) { pool in
      for _ in 0..<rounds(200) {
        try await pool.withConnection { connection in
          try? await connection.transaction(timeout: .microseconds(Int.random(in: 1...300))) { _ in throw Trouble() }
          try await connection.execute("UPDATE account SET amount = amount + 1 WHERE id = 2")
        }
      }
      #expect(try await amounts(pool) == [100, rounds(200)])
    }
  }

  @Test func `what follows a transaction that was given up as it began beside other queries stands by itself`()
    async throws
  {
    try await withTestDatabase(Self.accounts) { pool in
      for _ in 0..<rounds(200) {
        try await pool.withConnection { connection in
          await withTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
              group.addTask { _ = try? await connection.execute("SELECT") }
            }
            group.addTask {
              try? await connection.transaction(timeout: .microseconds(Int.random(in: 1...300))) { _ in throw Trouble()
              }
            }
          }
          try await connection.execute("UPDATE account SET amount = amount + 1 WHERE id = 2")
        }
      }
      #expect(try await amounts(pool) == [100, rounds(200)])
    }
  }

  @Test func `a connection left in a transaction by a single statement is closed, not lent again`() async throws {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      try await pool.execute("BEGIN")
      try await pool.execute("CREATE TABLE t (id int)")
      pool.reset()
      let count: Int = try await pool.one("SELECT count(*) FROM t")
      #expect(count == 0)
      for try await _ in pool.stream("BEGIN") {}
      try await pool.execute("INSERT INTO t VALUES (1)")
      pool.reset()
      let inserted: Int = try await pool.one("SELECT count(*) FROM t")
      #expect(inserted == 1)
    }
  }

  @Test func `a single statement that begins a transaction undoes nothing that others were told is done`() async throws
  {
    try await withTestDatabase(configure: { $0.maxConnections = 1 }) { pool in
      try await pool.execute("CREATE TABLE t (id int)")
      for begin in ["BEGIN", "START TRANSACTION"] {
        let told = try await withThrowingTaskGroup(of: Int.self) { group in
          for number in 0..<50 {
            group.addTask {
              if number == 10 { _ = try? await pool.execute(SQL(unchecked: begin)) }
              return (try? await pool.execute("INSERT INTO t VALUES (\(number))")) ?? 0
            }
          }
          return try await group.reduce(0, +)
        }
        let count: Int = try await pool.one("SELECT count(*) FROM t")
        #expect(count == told)
        try await pool.execute("TRUNCATE t")
      }
    }
  }

  @Test func `a script is one transaction, and its error points into the text`() async throws {
    try await withTestDatabase(Self.accounts) { pool in
      try await pool.withConnection { connection in
        let error = await #expect(throws: PostgresError.self) {
          try await connection.script("UPDATE account SET amount = 1;\nINSERT INTO nowhere VALUES (1);")
        }
        #expect(error?.sqlState == .undefinedTable)
        #expect(error?.description.contains("INSERT INTO nowhere VALUES (1);\n            ^") == true)
        #expect(error?.statementIndex == 1)
      }
      let after = try await amounts(pool)
      #expect(after == [100, 0])
    }
  }

  enum Work: CaseIterable { case statement, stream, copyOut, copyRows, batch }

  @Test(arguments: Work.allCases)
  func `a transaction's time covers all that can be done in it`(work: Work) async throws {
    try await withTestDatabase(Self.accounts, configure: { $0.maxConnections = 2 }) { pool in
      try await pool.transaction { holder in
        try await holder.execute("LOCK TABLE account")
        let error = await lateness { limit in
          try await pool.transaction(timeout: limit) { tx in
            switch work {
            case .statement: try await tx.execute("SELECT FROM account")
            case .stream: for try await _ in tx.stream("SELECT id FROM account", as: Int.self) {}
            case .copyOut: for try await _ in tx.copyOut("COPY account TO STDOUT") {}
            case .copyRows: try await tx.copyRows(into: "account", columns: ["id"]) { try await $0.write(3) }
            case .batch:
              var batch = PostgresBatch()
              batch.execute("SELECT FROM account")
              batch.execute("SELECT FROM account")
              _ = try await tx.run(batch)
            }
          }
        }
        #expect(error?.code == .timedOut)
      }
    }
  }

  @Test func `parts that fail leave no savepoint behind`() async throws {
    try await withTestDatabase(Self.accounts) { pool in
      try await pool.transaction { tx in
        for _ in 0..<100 {
          await #expect(throws: Trouble.self) {
            try await tx.transaction { inner in
              try await inner.execute("UPDATE account SET amount = 1")
              throw Trouble()
            }
          }
        }
        let depth: Int = try await tx.one("SELECT max(level)::int FROM pg_backend_memory_contexts")
        #expect(depth < 50)
      }
    }
  }
}
