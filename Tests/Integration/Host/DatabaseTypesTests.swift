import AppConfiguration
import Container
import DatabaseModule
import DatabaseTesting
import EventLoop
import Postgres
import PrometheusMetrics
import StructuredLogging
import Testing

/// Types that the database defines itself, in an app: nobody registers them.
@Suite struct DatabaseTypesTests {
  enum Status: String, PostgresCodable, CaseIterable {
    case open, paid
    static let postgresType = PostgresType(named: "order_status")
  }

  @Test func `an app's pool takes enums and arrays of them without further ado`() async throws {
    try await TestDatabase.with { database in
      try await database.pool.execute("CREATE TYPE order_status AS ENUM ('open', 'paid')")
      try await database.pool.execute("CREATE TABLE orders (status order_status, was order_status[])")
      let loop = try EventLoop()
      let app = App {
        Supply(Configuration(flags: ["database.url": database.connectionString]))
        Supply(Logger.none, loop, MetricsRegistry())
        DatabaseModule()
      }
      try await app.start()
      do {
        let pool = try await app.get(PostgresPool.self)
        let (status, was) = try await pool.one(
          "INSERT INTO orders VALUES (\(Status.paid), \(Status.allCases)) RETURNING status, was",
          as: (Status, [Status]).self)
        #expect(status == .paid && was == Status.allCases)
        try await app.stop()
      } catch {
        try? await app.stop()
        throw error
      }
      await loop.stop()
    }
  }
}
