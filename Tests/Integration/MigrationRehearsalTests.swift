import DatabaseTesting
import EmbeddedPostgres
import EventLoop
import FoundationEssentials
import Migrations
import Postgres
import Testing

/// Steps that are tried together in one transaction, which are to have one each.
@Suite(.timeLimit(.minutes(3))) struct MigrationRehearsalTests {
  @Test func `a step that begins with a setting of its transaction is tried`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main", ("CREATE TABLE public.a (x int)", "DROP TABLE public.a"),
        ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\nALTER TABLE public.a ADD y int", "SELECT 1"))
      let migrator = database.migrator(set)
      #expect(try await migrator.rehearse(.up()).allSatisfy { $0.duration != nil })
      #expect(try await migrator.version() == 0)
      try await migrator.up(limit: 1)
      #expect(try await migrator.rehearse(.up()).flatMap(\.locks).map(\.relation) == ["public.a"])
      try await migrator.up()
    }
  }

  @Test func `deferred constraints are checked after each step, and deferred again for the next`() async throws {
    try await MigrationDatabase.with { database in
      let tables = (
        """
        CREATE TABLE public.p (x int PRIMARY KEY);
        CREATE TABLE public.c (x int CONSTRAINT "C to p" REFERENCES public.p DEFERRABLE INITIALLY DEFERRED);
        """, "DROP TABLE public.c, public.p"
      )
      func inserting(_ value: Int) -> (String, String) {
        ("INSERT INTO public.c VALUES (\(value)); INSERT INTO public.p VALUES (\(value))", "SELECT 1")
      }
      // The server alters no table that a deferred check still waits for.
      let altering = ("ALTER TABLE public.c ADD y int; ALTER TABLE public.p ADD y int", "SELECT 1")
      let set = MigrationSet.scripts("main", tables, inserting(1), altering, inserting(2))
      let migrator = database.migrator(set)
      #expect(try await migrator.rehearse(.up()).filter { $0.duration != nil }.count == 4)
      // The same when the tables are there already.
      try await migrator.up(limit: 1)
      #expect(try await migrator.rehearse(.up()).filter { $0.duration != nil }.count == 3)
      #expect(try await migrator.version() == 1)

      let violating = ("INSERT INTO public.c VALUES (7)", "SELECT 1")
      let error = try await migrationError {
        try await database.migrator(.scripts("main", tables, inserting(1), violating, altering)).rehearse(.up())
      }
      #expect(error.code == .scriptFailed)
      #expect(error.message.contains("up 3 m3") && error.message.contains("C to p"))
      #expect(try await migrator.up().to == 4)
    }
  }

  private static let colours = (
    // Another type has the value already.
    """
    CREATE TYPE public.shade AS ENUM ('dark green'); CREATE TYPE public.colour AS ENUM ('red');
    CREATE TABLE public.a (c public.colour)
    """, "SELECT 1"
  )

  @Test(arguments: [0, 1])
  func `a step that uses an enum's value which one before it added is left out, and says why`(applied: Int) async throws
  {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main", Self.colours, ("ALTER TYPE public.colour ADD VALUE 'dark green'", "SELECT 1"),
        ("CREATE TABLE public.b ()", "SELECT 1"), ("INSERT INTO public.a VALUES ('dark green')", "SELECT 1"),
        ("CREATE TABLE public.c ()", "SELECT 1"))
      let migrator = database.migrator(set)
      if applied > 0 { try await migrator.up(limit: applied) }
      let steps = try await migrator.rehearse(.up())
      // Newer servers know that the type was made in the same transaction.
      if applied > 0 || database.connection.serverVersion < 170_000 {
        #expect(
          steps.suffix(4).map(\.omission) == [nil, nil, .newEnumValue, .behindOmitted] && steps.count == 5 - applied)
        #expect(steps.map { $0.duration == nil } == steps.map { $0.omission != nil })
      }
      #expect(try await migrator.version() == Int64(applied))
      #expect(try await migrator.up().to == 5)
    }
  }

  @Test func `a step that uses a value it added itself fails in a rehearsal as it would in earnest`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main", Self.colours, ("ALTER TYPE public.colour ADD VALUE 'green'", "SELECT 1"),
        ("ALTER TYPE public.colour ADD VALUE 'blue';\nINSERT INTO public.a VALUES ('blue')", "SELECT 1"))
      let migrator = database.migrator(set)
      try await migrator.up(limit: 1)
      let tried = try await migrationError { try await migrator.rehearse(.up()) }
      #expect(tried.code == .scriptFailed && tried.location?.line == 2 && tried.message.contains("up 3 m3"))
      #expect(try await migrator.version() == 1)
      let failed = try await migrationError { try await migrator.up() }
      #expect(failed.code == .scriptFailed && failed.location?.line == 2)
    }
  }

  @Test func `on a standby a rehearsal is refused in the server's words`() async throws {
    var options = EmbeddedPostgres.Options.temporary
    options.settings = ["wal_level": "replica", "max_wal_senders": "4"]
    try await withServer(options) { primary in
      var options = EmbeddedPostgres.Options.temporary
      options.primary = primary.connectionString
      try await withServer(options) { standby in
        let loop = try EventLoop()
        let migrator = Migrator(
          .scripts("main", ("SELECT 1", "SELECT 1")), options: try ConnectOptions(standby.connectionString), loop: loop)
        let error = try await migrationError { try await migrator.rehearse(.up()) }
        #expect(error.code == .database)
        #expect(error.message.contains("during recovery"))
        await loop.stop()
      }
    }
  }

  private func withServer(
    _ options: EmbeddedPostgres.Options, _ body: (EmbeddedPostgres) async throws -> Void
  ) async throws {
    let server = try await EmbeddedPostgres.start(options)
    do {
      try await body(server)
    } catch {
      await server.stop()
      throw error
    }
    await server.stop()
  }

  @Test func `a constraint that shares its name with one that is never deferred is tried`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main",
        (
          """
          CREATE TABLE public.p (x int PRIMARY KEY);
          CREATE TABLE public.c (x int CONSTRAINT fk REFERENCES public.p DEFERRABLE INITIALLY DEFERRED);
          CREATE TABLE public.d (x int CONSTRAINT fk REFERENCES public.p);
          """, "SELECT 1"
        ), ("SELECT 1", "SELECT 1"))
      _ = try await database.migrator(set).rehearse(.up())
    }
  }

  @Test func `a schema that the role may not use does not stand in the way of a trial`() async throws {
    try await TestDatabase.with(.empty) { database in
      try await database.pool.execute("CREATE SCHEMA secret")
      try await database.pool.execute(
        "CREATE TABLE secret.t (x int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)")
      let bob = "bob_" + UUID().uuidString.lowercased().filter { $0 != "-" }
      try await database.pool.execute("CREATE ROLE \(identifier: bob) LOGIN")
      try await database.pool.execute("GRANT ALL ON SCHEMA public TO \(identifier: bob)")
      var options = database.options
      options["user"] = bob
      try await MigrationDatabase.with(options, role: bob, loop: database.loop) { database in
        _ = try await database.migrator(.scripts("main", ("SELECT 1", "SELECT 1"))).rehearse(.up())
      }
    }
  }
}
