import Migrations
import Postgres
import Testing

/// Files that run outside a transaction, statement by statement.
@Suite(.timeLimit(.minutes(3))) struct MigrationStatementTests {
  private let table = ("CREATE TABLE public.t (a int, b int);", "DROP TABLE public.t;")

  @Test func `statements that refuse a transaction run, and their progress is told`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main", table,
        (
          """
          -- keel: no-transaction
          CREATE INDEX CONCURRENTLY t_a ON public.t (a);
          INSERT INTO public.t VALUES (1, 2);
          BEGIN; INSERT INTO public.t VALUES (3, 4); INSERT INTO public.t VALUES (5, 6); COMMIT;
          VACUUM public.t;
          """, "-- keel: no-transaction\nDROP INDEX CONCURRENTLY public.t_a; TRUNCATE public.t"
        ))
      let events = MigrationEvents()
      let migrator = database.migrator(set, observer: events.observer)
      try await migrator.up()
      #expect(events.all.count { if case .statementDone = $0 { true } else { false } } == 4)
      #expect(try await database.connection.one("SELECT count(*) FROM public.t", as: Int.self) == 3)
      #expect(try await database.versionRow() ?? (0, true) == (2, false))
      #expect(try await migrator.status().sets[0].lines.map(\.state) == [.applied, .applied])
      #expect(try await migrator.status().sets[0].lines[1].record?.duration != nil)
      try await migrator.down()
      #expect(try await database.versionRow() ?? (0, true) == (1, false))
      #expect(try await database.historyVersions() == [1])
    }
  }

  @Test func `a first statement that fails and leaves nothing is no dirty state`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main", table,
        (
          "-- keel: no-transaction\n\nCREATE INDEX CONCURRENTLY t_c\n  ON public.t (c);",
          "-- keel: no-transaction\nSELECT 1"
        ))
      let migrator = database.migrator(set)
      let error = try await migrationError { try await migrator.up() }
      #expect(error.code == .scriptFailed)
      #expect(error.location?.line == 3)
      #expect(error.message.contains("nothing of it was kept"))
      #expect(try await database.versionRow() ?? (0, true) == (1, false))
      #expect(try await !migrator.status().isDirty)
    }
  }

  @Test func `a migration that stops half way is named, shut off from other tools, and resumed`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main", table,
        (
          """
          -- keel: no-transaction
          INSERT INTO public.t VALUES (1, 1), (1, 2);
          CREATE UNIQUE INDEX CONCURRENTLY t_a ON public.t (a);
          INSERT INTO public.t VALUES (3, 3);
          """, "-- keel: no-transaction\nDROP INDEX CONCURRENTLY public.t_a"
        ))
      let events = MigrationEvents()
      let migrator = database.migrator(set, observer: events.observer)
      let error = try await migrationError { try await migrator.up() }
      #expect(error.code == .scriptFailed)
      #expect(error.location?.line == 3)
      #expect(error.message.contains("1 of its 3 statements are done"))
      #expect(error.message.contains("migrate resume"))
      #expect(error.message.contains("invalid are the indexes public.t_a"))
      // golang-migrate refuses a dirty version.
      #expect(try await database.versionRow() ?? (0, false) == (2, true))
      #expect(try await migrator.status().isDirty)
      #expect(try await migrator.status().sets[0].lines[1].state == .halfDone)
      #expect(try await migrator.verify().map(\.kind) == [.halfDone, .invalidIndex])

      let refused = try await migrationError { try await migrator.up() }
      #expect(refused.code == .dirty)
      #expect(refused.message.contains("up 2 m2 stopped after 1 statement;"))
      #expect(try await migrationError { try await migrator.resume() }.code == .scriptFailed)

      try await database.connection.execute("DELETE FROM public.t WHERE b = 2")
      try await migrator.resume()
      #expect(events.all.contains { if case .droppedInvalidIndex(_, "public.t_a") = $0 { true } else { false } })
      #expect(try await database.versionRow() ?? (0, true) == (2, false))
      #expect(try await database.connection.one("SELECT count(*) FROM public.t", as: Int.self) == 2)
      #expect(try await migrator.verify().isEmpty)
      #expect(try await migrationError { try await migrator.resume() }.code == .notDirty)
      try await migrator.downAll()
    }
  }

  @Test func `a file that changed since it stopped is not resumed; force ends it`() async throws {
    try await MigrationDatabase.with { database in
      func set(_ last: String) -> MigrationSet {
        .scripts(
          "main", table,
          (
            "-- keel: no-transaction\nINSERT INTO public.t VALUES (1, 1);\n\(last);",
            "-- keel: no-transaction\nSELECT 1"
          ))
      }
      _ = try await migrationError { try await database.migrator(set("SELECT 1/0")).up() }
      let error = try await migrationError { try await database.migrator(set("SELECT 1/1")).resume() }
      #expect(error.code == .changedMeanwhile)
      try await database.migrator(set("SELECT 1/1")).force(2)
      #expect(try await database.migrator(set("SELECT 1/1")).status().isDirty == false)
      #expect(try await database.versionRow() ?? (0, true) == (2, false))
    }
  }

  @Test func `a migrator that dies while it builds an index is resumed`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main", table,
        (
          "-- keel: no-transaction\nCREATE INDEX CONCURRENTLY t_a ON public.t (a)",
          "-- keel: no-transaction\nDROP INDEX CONCURRENTLY public.t_a"
        ))
      try await database.migrator(set).up(limit: 1)
      // The build waits for this transaction to end.
      let other = try await PostgresConnection.connect(database.options, loop: database.loop)
      try await other.script("BEGIN; INSERT INTO public.t VALUES (1, 1)")
      let task = Task { try await database.migrator(set).up() }
      var builder: Int32?
      try await until {
        builder = try await database.connection.optional(
          """
          SELECT a.pid FROM pg_stat_activity AS a, pg_index AS i
          WHERE a.query LIKE 'CREATE INDEX CONCURRENTLY%' AND a.wait_event_type = 'Lock' AND NOT i.indisvalid
          """, as: Int32.self)
        return builder != nil
      }
      try await database.connection.execute("SELECT pg_terminate_backend(\(try #require(builder)))")
      await #expect(throws: MigrationError.self) { try await task.value }
      await other.close()
      let migrator = database.migrator(set)
      #expect(try await migrationError { try await migrator.up() }.code == .dirty)
      try await migrator.resume()
      #expect(
        try await database.connection.one(
          "SELECT indisvalid FROM pg_index WHERE indexrelid = 't_a'::regclass", as: Bool.self))
      #expect(try await migrator.verify().isEmpty)
    }
  }

  @Test func `an index that was finished when the migrator died is not built again`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main", table,
        (
          "-- keel: no-transaction\nSELECT 1;\nCREATE INDEX CONCURRENTLY \"T a\" ON public.t (a);\nSELECT 1/0",
          "-- keel: no-transaction\nDROP INDEX CONCURRENTLY public.\"T a\";\nSELECT 1/(SELECT count(*) FROM public.t)"
        ))
      let migrator = database.migrator(set)
      _ = try await migrationError { try await migrator.up() }
      // As if it had died between the index and the note of it.
      try await database.connection.execute(
        "UPDATE public.keel_migration_history SET statements_done = 1 WHERE version = 2")
      let error = try await migrationError { try await migrator.resume() }
      #expect(error.location?.line == 4)
      try await migrator.force(2)
      // And the same on the way back.
      _ = try await migrationError { try await migrator.down() }
      try await database.connection.execute(
        "UPDATE public.keel_migration_history SET statements_done = 0 WHERE version = 2")
      try await database.connection.execute("INSERT INTO public.t VALUES (1, 1)")
      try await migrator.resume()
      #expect(try await migrator.version() == 1)
    }
  }
}
