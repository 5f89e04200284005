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
}

extension SQL.StringInterpolation {
  /// A number written into the text.
  fileprivate mutating func appendInterpolation(unchecked number: Int) {
    appendInterpolation(SQL(unchecked: "\(number)"))
  }
}
