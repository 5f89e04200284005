import DatabaseTesting
import FoundationEssentials
import Migrations
import Postgres
import Testing

/// A migrator that is cut off from its server, or may not see who is in its way.
@Suite(.timeLimit(.minutes(3))) struct MigrationOutageTests {
  private static let first = ("CREATE TABLE public.a (x int);", "DROP TABLE public.a;")

  /// The same database by a way that can be cut.
  private func behindProxy(_ database: MigrationDatabase) throws -> (MigrationDatabase, FlakyProxy) {
    let proxy = try FlakyProxy(inFrontOf: database.options)
    var options = proxy.redirecting(database.options)
    options.cancelTimeout = .milliseconds(300)
    return (
      MigrationDatabase(
        loop: database.loop, role: database.role, options: options, connection: database.connection), proxy
    )
  }

  /// A server that sends nothing never notices by itself that nobody listens any more.
  @Test func `a migration whose migrator is gone is undone while it runs, and shuts nobody out`() async throws {
    try await MigrationDatabase.with { database in
      // Older servers cannot be asked to look.
      guard database.connection.serverVersion >= 140_000 else { return }
      let (cutOff, proxy) = try behindProxy(database)
      defer { proxy.close() }
      let endless = ("CREATE TABLE public.b (x int); SELECT pg_sleep(600)", "DROP TABLE public.b")
      let task = Task { try await cutOff.migrator(.scripts("main", Self.first, endless)).up() }
      try await until { try await isSleeping(database) }
      proxy.set(.cutting)
      await #expect(throws: MigrationError.self) { try await task.value }
      try await until { try await !isSleeping(database) }
      #expect(try await database.versionRow() ?? (0, true) == (1, false))
      #expect(try await database.historyVersions() == [1])
      #expect(try await database.connection.one("SELECT to_regclass('public.b') IS NULL", as: Bool.self))
      let second = ("CREATE TABLE public.b (x int)", "DROP TABLE public.b")
      #expect(try await database.migrator(.scripts("main", Self.first, second)).up().to == 2)
    }
  }

  @Test func `a run given up while the server answers nothing does not claim that its migration is undone`()
    async throws
  {
    try await MigrationDatabase.with { database in
      let (cutOff, proxy) = try behindProxy(database)
      defer { proxy.close() }
      let endless = ("CREATE TABLE public.b (x int); SELECT pg_sleep(600)", "DROP TABLE public.b")
      let task = Task { try await cutOff.migrator(.scripts("main", Self.first, endless)).up() }
      try await until { try await isSleeping(database) }
      proxy.set(.stalled)
      task.cancel()
      let error = await #expect(throws: MigrationError.self) { try await task.value }
      #expect(error?.completed.map(\.version) == [1])
      #expect(error?.cause is CancellationError)
      #expect(error?.message.contains("the server has not said what became of it: look with migrate status") == true)
    }
  }

  @Test func `a statement outside a transaction ends when its migrator is gone, and is resumed`() async throws {
    try await MigrationDatabase.with { database in
      guard database.connection.serverVersion >= 140_000 else { return }
      let (cutOff, proxy) = try behindProxy(database)
      defer { proxy.close() }
      // What is set before, and what the search path hides, makes no difference.
      let endless = """
        -- keel: no-transaction
        CREATE SCHEMA s; CREATE FUNCTION s.version() RETURNS text LANGUAGE sql AS 'SELECT NULL::text';
        SET search_path = s, pg_catalog, public;
        DO $$ BEGIN
          IF NOT EXISTS (SELECT FROM public.a) THEN PERFORM pg_sleep(600); END IF;
        END $$
        """
      let set = MigrationSet.scripts("main", Self.first, (endless, "SELECT 1"))
      let task = Task { try await cutOff.migrator(set).up() }
      try await until { try await isSleeping(database) }
      proxy.set(.cutting)
      await #expect(throws: MigrationError.self) { try await task.value }
      try await until { try await !isSleeping(database) }
      let migrator = database.migrator(set)
      #expect(try await migrationError { try await migrator.up() }.code == .dirty)
      try await database.connection.execute("INSERT INTO public.a VALUES (1)")
      #expect(try await migrator.resume().to == 2)
    }
  }

  @Test func `a connection that breaks in a migration leaves those before it, and the error names them`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main", Self.first,
        ("CREATE TABLE public.b (x int); SELECT pg_terminate_backend(pg_backend_pid())", "DROP TABLE public.b"))
      let error = try await migrationError { try await database.migrator(set).up() }
      #expect(error.code == .database)
      #expect(error.message.contains("up 2 m2 was interrupted"))
      #expect(error.completed.map(\.version) == [1])
      #expect(error.description.hasSuffix("Before that up 1 m1 was carried out, and stands."))
      #expect(try await database.versionRow() ?? (0, true) == (1, false))
    }
  }

  /// To such a role the server shows of another's session neither times nor queries.
  @Test func `a migrator waits for one of a role whose sessions it may not see`() async throws {
    try await TestDatabase.with(.empty) { database in
      let owner = try #require(database.options["user"])
      try await MigrationDatabase.with(database.options, role: owner, loop: database.loop) { ours in
        let set = MigrationSet.scripts("main", Self.first, ("ALTER TABLE public.a ADD y int", "SELECT 1"))
        try await ours.migrator(set).up(limit: 1)
        let bob = "bob_" + UUID().uuidString.lowercased().filter { $0 != "-" }
        try await ours.connection.execute("CREATE ROLE \(identifier: bob) LOGIN")
        try await ours.connection.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO \(identifier: bob)")
        var options = database.options
        options["user"] = bob
        try await MigrationDatabase.with(options, role: bob, loop: database.loop) { theirs in
          // Keeps the first migrator at work, and with it the lock.
          try await ours.connection.script("BEGIN; SELECT * FROM public.a")
          let events = MigrationEvents()
          let first = Task { try await ours.migrator(set, observer: events.observer).up() }
          try await until { events.all.contains { if case .started = $0 { true } else { false } } }
          let waits = MigrationEvents()
          let second = Task { try await theirs.migrator(set, observer: waits.observer).up() }
          do {
            try await until {
              waits.all.contains { if case .waiting(let holder) = $0 { holder?.user == owner } else { false } }
            }
          } catch {
            first.cancel()
            second.cancel()
            // Its own error says more than that it did not wait.
            _ = try await second.value
            throw error
          }
          try await ours.connection.script("COMMIT")
          #expect(try await first.value.completed.map(\.step.version) == [2])
          #expect(try await second.value.completed.isEmpty)
        }
      }
    }
  }

  private func isSleeping(_ database: MigrationDatabase) async throws -> Bool {
    try await database.connection.one(
      """
      SELECT count(*) > 0 FROM pg_stat_activity
      WHERE datname = current_database() AND state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()
      """, as: Bool.self)
  }
}
