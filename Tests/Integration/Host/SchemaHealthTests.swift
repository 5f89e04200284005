import AppConfiguration
import Container
import DatabaseModule
import DatabaseTesting
import HTTPServer
import MetricsTesting
import Migrations
import StructuredLogging
import Testing

@testable import Host

/// What a running program says of its schema.
@Suite struct SchemaHealthTests {
  private let base = MigrationSet.scripts(
    "base", ("CREATE TABLE public.a ()", "DROP TABLE public.a"), ("CREATE TABLE public.b ()", "DROP TABLE public.b"))
  private let hello = MigrationSet.scripts("hello", ("CREATE TABLE public.h ()", "DROP TABLE public.h"))

  private func serving(
    _ database: TestDatabase, _ sets: [MigrationSet], migratesOnStart: Bool = false,
    _ body: (HTTPServer, Migrator) async throws -> Void
  ) async throws {
    let configuration = Configuration(flags: [
      "database.url": database.connectionString, "host.listen": "127.0.0.1:0",
      "database.migrate_on_start": "\(migratesOnStart)",
    ])
    let app = App {
      HostModule(program: "test", version: "1.2.3", configuration, .none)
      DatabaseModule()
      for set in sets { Migrations(set) }
    }
    try await app.start()
    do {
      try await app.get(Readiness.self).becomeReady()
      try await body(app.get(HTTPServer.self), app.get(Migrator.self))
    } catch {
      try? await app.stop()
      throw error
    }
    try await app.stop()
  }

  private func readiness(_ server: HTTPServer) async -> String {
    let response = await server.respond(to: HTTPRequest(.get, "/readyz"))
    return String(decoding: response.bytes ?? [], as: UTF8.self)
  }

  @Test func `a schema that is behind makes the program unready and says by how much, until it is migrated`()
    async throws
  {
    try await TestDatabase.with(.empty) { database in
      try await serving(database, [base]) { server, migrator in
        try await until {
          let text = await readiness(server)
          return text.contains(#""schema":{"#) && text.contains("expected 2, found 0")
        }
        try await migrator.up(limit: 1)
        try await until { await readiness(server).contains("expected 2, found 1") }
        try await migrator.up()
        try await until { await readiness(server).contains(#""status":"ready""#) }
      }
    }
  }

  @Test func `a schema that is ahead leaves the program ready; a set that is behind is named`() async throws {
    try await TestDatabase.with(.empty) { database in
      let newer = MigrationSet(
        "base", base.migrations + [Migration(version: 3, title: "c", up: .init(file: "", text: "SELECT 1"), down: nil)])
      try await serving(database, [base]) { server, migrator in
        try await Migrator(newer, options: database.options, loop: database.loop).up()
        try await until { await readiness(server).contains(#""status":"ready""#) }
      }
      try await serving(database, [newer, hello]) { server, _ in
        try await until { await readiness(server).contains("hello: expected 1, found 0") }
      }
    }
  }

  @Test func `the metrics tell version, what is pending, and how long each migration took`() async throws {
    try await TestDatabase.with(.empty) { database in
      let deadline = ContinuousClock.now + .seconds(60)
      try await serving(database, [base, hello], migratesOnStart: true) { server, migrator in
        // On a busy machine a page may be without what the database takes too long to tell.
        func page() async throws -> ExpositionPage {
          while true {
            let page = try ExpositionPage(await server.respond(to: HTTPRequest(.get, "/metrics")).bytes ?? [])
            if page.family("keel_migration_version") != nil { return page }
            try #require(ContinuousClock.now < deadline)
          }
        }
        let full = try await page()
        #expect(full.value("keel_migration_version", ["set": "base"]) == 2)
        #expect(full.value("keel_migration_version", ["set": "hello"]) == 1)
        #expect(full.value("keel_migration_pending", ["set": "base"]) == 0)
        #expect(full.value("keel_migration_dirty") == 0)
        let took = full.value("keel_migration_duration_seconds", ["set": "base", "version": "2", "title": "m2"])
        #expect(try #require(took) > 0)
        try await migrator.to(1, set: "base")
        #expect(try await page().value("keel_migration_pending", ["set": "base"]) == 1)
        #expect(try await page().value("keel_migration_version", ["set": "base"]) == 1)
      }
    }
  }

  @Test func `sets are applied in the order in which the modules stand in the app, nested ones where they stand`()
    async throws
  {
    struct Users: Module {
      let set: MigrationSet
      var body: [any ModuleElement] { Migrations(set) }
    }
    struct Shop: Module {
      let sets: [MigrationSet]
      var body: [any ModuleElement] {
        // What it builds on first.
        Users(set: sets[0])
        Migrations(sets[1])
      }
    }
    let orders = MigrationSet.scripts("orders", ("CREATE TABLE public.o ()", "DROP TABLE public.o"))
    let configuration = Configuration(flags: ["database.url": "postgres://nowhere/app"])
    var options = App.Options()
    options.buildsOnDemandOnly = true
    let app = App(options) {
      HostModule(program: "test", version: "1", configuration, .none)
      DatabaseModule()
      Shop(sets: [base, orders])
      Users(set: hello)
      Provide { (sets: Group<MigrationSet>) in Names(all: sets.map(\.name)) }
    }
    try await app.start()
    let names = try await app.get(Names.self).all
    try await app.stop()
    #expect(names == ["base", "orders", "hello"])
  }

  private struct Names: Sendable {
    let all: [String]
  }
}
