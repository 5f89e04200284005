import DatabaseTesting
import Postgres
import ResourcePool
import Testing

/// Every kind of call at once, from many tasks over few connections, some of them given up at any moment. Not through PgBouncer,
/// which before 1.21 does not survive so many cancel requests (its issue 822).
@Suite(Ways(ways: [.direct, .directSimple])) struct RandomCallsTests {
  /// What the calls have promised of the rows that they wrote.
  private struct Promises: Sendable {
    var kept: Set<Int> = []
    var undone: Set<Int> = []

    mutating func note(_ rows: some Sequence<Int>, _ outcome: Outcome) {
      switch outcome {
      case .done: kept.formUnion(rows)
      case .undone: undone.formUnion(rows)
      case .open: break
      }
    }
  }

  private enum Outcome { case done, undone, open }

  private struct Shape: PostgresRow {
    var first: Int
    var further: Int?
  }

  /// What a call throws where the test wants it to.
  private struct Refused: Error {}

  /// One of the tasks, with numbers of its own for the rows that it writes.
  private struct Caller: Sendable {
    let pool: PostgresPool
    var next: Int
    var promises = Promises()

    mutating func row() -> Int {
      next += 1
      return next
    }

    /// Calls `body`, half of the time in a task that is cancelled after a few turns.
    func given<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async -> Result<Value, any Error>
    {
      let call = Task { try await body() }
      guard Bool.random() else { return await call.result }
      for _ in 0..<Int.random(in: 0..<200) { await Task.yield() }
      call.cancel()
      return await call.result
    }

    /// Whatever is not undone for certain must be a cancellation or a time-out.
    func outcome(of result: Result<some Any, any Error>, isAtomic: Bool) -> Outcome {
      switch result {
      case .success: return .done
      case .failure(let error):
        expectHarmless(error)
        return isAtomic ? .undone : .open
      }
    }

    func expectHarmless(_ error: any Error) {
      let isHarmless =
        error is CancellationError || error is Refused || (error as? PostgresError)?.code == .timedOut
        || (error as? PostgresError)?.sqlState == .uniqueViolation || (error as? PoolError)?.code == .acquireTimeout
      #expect(isHarmless, "\(error)")
    }

    mutating func call() async {
      switch Int.random(in: 0..<12) {
      case 0, 1: await ask()
      case 2: await insert()
      case 3: await transact()
      case 4: await batch()
      case 5: await separateBatch()
      case 6: await stream()
      case 7: await copyIn()
      case 8: await copyOut()
      case 9: await readShape()
      case 10: await share()
      default: await disturb()
      }
    }

    mutating func ask() async {
      let number = row()
      let pool = pool
      switch await given({ try await pool.one("SELECT \(number)", as: Int.self) }) {
      case .success(let answer): #expect(answer == number)
      case .failure(let error): expectHarmless(error)
      }
    }

    mutating func insert() async {
      let (row, pool) = (row(), pool)
      let timeout: Duration? = Bool.random() ? .microseconds(Int.random(in: 1...20_000)) : nil
      let result = await given { try await pool.execute("INSERT INTO kept VALUES (\(row))", timeout: timeout) }
      promises.note([row], outcome(of: result, isAtomic: false))
    }

    mutating func transact() async {
      let (first, second, nested, pool) = (row(), row(), row(), pool)
      let isRefused = Bool.random()
      let result = await given {
        try await pool.transaction { tx in
          try await tx.execute("INSERT INTO kept VALUES (\(first))")
          try? await tx.transaction { inner in
            try await inner.execute("INSERT INTO kept VALUES (\(nested))")
            throw Refused()
          }
          for try await number in tx.stream("SELECT generate_series(1, 2000)", as: Int.self) where number == 3 { break }
          try await tx.execute("INSERT INTO kept VALUES (\(second))")
          if isRefused { throw Refused() }
        }
      }
      promises.note([nested], .undone)
      promises.note([first, second], outcome(of: result, isAtomic: true))
    }

    mutating func batch() async {
      let (rows, pool) = ([row(), row(), row()], pool)
      var batch = PostgresBatch()
      for row in rows { batch.execute("INSERT INTO kept VALUES (\(row))") }
      let isRefused = Int.random(in: 0..<3) == 0
      if isRefused { batch.execute("INSERT INTO kept VALUES (\(rows[0]))") }
      let sent = batch
      let result = await given { try await pool.run(sent) }
      promises.note(rows, isRefused ? .undone : outcome(of: result, isAtomic: false))
      if case .failure(let error) = result { expectHarmless(error) } else { #expect(!isRefused) }
    }

    mutating func separateBatch() async {
      let (rows, pool) = ([row(), row()], pool)
      var batch = PostgresBatch(.separate)
      batch.execute("INSERT INTO kept VALUES (\(rows[0]))")
      batch.execute("INSERT INTO kept VALUES (\(rows[0]))")
      batch.execute("INSERT INTO kept VALUES (\(rows[1]))")
      let sent = batch
      let result = await given { try await pool.run(sent).failureCount }
      if case .success(let failures) = result { #expect(failures == 1) }
      promises.note(rows, outcome(of: result, isAtomic: false))
    }

    mutating func stream() async {
      let (limit, pool) = (Int.random(in: 1...3000), pool)
      let result = await given {
        var expected = 0
        for try await number in pool.stream("SELECT generate_series(1, 3000)", as: Int.self) {
          expected += 1
          guard number == expected else { return false }
          if number == limit { break }
        }
        return expected == limit
      }
      switch result {
      case .success(let isRight): #expect(isRight)
      case .failure(let error): expectHarmless(error)
      }
    }

    mutating func copyIn() async {
      let (rows, pool) = ([row(), row(), row()], pool)
      let isRefused = Bool.random()
      let result = await given {
        try await pool.copyIn("COPY kept FROM STDIN") { writer in
          for row in rows { try await writer.write("\(row)\n") }
          if isRefused { throw Refused() }
        }
      }
      promises.note(rows, isRefused ? .undone : outcome(of: result, isAtomic: false))
      if case .failure(let error) = result { expectHarmless(error) } else { #expect(!isRefused) }
    }

    mutating func copyOut() async {
      let pool = pool
      let result = await given {
        var bytes = 0
        for try await piece in pool.copyOut("COPY (SELECT generate_series(1000, 2999)) TO STDOUT") {
          bytes += piece.count
        }
        return bytes
      }
      switch result {
      case .success(let bytes): #expect(bytes == 10_000)
      case .failure(let error): expectHarmless(error)
      }
    }

    mutating func readShape() async {
      let pool = pool
      switch await given({ try await pool.one("SELECT * FROM shape", as: Shape.self) }) {
      case .success(let shape): #expect(shape.first == 7)
      case .failure(let error): expectHarmless(error)
      }
    }

    /// Several at once on one connection, each of them given up or not.
    mutating func share() async {
      let (numbers, pool, caller) = ([row(), row(), row()], pool, self)
      let result = await given {
        try await pool.withConnection { connection in
          await withTaskGroup(of: Bool.self) { group in
            for number in numbers {
              group.addTask {
                switch await caller.given({ try await connection.one("SELECT \(number)", as: Int.self) }) {
                case .success(let answer): return answer == number
                case .failure(let error):
                  caller.expectHarmless(error)
                  return true
                }
              }
            }
            return await group.allSatisfy { $0 }
          }
        }
      }
      switch result {
      case .success(let areRight): #expect(areRight)
      case .failure(let error): expectHarmless(error)
      }
    }

    /// What makes prepared statements stale, or forgets them.
    mutating func disturb() async {
      let pool = pool
      let disturbances: [SQL] = [
        "ALTER TABLE shape ADD COLUMN IF NOT EXISTS further int", "ALTER TABLE shape DROP COLUMN IF EXISTS further",
        "DEALLOCATE ALL",
      ]
      let disturbance = disturbances[Int.random(in: 0..<disturbances.count)]
      if case .failure(let error) = await given({ try await pool.execute(disturbance) }) { expectHarmless(error) }
    }
  }

  @Test func `each call gets its own answer, and what it was told of its rows holds`() async throws {
    let template = DatabaseTemplate(migrations: []) { connection in
      try await connection.script(
        "CREATE TABLE kept (id int8 PRIMARY KEY); CREATE TABLE shape (first int); INSERT INTO shape VALUES (7)")
    }
    try await withTestDatabase(
      template,
      configure: {
        $0.maxConnections = 3
        $0.acquireTimeout = .seconds(60)
      }
    ) { pool in
      let promises = await withTaskGroup(of: Promises.self) { group in
        for task in 1...8 {
          group.addTask {
            var caller = Caller(pool: pool, next: task * 1_000_000)
            for _ in 0..<rounds(100) { await caller.call() }
            return caller.promises
          }
        }
        return await group.reduce(into: Promises()) { all, some in
          all.kept.formUnion(some.kept)
          all.undone.formUnion(some.undone)
        }
      }
      try await until { pool.stat().acquired == 0 }
      let there = try await Set(pool.all("SELECT id FROM kept", as: Int.self))
      #expect(promises.kept.subtracting(there).isEmpty && promises.undone.isDisjoint(with: there))
      #expect(!promises.kept.isEmpty && !promises.undone.isEmpty)
    }
  }
}
