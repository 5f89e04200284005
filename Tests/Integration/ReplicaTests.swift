import AppConfiguration
import Container
import DatabaseModule
import EmbeddedPostgres
import EventLoop
import Postgres
import PrometheusMetrics
import StructuredLogging
import Testing

/// A primary and a standby that follows it, each a real server, and the module's pool for reading.
@Suite struct ReplicaTests {
  private struct Pair {
    let primary: EmbeddedPostgres
    let standby: EmbeddedPostgres
  }

  private func withPair(_ body: (Pair) async throws -> Void) async throws {
    var options = EmbeddedPostgres.Options.temporary
    options.settings = ["wal_level": "replica", "max_wal_senders": "4"]
    let primary = try await EmbeddedPostgres.start(options)
    do {
      var options = EmbeddedPostgres.Options.temporary
      options.primary = primary.connectionString
      let standby = try await EmbeddedPostgres.start(options)
      do {
        try await body(Pair(primary: primary, standby: standby))
      } catch {
        await standby.stop()
        throw error
      }
      await standby.stop()
    } catch {
      await primary.stop()
      throw error
    }
    await primary.stop()
  }

  private func withApp(
    _ settings: [String: String], output: RecordingLogOutput = RecordingLogOutput(),
    _ body: (App) async throws -> Void
  ) async throws {
    let loop = try EventLoop()
    let app = App {
      Supply(Configuration(flags: settings))
      Supply(Logger(label: "test", output: output))
      Supply(loop)
      Supply(MetricsRegistry())
      DatabaseModule()
    }
    try await app.start()
    do {
      try await body(app)
    } catch {
      try? await app.stop()
      throw error
    }
    try await app.stop()
    await loop.stop()
  }

  private func settings(_ pair: Pair, maxLag: String = "30s") -> [String: String] {
    [
      "database.url": pair.primary.connectionString, "database.replicas": pair.standby.connectionString,
      "database.replica_max_lag": maxLag, "database.replica_check_period": "20ms", "database.max_conns": "2",
    ]
  }

  /// Waits until a pool is answered by a standby, or by a primary. A statement may meet the connection that is just
  /// being lost, and a standby that has just begun is not read from before it receives.
  private func waitFor(_ pool: PostgresPool, isStandby: Bool) async throws {
    try await until { (try? await pool.one("SELECT pg_is_in_recovery()", as: Bool.self)) == isStandby }
  }

