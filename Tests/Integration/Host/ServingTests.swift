import AppConfiguration
import Container
import DatabaseModule
import DatabaseTesting
import EmbeddedPostgres
import Foundation
import Glibc
import HTTPServer
import Health
import MetricsTesting
import Postgres
import PrometheusMetrics
import ResourcePool
import StructuredLogging
import Testing

@testable import Host

/// The app of the host and the database module, without a signal and without a port.
@Suite struct ServingTests {
  private func serving(
    _ connectionString: String, maxConnections: Int = 2, output: RecordingLogOutput = RecordingLogOutput(),
    settings: [String: String] = [:], _ body: (App, HTTPServer) async throws -> Void
  ) async throws {
    let flags = [
      "database.url": connectionString, "database.max_conns": "\(maxConnections)", "host.listen": "127.0.0.1:0",
      "database.acquire_timeout": "30s", "database.slow_query_threshold": "20ms",
    ]
    let configuration = Configuration(flags: flags.merging(settings) { $1 })
    let logger = Logger(label: "test", level: .debug, output: output)
    var options = App.Options()
    options.observers = [ContainerLog(logger)]
    let app = App(options) {
      HostModule(program: "test", version: "1.2.3", configuration, logger)
      DatabaseModule()
    }
    try await app.start()
    do {
      try await app.get(Readiness.self).becomeReady()
      try await body(app, app.get(HTTPServer.self))
    } catch {
      try? await app.stop()
      throw error
    }
    try await app.stop()
  }

  private func get(_ server: HTTPServer, _ path: String) async -> HTTPResponse {
    await server.respond(to: HTTPRequest(.get, path))
  }

  private func page(_ server: HTTPServer) async throws -> ExpositionPage {
    try ExpositionPage(await get(server, "/metrics").bytes ?? [])
  }

  private static let pool = ["pool": "main"]

  @Test func `the twelve metrics tell the truth of the pool while it is used`() async throws {
    try await TestDatabase.with { database in
      // A check of the host may take a connection of its own at any moment: counters move by no less than what we do.
      // Long enough for a connection to be made on a busy machine.
      try await serving(database.connectionString, settings: ["database.acquire_timeout": "5s"]) { app, server in
        let pool: PostgresPool = try await app.get()
        let before = try await page(server)
        #expect(before.value("db_pool_max_conns", Self.pool) == 2)
        let made = try #require(before.value("db_pool_new_conns_total", Self.pool))
        #expect((1...2).contains(made))
        #expect(before.value("db_pool_total_conns", Self.pool) ?? 0 >= made)

        for _ in 0..<10 { try await pool.execute("SELECT 1") }
        let after = try await page(server)
        let acquires = try #require(after.value("db_pool_acquire_total", Self.pool))
        let earlier = try #require(before.value("db_pool_acquire_total", Self.pool))
        #expect(acquires >= earlier + 10)
        #expect(after.value("db_pool_acquire_duration_seconds_count", Self.pool) == acquires)

        try await pool.withConnection { _ in
          try await pool.withConnection { _ in
            let busy = try await page(server)
            #expect(busy.value("db_pool_acquired_conns", Self.pool) == 2)
            #expect(busy.value("db_pool_idle_conns", Self.pool) == 0)
            #expect(busy.value("db_pool_total_conns", Self.pool) == 2)
            await #expect(throws: PoolError.self) { try await pool.execute("SELECT 1") }
          }
        }
        let end = try await page(server)
        #expect(end.value("db_pool_canceled_acquire_total", Self.pool) ?? 0 >= 1)
        #expect(end.value("db_pool_acquired_conns", Self.pool) ?? 2 < 2)
        #expect(end.value("db_pool_constructing_conns", Self.pool) == 0)
        #expect(end.value("db_pool_new_conns_total", Self.pool) == 2)
        #expect(end.value("db_pool_empty_acquire_total", Self.pool) ?? 0 >= 1)
        #expect(end.value("db_pool_max_lifetime_destroy_total", Self.pool) == 0)
        #expect(end.value("db_pool_max_idle_destroy_total", Self.pool) == 0)
        #expect(end.value("process_open_fds") != nil)
      }
    }
  }

  @Test func `the pool's history goes on while the table of migrations is locked`() async throws {
    try await TestDatabase.with { database in
      try await database.pool.execute(
        "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty bool NOT NULL)")
      try await serving(database.connectionString, settings: ["database.lock_timeout": "10m"]) { app, _ in
        // One that has not read the migrations yet.
        let other = App { Provide { (control: AppControl) in PanelHolder(control) } }
        try await other.start()
        let panel = try await other.get(PanelHolder.self).panel
        let migrator = try await app.get(DatabaseSchema.self).migrator
        panel.attach(.init(pool: database.pool, migrator: migrator, statistics: nil, kind: "test"))
        try await database.pool.transaction { tx in
          try await tx.execute("LOCK TABLE schema_migrations IN ACCESS EXCLUSIVE MODE")
          let watching = Task { try await panel.watch(every: .milliseconds(1)) }
          try await until { panel.history.samples.count > 20 }
          watching.cancel()
          _ = await watching.result
        }
        try await other.stop()
      }
    }
  }

