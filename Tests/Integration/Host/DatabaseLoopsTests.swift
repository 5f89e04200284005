import AppConfiguration
import Container
import DatabaseModule
import DatabaseTesting
import EventLoop
import Postgres
import PrometheusMetrics
import ResourcePool
import StructuredLogging
import Synchronization
import Testing

/// The setting `database.loops`, in an app.
@Suite struct DatabaseLoopsTests {
  /// Notes who was stopped, in order.
  private final class Stops: ContainerObserver {
    private let names = Mutex<[String]>([])
    var stopped: [String] { names.withLock { $0 } }
    func observe(_ event: ContainerEvent) {
      if case .stopped(let origin, _, _) = event { names.withLock { $0.append(origin.name) } }
    }
  }

  private func loops(
    _ count: Int, of database: TestDatabase, observer: Stops = Stops()
  ) async throws
    -> (host: EventLoop, used: [EventLoop])
  {
    let host = try EventLoop()
    var options = App.Options()
    options.observers = [observer]
    let app = App(options) {
      Supply(
        Configuration(flags: [
          "database.url": database.connectionString, "database.loops": "\(count)", "database.max_conns": "4",
        ]))
      Supply(Logger.none, host, MetricsRegistry())
      DatabaseModule()
    }
    try await app.start()
    let pool = try await app.get(PostgresPool.self)
    let used = try await pool.withConnection { first in
      try await pool.withConnection { second in
        try await pool.withConnection { third in [first.loop, second.loop, third.loop] }
      }
    }
    try await app.stop()
    #expect(pool.stat().total == 0)
    #expect(host.execute {}, "the host's own loop is the host's to stop")
    await host.stop()
    return (host, used)
  }

  @Test func `with more than one, connections are on the host's loop and on others, which are stopped after the pool`()
    async throws
  {
    try await TestDatabase.with { database in
      let stops = Stops()
      let (host, used) = try await loops(3, of: database, observer: stops)
      #expect(Set(used.map(ObjectIdentifier.init)).count == 3)
      let others = used.filter { $0 !== host }
      #expect(others.count == 2 && others.allSatisfy { !$0.execute {} }, "they are stopped")
      #expect(Set(others.map(\.configuration.name)) == ["keel-db-1", "keel-db-2"])
      let pool = try #require(stops.stopped.firstIndex(of: "PostgresPool"), "\(stops.stopped)")
      let loops = try #require(stops.stopped.firstIndex(of: "DatabaseLoops"), "\(stops.stopped)")
      #expect(pool < loops)
    }
  }

  @Test func `by default every connection is on the host's loop`() async throws {
    try await TestDatabase.with { database in
      let (host, used) = try await loops(1, of: database)
      #expect(used.allSatisfy { $0 === host })
    }
  }
}