  @Test func `readers go to the standby, which has what the primary wrote, and cannot write there`() async throws {
    try await withPair { pair in
      try await withApp(settings(pair)) { app in
        let primary: PostgresPool = try await app.get()
        let reading: Tagged<Replica, PostgresPool> = try await app.get()
        try await waitFor(reading.value, isStandby: true)
        #expect(try await !primary.one("SELECT pg_is_in_recovery()", as: Bool.self))
        try await primary.execute("CREATE TABLE notes AS SELECT 1 AS id")
        try await until { (try? await reading.value.one("SELECT count(*) FROM notes", as: Int.self)) == 1 }
        let error = await #expect(throws: PostgresError.self) {
          try await reading.value.execute("INSERT INTO notes VALUES (2)")
        }
        #expect(error?.sqlState == .readOnlySQLTransaction)
        let registry: MetricsRegistry = try await app.get()
        let pools = await registry.gather().first { $0.descriptor.name == "db_pool_max_conns" }?.metrics.count
        #expect(pools == 2)
      }
    }
  }

  @Test func `a standby that falls behind is left for the primary until it has caught up`() async throws {
    try await withPair { pair in
      let output = RecordingLogOutput()
      try await withApp(settings(pair, maxLag: "500ms"), output: output) { app in
        let primary: PostgresPool = try await app.get()
        let reading = try await app.get(Tagged<Replica, PostgresPool>.self).value
        try await waitFor(reading, isStandby: true)
        let loop: EventLoop = try await app.get()
        let standby = try await PostgresConnection.connect(ConnectOptions(pair.standby.connectionString), loop: loop)
        try await standby.execute("SELECT pg_wal_replay_pause()")
        try await primary.execute("CREATE TABLE late (id int)")
        try await waitFor(reading, isStandby: false)
        try await reading.execute("SELECT * FROM late")
        try await standby.execute("SELECT pg_wal_replay_resume()")
        try await waitFor(reading, isStandby: true)
        await standby.close()
        #expect(output.messages.contains("a replica is not read from"))
        #expect(output.messages.contains("a replica is read from"))
      }
    }
  }

  @Test func `a standby that dies is left for the primary, and found again when it is back`() async throws {
    try await withPair { pair in
      try await withApp(settings(pair)) { app in
        let reading = try await app.get(Tagged<Replica, PostgresPool>.self).value
        try await waitFor(reading, isStandby: true)
        try await pair.standby.restart()
        try await waitFor(reading, isStandby: true)
        await pair.standby.stop()
        try await waitFor(reading, isStandby: false)
      }
    }
  }

  @Test func `an app starts while its only replica is down, and without replicas there is one pool`() async throws {
    try await withPair { pair in
      var settings = settings(pair)
      settings["database.replicas"] = "host=/nonexistent dbname=app"
      let output = RecordingLogOutput()
      try await withApp(settings, output: output) { app in
        let reading = try await app.get(Tagged<Replica, PostgresPool>.self).value
        let isStandby: Bool = try await reading.one("SELECT pg_is_in_recovery()")
        #expect(!isStandby)
      }
      // Once, however often it was looked at.
      let warnings = output.entries.filter { $0.message == "a replica is not read from" }
      #expect(warnings.count == 1)
      #expect(warnings.first?.metadata["replica"] == "host=/nonexistent dbname=app")
      settings["database.replicas"] = nil
      try await withApp(settings) { app in
        let primary: PostgresPool = try await app.get()
        let reading = try await app.get(Tagged<Replica, PostgresPool>.self).value
        #expect(reading === primary)
      }
    }
  }

  @Test func `what an idle standby has waiting counts from its arrival, not from the last transaction before`()
    async throws
  {
    try await withPair { pair in
      try await withApp(settings(pair, maxLag: "4s")) { app in
        let primary: PostgresPool = try await app.get()
        let reading = try await app.get(Tagged<Replica, PostgresPool>.self).value
        try await primary.execute("CREATE TABLE notes (id int)")
        try await waitFor(reading, isStandby: true)
        let loop: EventLoop = try await app.get()
        let standby = try await PostgresConnection.connect(ConnectOptions(pair.standby.connectionString), loop: loop)
        try await until {
          try await standby.one(
            "SELECT coalesce(clock_timestamp() - pg_last_xact_replay_timestamp() > '4 s', false)", as: Bool.self)
        }
        try await standby.execute("SELECT pg_wal_replay_pause()")
        let start = ContinuousClock.now
        try await primary.execute("INSERT INTO notes VALUES (1)")
        try await until {
          try await standby.one("SELECT pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()", as: Bool.self)
        }
        // Ten looks or so.
        while ContinuousClock.now - start < .milliseconds(400) {
          #expect(try await reading.one("SELECT pg_is_in_recovery()", as: Bool.self))
        }
        try await standby.execute("SELECT pg_wal_replay_resume()")
        await standby.close()
      }
    }
  }

  @Test func `statements are prepared on a replica as on the primary, or not`() async throws {
    try await withPair { pair in
      var settings = settings(pair)
      settings["database.statement_cache_mode"] = "describe"
      try await withApp(settings) { app in
        let reading = try await app.get(Tagged<Replica, PostgresPool>.self).value
        try await waitFor(reading, isStandby: true)
        let prepared: Int = try await reading.one("SELECT count(*) FROM pg_prepared_statements")
        #expect(prepared == 0)
      }
    }
  }
}
