import EmbeddedPostgres
import EventLoop
import FoundationEssentials
import Migrations
import Postgres
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What is left when something dies in the middle: always a database that its version tells the truth about.
@Suite(.timeLimit(.minutes(10))) struct MigrationCrashTests {
  /// How often to try; hundreds of times with `KEEL_CRASH_ROUNDS=300`.
  private static let rounds = ProcessInfo.processInfo.environment["KEEL_CRASH_ROUNDS"].flatMap { Int($0) } ?? 8

  private let set = MigrationSet(
    "main",
    (1...60).map { version in
      Migration(
        version: version, title: "t\(version)",
        up: .init(
          file: "up", text: "CREATE TABLE public.t\(version) (x int); INSERT INTO public.t\(version) VALUES (1)"),
        down: .init(file: "down", text: "DROP TABLE public.t\(version)"))
    })

  /// Version table, history and catalogue tell the same, and nothing is dirty.
  private func expectAgreement(
    _ database: MigrationDatabase, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    let tables = try await database.connection.all(
      "SELECT substr(relname, 2)::bigint FROM pg_class WHERE relname ~ '^t[0-9]+$' AND relkind = 'r' ORDER BY 1",
      as: Int64.self)
    let row = try await database.versionRow()
    #expect(tables == (1...60).prefix(tables.count).map(Int64.init), sourceLocation: sourceLocation)
    #expect(row?.0 ?? 0 == Int64(tables.count), sourceLocation: sourceLocation)
    #expect(row?.1 != true, sourceLocation: sourceLocation)
    if row != nil { #expect(try await database.historyVersions() == tables, sourceLocation: sourceLocation) }
  }

  @Test func `a session that dies at any point leaves version and catalogue in agreement, and up finishes`()
    async throws
  {
    try await MigrationDatabase.with { database in
      var random = SystemRandomNumberGenerator()
      for _ in 1...Self.rounds {
        let events = MigrationEvents()
        let task = Task { try await database.migrator(set, observer: events.observer).up() }
        let point = Int.random(in: 0..<100, using: &random)
        try await until { events.all.count >= point || task.isCancelled }
        // Whichever session it hits: the one that works, or the one that holds the lock.
        try await database.connection.execute(
          """
          SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
          ORDER BY random() LIMIT \(Int.random(in: 1...2, using: &random))
          """)
        _ = try? await task.value
        try await expectAgreement(database)
        #expect(try await database.migrator(set).up().to == 60)
        try await expectAgreement(database)
        try await database.migrator(set).downAll()
        try await expectAgreement(database)
      }
    }
  }

  @Test func `a server killed at any point leaves version and catalogue in agreement, and up finishes`() async throws {
    var options = EmbeddedPostgres.Options.temporary
    // What is committed must live through the kill of the processes, which needs no disk.
    options.settings["fsync"] = "off"
    let server = try await EmbeddedPostgres.start(options)
    let loop = try EventLoop()
    do {
      for _ in 1...max(2, Self.rounds / 4) {
        let connectOptions = try ConnectOptions(server.connectionString)
        let events = MigrationEvents()
        let migrator = Migrator(set, options: connectOptions, loop: loop, observer: events.observer)
        let point = Int.random(in: 0..<120)
        let task = Task { try await migrator.up() }
        try await until { events.all.count >= point }
        kill(try #require(server.processID), SIGKILL)
        _ = try? await task.value
        _ = await server.waitForExit()
        try await server.restart()
        try await MigrationDatabase.with(connectOptions, role: "keel", loop: loop) { database in
          try await expectAgreement(database)
          #expect(try await database.migrator(set).up().to == 60)
          try await database.migrator(set).downAll()
        }
      }
    } catch {
      await loop.stop()
      await server.stop()
      throw error
    }
    await loop.stop()
    await server.stop()
  }
}
