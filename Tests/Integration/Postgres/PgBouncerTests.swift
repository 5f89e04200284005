import DatabaseTesting
import Postgres
import Testing

@Suite struct PgBouncerTests {
  @Test func `behind a bouncer, statements kept prepared fail, and those described each time do not`() async throws {
    let bouncer = try await PgBouncer.shared.value
    try await TestDatabase.with { database in
      var options = database.options
      bouncer.redirect(&options)
      func load(_ mode: StatementCacheMode) async throws -> Int {
        options.statementCacheMode = mode
        var configuration = PostgresPool.Configuration(options)
        configuration.maxConnections = 8
        configuration.acquireTimeout = .seconds(30)
        let pool = try PostgresPool(configuration, loop: database.loop)
        try await pool.start()
        let failures = await withTaskGroup(of: Int.self) { group in
          for task in 0..<16 {
            group.addTask {
              var failures = 0
              for round in 0..<25 {
                do {
                  // Transactions, which are not retried, and texts that differ: names clash as soon as sessions change.
                  let n: Int = try await pool.transaction { tx in
                    try await tx.one("SELECT \(round)::int8 + \(unchecked: task % 4)")
                  }
                  if n != round + task % 4 { failures += 1 }
                } catch {
                  failures += 1
                }
              }
              return failures
            }
          }
          return await group.reduce(0, +)
        }
        await pool.close()
        return failures
      }
      let described = try await load(.describe)
      #expect(described == 0)
      let prepared = try await load(.prepare)
      #expect(prepared > 0)
    }
  }

  @Test func `behind a bouncer, COPYs that the server ends before their data is over keep none of its sessions`()
    async throws
  {
    let bouncer = try await PgBouncer.shared.value
    try await TestDatabase.with { database in
      try await database.pool.execute("CREATE TABLE t (id int)")
      var options = database.options
      bouncer.redirect(&options)
      func makePool(_ size: Int) async throws -> PostgresPool {
        var configuration = PostgresPool.Configuration(options)
        configuration.maxConnections = size
        let pool = try PostgresPool(configuration, loop: database.loop)
        try await pool.start()
        return pool
      }
      // More clients than the bouncer has sessions, which are idle afterwards.
      let (copying, asking) = (try await makePool(8), try await makePool(1))
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<8 {
          group.addTask {
            let error = await #expect(throws: PostgresError.self) {
              try await copying.copyIn("COPY t FROM STDIN") { writer in
                for _ in 0..<200 { try await writer.write(String(repeating: "no number\n", count: 2000)) }
              }
            }
            #expect(error?.sqlState == .invalidTextRepresentation, "\(String(describing: error))")
          }
        }
        try await group.waitForAll()
      }
      let answer = try await asking.one("SELECT 1", as: Int.self, timeout: .seconds(60))
      #expect(answer == 1)
      await copying.close()
      await asking.close()
    }
  }
}

extension SQL.StringInterpolation {
  /// A number written into the text.
  fileprivate mutating func appendInterpolation(unchecked number: Int) {
    appendInterpolation(SQL(unchecked: "\(number)"))
  }
}
