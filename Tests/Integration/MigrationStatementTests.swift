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

  @Test func `a role whose transactions only read by default runs what refuses a transaction`() async throws {
    try await MigrationDatabase.with { database in
      try await database.connection.execute(
        "ALTER ROLE \(identifier: database.role) SET default_transaction_read_only = on")
      let set = MigrationSet.scripts(
        "main",
        (
          """
          -- keel: no-transaction
          CREATE TABLE public.t AS SELECT 1 AS a FROM generate_series(1, 2);
          CREATE UNIQUE INDEX CONCURRENTLY t_a ON public.t (a);
          """, "DROP TABLE public.t"
        ))
      let migrator = database.migrator(set)
      #expect(try await migrationError { try await migrator.up() }.message.contains("SQLSTATE 23505"))
      try await database.connection.execute("DELETE FROM public.t WHERE ctid = '(0,1)'")
      #expect(try await migrator.resume().to == 1)
    }
  }

  @Test(arguments: ["BEGIN ISOLATION LEVEL SERIALIZABLE", "BEGIN; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"])
  func `a transaction of the file's own has the isolation level that it asks for`(beginning: String) async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main",
        (
          """
          -- keel: no-transaction
          \(beginning);
          CREATE TABLE public.level AS SELECT current_setting('transaction_isolation') AS level;
          COMMIT;
          """, "DROP TABLE public.level"
        ))
      try await database.migrator(set).up()
      let level: String = try await database.connection.one("SELECT level FROM public.level")
      #expect(level == "serializable")
    }
  }

  @Test func `an invalid index that IF NOT EXISTS is content with is no index, and is built again by resume`()
    async throws
  {
    try await MigrationDatabase.with { database in
      try await database.connection.script("CREATE TABLE public.t AS SELECT 1 AS a FROM generate_series(1, 2)")
      let build = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS t_a ON public.t (a)"
      await #expect(throws: PostgresError.self) { try await database.connection.script(build) }
      try await database.connection.script("DELETE FROM public.t WHERE ctid = '(0,1)'")
      let migrator = database.migrator(
        .scripts("main", ("-- keel: no-transaction\n" + build, "DROP INDEX public.t_a")))
      let error = try await migrationError { try await migrator.up() }
      #expect(error.code == .scriptFailed && error.location?.line == 2)
      #expect(error.message.contains("public.t_a was there already and is invalid"))
      #expect(try await migrator.resume().to == 1)
      #expect(try await migrator.verify().isEmpty)
    }
  }

  @Test func `an index whose name the server cuts off is built again by resume`() async throws {
    try await MigrationDatabase.with { database in
      try await database.connection.script("CREATE TABLE public.t AS SELECT 1 AS a FROM generate_series(1, 2)")
      let name = String(repeating: "i", count: 64)
      let migrator = database.migrator(
        .scripts(
          "main",
          (
            "-- keel: no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY \(name) ON public.t (a)",
            "DROP INDEX public.\(name)"
          )))
      #expect(try await migrationError { try await migrator.up() }.message.contains("SQLSTATE 23505"))
      try await database.connection.script("DELETE FROM public.t WHERE ctid = '(0,1)'")
      #expect(try await migrator.resume().to == 1)
      #expect(try await migrator.verify().isEmpty)
    }
  }

  @Test func `an index that was invalid before is not laid at a script's door`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main", table, ("-- keel: no-transaction\nCREATE INDEX CONCURRENTLY t_c ON public.t (c)", "SELECT 1"))
      let migrator = database.migrator(set)
      try await migrator.up(limit: 1)
      try await database.connection.script(
        "CREATE TABLE public.other (a int); INSERT INTO public.other VALUES (1), (1)")
      await #expect(throws: PostgresError.self) {
        try await database.connection.execute("CREATE UNIQUE INDEX CONCURRENTLY other_a ON public.other (a)")
      }
      let error = try await migrationError { try await migrator.up() }
      #expect(error.code == .scriptFailed)
      #expect(error.message.contains("nothing of it was kept") && !error.message.contains("other_a"))
      #expect(try await database.versionRow() ?? (0, true) == (1, false))
      #expect(try await !migrator.status().isDirty)
      #expect(try await migrator.verify().contains { $0.kind == .invalidIndex })
    }
  }

  @Test func `a constraint that is checked at the end of a statement's transaction is the script's failure`()
    async throws
  {
    try await MigrationDatabase.with { database in
      let keyed = (
        "CREATE TABLE public.t (a int CONSTRAINT t_key PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)",
        "DROP TABLE public.t"
      )
      let set = MigrationSet.scripts(
        "main", keyed, ("-- keel: no-transaction\nINSERT INTO public.t VALUES (1), (1);", "SELECT 1"))
      let migrator = database.migrator(set)
      let error = try await migrationError { try await migrator.up() }
      #expect(error.code == .scriptFailed)
      for words in ["2_m.up.sql", "up 2 m2 failed", "t_key", "nothing of it was kept"] {
        #expect(error.description.contains(words))
      }
      #expect(error.completed.map(\.version) == [1])
      #expect(try await database.versionRow() ?? (0, true) == (1, false))
      #expect(try await !migrator.status().isDirty)
    }
  }

  @Test func `a statement that may wait for a lock gives up after a while, and is tried again`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main", table,
        ("-- keel: no-transaction\nALTER TABLE public.t ADD c int;\nALTER TABLE public.t ADD d int;", "SELECT 1"))
      try await database.migrator(set).up(limit: 1)
      let (report, events) = try await upBehindReader(database, set) { $0.lockAttempts = 20 }
      #expect(report.to == 2)
      #expect(events.all.count { if case .statementDone = $0 { true } else { false } } == 2)
    }
  }

  /// Goes up while another session reads the table, which ends once the lock has been tried for in vain.
  private func upBehindReader(
    _ database: MigrationDatabase, _ set: MigrationSet, configure: (inout Migrator.Configuration) -> Void
  ) async throws -> (MigrationReport, MigrationEvents) {
    try await database.connection.script("BEGIN; SELECT * FROM public.t")
    let events = MigrationEvents()
    let migrator = database.migrator(
      set,
      configure: {
        $0.lockTimeout = .milliseconds(100)
        configure(&$0)
      }, observer: events.observer)
    let task = Task { try await migrator.up() }
    do {
      try await until { events.all.contains { if case .retrying = $0 { true } else { false } } }
    } catch {
      task.cancel()
      throw error
    }
    try await database.connection.script("COMMIT")
    return (try await task.value, events)
  }

  @Test func `the pause before a lock is tried for again outlasts the server's patience with idle sessions`()
    async throws
  {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts("main", table, ("ALTER TABLE public.t ADD c int", "SELECT 1"))
      try await database.migrator(set).up(limit: 1)
      // Of the sessions that begin from now on.
      let name = try await database.connection.one("SELECT quote_ident(current_database())", as: String.self)
      try await database.connection.script("ALTER DATABASE \(name) SET idle_session_timeout = '5s'")
      let (report, _) = try await upBehindReader(database, set) { $0.lockRetryDelay = .seconds(8) }
      #expect(report.to == 2)
    }
  }

  @Test func `a statement that never gets its lock fails, and a first one leaves nothing`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main", table, ("-- keel: no-transaction\nALTER TABLE public.t ADD c int;", "SELECT 1"))
      try await database.migrator(set).up(limit: 1)
      try await database.connection.script("BEGIN; SELECT * FROM public.t")
      let events = MigrationEvents()
      let migrator = database.migrator(
        set,
        configure: {
          $0.lockTimeout = .milliseconds(50)
          $0.lockAttempts = 3
        }, observer: events.observer)
      let error = try await migrationError { try await migrator.up() }
      try await database.connection.script("COMMIT")
      #expect(error.code == .scriptFailed)
      #expect(error.location?.line == 2)
      #expect(error.message.contains("55P03"))
      #expect(events.all.count { if case .retrying = $0 { true } else { false } } == 2)
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

  @Test func `the way out of a changed file names the set where a command would take another`() async throws {
    try await MigrationDatabase.with { database in
      let main = MigrationSet.scripts("main", table)
      func hello(_ last: String) -> MigrationSet {
        .scripts("hello", ("-- keel: no-transaction\nINSERT INTO public.t VALUES (1, 1);\n\(last);", "SELECT 1"))
      }
      _ = try await migrationError { try await database.migrator(main, hello("SELECT 1/0")).up() }
      let migrator = database.migrator(main, hello("SELECT 1/1"))
      let error = try await migrationError { try await migrator.resume() }
      #expect(error.code == .changedMeanwhile)
      #expect(error.message.hasSuffix("migrate force 1 --set hello"))
      try await migrator.force(1, set: "hello")
      #expect(try await !migrator.status().isDirty)
      #expect(try await migrator.status().sets.map(\.version) == [1, 1])
    }
  }

  @Test func `the way out of a late file that stopped half way forgets nothing above it`() async throws {
    try await MigrationDatabase.with { database in
      func set(_ late: String?) -> MigrationSet {
        let script = "-- keel: no-transaction\nINSERT INTO public.t VALUES (1, 1);\n"
        let all = MigrationSet.scripts(
          "main", table, (script + (late ?? ""), "SELECT 1"), ("CREATE TABLE public.u ()", "DROP TABLE public.u"))
        return MigrationSet("main", all.migrations.filter { late != nil || $0.version != 2 })
      }
      try await database.migrator(set(nil)).up()
      let policy: (inout Migrator.Configuration) -> Void = { $0.policies.outOfOrder = .run }
      _ = try await migrationError { try await database.migrator(set("SELECT 1/0"), configure: policy).up() }
      let refused = try await migrationError { try await database.migrator(set("SELECT 1/0")).up() }
      #expect(refused.code == .dirty)
      let changed = try await migrationError { try await database.migrator(set("SELECT 1/1")).resume() }
      #expect(changed.code == .changedMeanwhile)
      for error in [refused, changed] { #expect(error.message.hasSuffix("migrate force 3")) }
      let migrator = database.migrator(set("SELECT 1/0"))
      try await migrator.force(3)
      #expect(try await migrator.status().sets[0].lines.map(\.state) == [.applied, .applied, .applied])
      #expect(try await database.versionRow() ?? (0, true) == (3, false))
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

  /// As behind a pooler, where the server's session outlives the client.
  @Test func `an index that is still being built when its migration is resumed is left to its builder`() async throws {
    try await MigrationDatabase.with { database in
      let index = "CREATE INDEX CONCURRENTLY t_a ON public.t (a)"
      let set = MigrationSet.scripts(
        "main", table, ("-- keel: no-transaction\nSELECT 1;\n\(index) WHERE a > 1/0;", "SELECT 1"))
      let migrator = database.migrator(set)
      _ = try await migrationError { try await migrator.up() }
      let writer = try await PostgresConnection.connect(database.options, loop: database.loop)
      try await writer.script("BEGIN; INSERT INTO public.t VALUES (1, 1)")
      let builder = try await PostgresConnection.connect(database.options, loop: database.loop)
      let building = Task { try await builder.script(index) }
      try await until {
        try await database.connection.one(
          "SELECT EXISTS (SELECT FROM pg_stat_progress_create_index WHERE index_relid = to_regclass('public.t_a'))",
          as: Bool.self)
      }
      let error = try await migrationError { try await migrator.resume() }
      #expect(error.code == .dirty)
      #expect(error.message.contains("process \(builder.processID) is still building the index public.t_a"))
      try await writer.script("COMMIT")
      _ = try await building.value
      #expect(try await migrator.resume().to == 2)
      await writer.close()
      await builder.close()
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

  @Test func `who keeps a statement from its lock is named`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main", ("CREATE TABLE public.t ()", "SELECT 1"),
        ("-- keel: no-transaction\nALTER TABLE public.t ADD c int;", "SELECT 1"))
      try await database.migrator(set).up(limit: 1)
      try await database.connection.script("BEGIN; SELECT * FROM public.t")
      let migrator = database.migrator(set) {
        $0.lockTimeout = .milliseconds(1500)
        $0.lockAttempts = 2
      }
      let error = try await migrationError { try await migrator.up() }
      try await database.connection.script("COMMIT")
      #expect(error.message.contains("in its way: process"))
    }
  }

  @Test func `an index that was invalid before is named neither by the first try nor by the next`() async throws {
    try await MigrationDatabase.with { database in
      try await database.connection.script(
        "CREATE TABLE public.other (a int); INSERT INTO public.other VALUES (1), (1)")
      _ = try? await database.connection.execute("CREATE UNIQUE INDEX CONCURRENTLY other_a ON public.other (a)")
      let set = MigrationSet.scripts(
        "main",
        ("-- keel: no-transaction\nSELECT 1;\nCREATE INDEX CONCURRENTLY x ON public.nothing (a);", "SELECT 1"))
      let error = try await migrationError { try await database.migrator(set).up() }
      #expect(!error.message.contains("other_a"))
      let again = try await migrationError { try await database.migrator(set).resume() }
      #expect(!again.message.contains("other_a"))
    }
  }
}
