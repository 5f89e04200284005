import DatabaseTesting
import FoundationEssentials
import Migrations
import Postgres
import Testing

/// What a script outside a transaction sets holds for its own statements, all of them, and for nothing of ours.
@Suite(.timeLimit(.minutes(3))) struct MigrationStatementSettingsTests {
  private static let tables = (
    """
    CREATE SCHEMA app; CREATE TABLE app.t (a int); INSERT INTO app.t VALUES (1), (1); CREATE TABLE public.t (a int);
    """, "DROP SCHEMA app CASCADE; DROP TABLE public.t"
  )

  private func indexes(_ database: MigrationDatabase) async throws -> [String] {
    try await database.connection.all(
      """
      SELECT indexrelid::regclass || ' ' || indisvalid FROM pg_index
      WHERE indrelid IN ('app.t'::regclass, 'public.t'::regclass) ORDER BY 1
      """, as: String.self)
  }

  @Test func `a resumed script builds its index in the schema it had set`() async throws {
    try await MigrationDatabase.with { database in
      let script = """
        -- keel: no-transaction
        SET search_path = app;
        CREATE UNIQUE INDEX CONCURRENTLY t_a ON t (a);
        CREATE TABLE u ();
        """
      let set = MigrationSet.scripts("main", Self.tables, (script, "SELECT 1"))
      let events = MigrationEvents()
      let error = try await migrationError { try await database.migrator(set).up() }
      #expect(error.location?.line == 3)
      #expect(error.message.contains("invalid are the indexes app.t_a"))
      try await database.connection.execute("DELETE FROM app.t WHERE ctid = (SELECT max(ctid) FROM app.t)")
      try await database.migrator(set, observer: events.observer).resume()
      #expect(events.all.contains { if case .droppedInvalidIndex(_, "app.t_a") = $0 { true } else { false } })
      #expect(try await indexes(database) == ["app.t_a true"])
      #expect(
        try await database.connection.one(
          "SELECT to_regclass('app.u') IS NOT NULL AND to_regclass('public.u') IS NULL", as: Bool.self))
      #expect(try await database.versionRow() ?? (0, true) == (2, false))
    }
  }

  @Test func `an index that was finished in the schema the script had set is not built again`() async throws {
    try await MigrationDatabase.with { database in
      let script = """
        -- keel: no-transaction
        SET search_path = app;
        CREATE INDEX CONCURRENTLY t_a ON t (a);
        SELECT 1/(SELECT count(*) FROM public.t);
        """
      let migrator = database.migrator(.scripts("main", Self.tables, (script, "SELECT 1")))
      _ = try await migrationError { try await migrator.up() }
      // As if it had died between the index and the note of it.
      try await database.connection.execute(
        "UPDATE public.keel_migration_history SET statements_done = 1 WHERE version = 2")
      try await database.connection.execute("INSERT INTO public.t VALUES (1)")
      try await migrator.resume()
      #expect(try await indexes(database) == ["app.t_a true"])
    }
  }

  @Test func `a script may change its role, and what it makes is recorded by ours`() async throws {
    try await TestDatabase.with(.empty) { database in
      let owner = try #require(database.options["user"])
      try await MigrationDatabase.with(database.options, role: owner, loop: database.loop) { database in
        let carl = "carl_" + UUID().uuidString.lowercased().filter { $0 != "-" }
        try await database.connection.execute("CREATE ROLE \(identifier: carl)")
        try await database.connection.execute("GRANT CREATE ON SCHEMA public TO \(identifier: carl)")
        let script = """
          -- keel: no-transaction
          SET ROLE \(carl);
          CREATE TABLE public.his (x int);
          CREATE INDEX CONCURRENTLY his_x ON public.his (x);
          BEGIN; INSERT INTO public.his VALUES (1); INSERT INTO public.his VALUES (2); COMMIT;
          RESET ROLE;
          CREATE TABLE public.ours (x int);
          """
        let down = "-- keel: no-transaction\nSET ROLE \(carl);\nDROP TABLE public.his;"
        let migrator = database.migrator(.scripts("main", (script, down)))
        #expect(try await migrator.up().to == 1)
        #expect(
          try await database.connection.all(
            "SELECT tablename || ' ' || tableowner FROM pg_tables WHERE tablename IN ('his', 'ours') ORDER BY 1",
            as: String.self) == ["his \(carl)", "ours \(owner)"])
        #expect(try await database.versionRow() ?? (0, true) == (1, false))
        #expect(try await database.historyVersions() == [1])
        try await migrator.down()
        #expect(try await database.versionRow() == nil)
      }
    }
  }

  @Test(arguments: ["", "-- keel: no-transaction\n"])
  func `a migration's temporary table is its own`(directive: String) async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main",
        (
          """
          \(directive)CREATE TABLE public.a (x int);
          CREATE TEMPORARY TABLE a (x int);
          INSERT INTO a VALUES (1), (2);
          INSERT INTO public.a SELECT x FROM a;
          """, "DROP TABLE public.a"
        ), ("\(directive)INSERT INTO a VALUES (3);", "SELECT 1"))
      try await database.migrator(set).up()
      #expect(try await database.connection.all("SELECT x FROM public.a ORDER BY 1", as: Int.self) == [1, 2, 3])
    }
  }

  @Test func `what set_config sets holds for the statements behind it`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main", ("CREATE SCHEMA app", "DROP SCHEMA app"),
        (
          "-- keel: no-transaction\nSELECT set_config('search_path', 'app', false);\nCREATE TABLE u ();", "SELECT 1"
        ))
      try await database.migrator(set).up()
      #expect(try await database.connection.one("SELECT to_regclass('app.u') IS NOT NULL", as: Bool.self))
    }
  }

  @Test func `a role that is set, reset and dropped is not asked for again`() async throws {
    try await TestDatabase.with(.empty) { database in
      let carl = "carl_" + UUID().uuidString.lowercased().filter { $0 != "-" }
      let set = MigrationSet.scripts(
        "main",
        (
          """
          -- keel: no-transaction
          CREATE ROLE \(carl);
          SET ROLE \(carl);
          SELECT 1;
          RESET ROLE;
          DROP ROLE \(carl);
          CREATE TABLE public.a ();
          """, "SELECT 1"
        ))
      _ = try await MigrationDatabase.with(database.options, role: "keel", loop: database.loop) { database in
        try await database.migrator(set).up()
      }
    }
  }

  @Test func `a temporary table with a deferred check does not stand in the way`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main",
        (
          """
          CREATE TEMPORARY TABLE w (x int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED);
          INSERT INTO w VALUES (1), (1); DELETE FROM w;
          CREATE TABLE public.a ();
          """, "SELECT 1"
        ))
      try await database.migrator(set).up()
    }
  }

  @Test func `a temporary table with an open cursor does not stand in the way`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main", ("CREATE TEMPORARY TABLE w (x int); DECLARE c CURSOR FOR SELECT * FROM w; FETCH c", "SELECT 1"))
      try await database.migrator(set).up()
    }
  }
}