  @Test func `the pages for health answer in JSON, and what is not there is 404`() async throws {
    try await TestDatabase.with { database in
      try await serving(database.connectionString) { _, server in
        #expect(await get(server, "/livez").status == .ok)
        let ready = await get(server, "/readyz")
        #expect(ready.status == .ok)
        #expect(
          String(decoding: ready.bytes ?? [], as: UTF8.self).hasPrefix(#"{"checks":{"database":"#))
        #expect(await get(server, "/nothing").status == .notFound)
      }
    }
  }

  @Test func `the dashboard shows health, pool, queries, migrations, start, graph and the configuration masked`()
    async throws
  {
    try await TestDatabase.with { database in
      try await serving(database.connectionString) { app, server in
        let pool: PostgresPool = try await app.get()
        try await pool.execute("SELECT 1", name: "Count<Things>")
        let page = await get(server, "/")
        #expect(page.status == .ok && page.headers["Content-Security-Policy"]?.contains("default-src 'none'") == true)
        let text = String(decoding: page.bytes ?? [], as: UTF8.self)
        let sections = ["health", "pool", "queries", "migrations", "start", "graph", "configuration", "log", "build"]
        for section in sections { #expect(text.contains("<section id=\"\(section)\""), "\(section)") }
        #expect(text.contains("<title>test: ready</title>"))
        #expect(text.contains("Count&lt;Things&gt;") && !text.contains("Count<Things>"))
        #expect(text.contains("<code>&lt;REDACTED&gt;</code>"))
        #expect(text.contains("data-n=") && text.contains("class=\"lane\""))
        // Nothing from elsewhere.
        #expect(!text.contains("src=") && !text.contains("http://") && !text.contains("https://"))
        if let password = URLComponents(string: database.connectionString)?.password {
          #expect(!text.contains(password))
        }

        let dump = String(decoding: await get(server, "/debug/pool").bytes ?? [], as: UTF8.self)
        #expect(dump.hasPrefix("max 2, in use 0"))
        try await pool.withConnection { _ in
          let held = String(decoding: await get(server, "/debug/pool").bytes ?? [], as: UTF8.self)
          #expect(held.contains("held: IntegrationTests/ServingTests.swift:"))
        }
        let queries = String(decoding: await get(server, "/debug/queries").bytes ?? [], as: UTF8.self)
        #expect(queries.contains(#""name":"Count<Things>""#))
      }
    }
  }

  @Test func `startup is over once the app is ready, and its metrics say so`() async throws {
    try await TestDatabase.with { database in
      try await serving(database.connectionString) { _, server in
        #expect(await get(server, "/startupz").status == .ok)
        // On a busy machine a check may be late.
        try await until {
          guard await get(server, "/readyz").status == .ok else { return false }
          let page = try await page(server)
          return page.value("health_ready", [:]) == 1
            && page.value("health_check_up", ["check": "database", "critical": "true"]) == 1
        }
      }
    }
  }

  @Test func `readiness turns 503 while the database is down and comes back by itself`() async throws {
    let database = try await EmbeddedPostgres.start(.temporary)
    do {
      // A check does not wait longer than this for a server that is gone.
      try await serving(database.connectionString, settings: ["database.acquire_timeout": "500ms"]) { _, server in
        try await until { await get(server, "/readyz").status == .ok }
        let process = try #require(database.processID)
        kill(process, SIGKILL)
        _ = await database.waitForExit()
        try await until { await get(server, "/readyz").status == .serviceUnavailable }
        #expect(await get(server, "/livez").status == .ok)
        try await database.restart()
        try await until { await get(server, "/readyz").status == .ok }
      }
    } catch {
      await database.stop()
      throw error
    }
    await database.stop()
  }

  @Test func `a query that runs for ten times the threshold is reported while it runs`() async throws {
    let output = RecordingLogOutput()
    try await TestDatabase.with { database in
      try await serving(database.connectionString, output: output) { app, _ in
        let pool: PostgresPool = try await app.get()
        let sleeping = Task { try await pool.execute("SELECT pg_sleep(60), \(7)", name: "Doze") }
        try await until { output.entry("query still running", of: "Doze") != nil }
        #expect(output.entry("slow query", of: "Doze") == nil)
        sleeping.cancel()
        _ = await sleeping.result
      }
    }
    let entry = try #require(output.entry("query still running", of: "Doze"))
    #expect(entry.level == .warning && entry.metadata["parameters"] == ["7"])
    #expect(output.entries.count { $0.message == "query still running" && $0.metadata["name"] == "Doze" } == 1)
  }

  @Test func `the plan of a slow SELECT is logged when asked for`() async throws {
    let output = RecordingLogOutput()
    try await TestDatabase.with { database in
      let settings = ["database.explain_slow_queries": "true", "database.slow_query_threshold": "1ns"]
      try await serving(database.connectionString, output: output, settings: settings) { app, _ in
        let pool: PostgresPool = try await app.get()
        try await pool.execute("CREATE TABLE public.t AS SELECT 1 AS a")
        let rows = try await pool.all("SELECT a FROM public.t WHERE a = \(1)", as: Int.self, name: "Find")
        #expect(rows == [1])
        try await until { output.entry("plan of a slow query") != nil }
      }
    }
    let entry = try #require(output.entry("plan of a slow query"))
    #expect(entry.metadata["name"] == "Ping" || entry.metadata["name"] == "Find")
    guard case .array(let lines) = entry.metadata["plan"] else {
      Issue.record("no plan")
      return
    }
    #expect(!lines.isEmpty)
  }

  @Test func `a stop ends the dashboard, which waits for the table of migrations, before the event loop`() async throws
  {
    let output = RecordingLogOutput()
    try await TestDatabase.with { database in
      try await database.pool.execute(
        "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty bool NOT NULL)")
      try await database.pool.transaction { tx in
        try await tx.execute("LOCK TABLE schema_migrations IN ACCESS EXCLUSIVE MODE")
        let settings = ["database.lock_timeout": "10m"]
        // Throws when something has not ended in its time.
        try await serving(database.connectionString, output: output, settings: settings) { _, _ in
          try await until {
            try await database.pool.one(
              """
              SELECT EXISTS (SELECT FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock')
              """)
          }
        }
      }
    }
    let stopped = output.entries.filter { "\($0.message)" == "stopped" }.map { "\($0.metadata["what"] ?? "")" }
    let dashboard = try #require(stopped.firstIndex(of: "dashboard"), "\(stopped)")
    let loop = try #require(stopped.firstIndex(of: "EventLoop"), "\(stopped)")
    #expect(dashboard < loop)
  }

  @Test func `a pool that is too small is told once, with who holds its connections`() async throws {
    let output = RecordingLogOutput()
    try await TestDatabase.with { database in
      try await serving(database.connectionString, maxConnections: 1, output: output) { app, server in
        let pool: PostgresPool = try await app.get()
        try await pool.withConnection { _ in
          await #expect(throws: PoolError.self) { try await pool.execute("SELECT 1") }
          try await until { output.entry("tasks wait for connections") != nil }
        }
        try await until { output.entry("no task waits for a connection any more") != nil }
        let page = try await page(server)
        // A check of the host may have failed like it.
        #expect(page.value("db_pool_acquire_wait_seconds_count", ["outcome": "failed"]) ?? 0 >= 1)
        #expect((page.value("db_pool_hold_seconds_count", [:]) ?? 0) >= 1)
      }
    }
    let entry = try #require(output.entry("tasks wait for connections"))
    #expect("\(entry.metadata["held_by"] ?? "")".contains("ServingTests.swift"))
  }

  @Test(arguments: ["fingerprint", "none"])
  func `a slow query is logged without its parameters where they are not wanted`(choice: String) async throws {
    let output = RecordingLogOutput()
    try await TestDatabase.with { database in
      let settings = ["database.log_parameters": choice]
      try await serving(database.connectionString, output: output, settings: settings) { app, _ in
        let pool: PostgresPool = try await app.get()
        try await pool.execute("SELECT pg_sleep(\(0.03)), \("hunter2")::text", name: "Doze")
      }
    }
    let entry = try #require(output.entry("slow query", of: "Doze"))
    #expect((entry.metadata["parameters"] == nil) == (choice == "none"))
    #expect(output.entries.allSatisfy { !"\($0)".contains("hunter2") })
  }

  @Test func `a slow query is logged with its parameters, a sensitive one redacted`() async throws {
    let output = RecordingLogOutput()
    try await TestDatabase.with { database in
      try await serving(database.connectionString, output: output) { app, _ in
        let pool: PostgresPool = try await app.get()
        try await pool.execute("SELECT pg_sleep(\(0.03)), \(Sensitive("hunter2"))::text", name: "Doze")
      }
    }
    let entry = try #require(output.entry("slow query", of: "Doze"))
    #expect(entry.level == .warning)
    #expect(entry.metadata["parameters"] == ["0.03", "<REDACTED>"])
    #expect(output.entries.allSatisfy { !"\($0)".contains("hunter2") })
  }
}

extension RecordingLogOutput {
  /// The first entry about the query of a name: the host's own may be slow too.
  fileprivate func entry(_ message: String, of query: String) -> LogEntry? {
    entries.first { $0.message == message && $0.metadata["name"] == .string(query) }
  }
}

private struct PanelHolder: Sendable {
  let panel: AdminPanel

  init(_ control: AppControl) {
    panel = AdminPanel("test", "1", Configuration(), [], HealthMonitor(), control, .none)
  }
}
