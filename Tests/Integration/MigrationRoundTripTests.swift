import DatabaseTesting
import EventLoop
import Migrations
import Postgres
import Testing

/// A script is sent as a whole, and its record with the commit: what must not be lost by that.
@Suite(.timeLimit(.minutes(3))) struct MigrationRoundTripTests {
  private static let first = ("CREATE TABLE public.a (x int)", "DROP TABLE public.a")

  // MARK: Places

  @Test(arguments: [
    // The server names no place: the statement's beginning.
    ("SELECT 'ü';\n\nSELECT 'é' -- ö\n;\n  SELECT 1/(SELECT 0);\nSELECT 3", 5, 3, "division by zero"),
    // It counts characters, from the beginning of all it was sent.
    ("SELECT 'üüü';\nSELECT 1 AS ñ,\n  nothing;\nSELECT 3", 3, 3, "nothing"),
    // Found before anything is run.
    ("SELECT 1;\nSELECT 2 FRO x;\nSELECT 3", 2, 14, "syntax error"),
    // Found at the semicolon behind it.
    ("SELECT 1;\nSELECT (2 -- more\n\n;\nSELECT 3", 4, 1, "syntax error"),
    ("SELECT 1;\nSELECT (2", 2, 10, "syntax error"),
    // The file's own BEGIN is not sent.
    ("BEGIN;\nSELECT 1;\nSELECT nothing;\nCOMMIT", 3, 8, "nothing"),
    // Longer than one piece.
    (String(repeating: "SELECT 'a piece of a long script';\n", count: 5000) + "SELECT nothing", 5001, 8, "nothing"),
    (String(repeating: "SELECT 'a piece of a long script';\n", count: 5000) + "SELECT 1/0", 5001, 1, "division"),
  ]) func `an error in a script names line and column of its file`(
    script: String, line: Int, column: Int, words: String
  ) async throws {
    try await MigrationDatabase.with { database in
      let error = try await migrationError {
        try await database.migrator(.scripts("main", Self.first, (script, "SELECT 1"))).up()
      }
      #expect(error.location?.line == line && error.location?.column == column, "\(error)")
      #expect(error.message.contains(words))
      #expect(try await database.versionRow() ?? (0, true) == (1, false))
    }
  }

  // MARK: The record

  /// A record without its migration would be for ever: nobody would apply it again.
  @Test(arguments: ["26000", "42P05"])
  func `an end that fails with an error known from prepared statements is not sent again without its migration`(
    state: String
  ) async throws {
    try await MigrationDatabase.with { database in
      let script = """
        CREATE TABLE public.b (x int);
        CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql
          AS $$ BEGIN RAISE 'prepared statement "" does not exist' USING ERRCODE = '\(state)'; END $$;
        CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON public.b DEFERRABLE INITIALLY DEFERRED
          FOR EACH ROW EXECUTE FUNCTION public.refuse();
        INSERT INTO public.b VALUES (1)
        """
      let migrator = database.migrator(.scripts("main", Self.first, (script, "DROP TABLE public.b")))
      let error = try await migrationError { try await migrator.up() }
      #expect(error.code == .scriptFailed)
      #expect(error.completed.map(\.version) == [1])
      #expect(try await database.versionRow() ?? (0, true) == (1, false))
      #expect(try await database.historyVersions() == [1])
    }
  }

  /// The record is sent as text, behind the script or, after a long one, by itself.
  @Test(arguments: [0, 5000]) func `a record is kept to the letter, whatever its script sets`(padding: Int) async throws
  {
    try await MigrationDatabase.with { database in
      let padding = String(repeating: "SELECT 'a piece of a long script';\n", count: padding)
      let script = """
        SET standard_conforming_strings = off;
        SET client_encoding = 'LATIN1';
        CREATE SCHEMA s;
        CREATE FUNCTION s.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL::timestamptz';
        SET search_path = s, pg_catalog;
        SELECT pg_sleep(0.05); \(padding) SELECT 1, 2 -- the end
        """
      let down = #"DROP SCHEMA s CASCADE; SELECT 'it''s a \ and a \''', $x$ $1 'ü' \ $x$"#
      let migrator = database.migrator(.scripts("it's \\", Self.first, (script, down)))
      let report = try await migrator.up()
      let (kept, seconds) = try await database.connection.one(
        "SELECT down_sql, duration_seconds FROM public.keel_migration_history WHERE version = 2",
        as: (String, Double).self)
      #expect(kept == down)
      #expect(seconds >= 0.05 && seconds < 60)
      let last = try #require(report.completed.last)
      #expect(last.duration >= .milliseconds(50) && last.duration < .seconds(60))
      // By what was kept.
      try await database.migrator(.scripts("it's \\", Self.first)).down()
      #expect(try await database.historyVersions() == [1])
    }
  }

  @Test func `a migration without a statement is recorded and undone`() async throws {
    try await MigrationDatabase.with { database in
      let migrator = database.migrator(.scripts("main", ("-- nothing\n", "-- nothing"), Self.first))
      try await migrator.up()
      #expect(try await database.historyVersions() == [1, 2])
      try await migrator.downAll()
      #expect(try await database.versionRow() == nil)
    }
  }

  // MARK: The session

  @Test(arguments: [("SET TRANSACTION", ""), ("BEGIN", "; COMMIT")])
  func `a migration may set its transaction's isolation level, which has to come before any query`(
    beginning: String, end: String
  ) async throws {
    try await MigrationDatabase.with { database in
      let script = """
        -- Reads what it writes.
        \(beginning) ISOLATION LEVEL SERIALIZABLE;
        CREATE TABLE public.level AS SELECT current_setting('transaction_isolation') AS level\(end)
        """
      let migrator = database.migrator(.scripts("main", Self.first, (script, "DROP TABLE public.level")))
      try await migrator.up()
      let level: String = try await database.connection.one("SELECT level FROM public.level")
      #expect(level == "serializable")
      try await migrator.down()
      #expect(try await database.versionRow() ?? (0, true) == (1, false))
    }
  }

  @Test func `a record that somebody locks is waited for no longer than any other table`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts("main", Self.first, ("CREATE TABLE public.b ()", "DROP TABLE public.b"))
      let migrator = database.migrator(set) {
        $0.lockTimeout = .milliseconds(100)
        $0.lockAttempts = 2
      }
      try await migrator.up(limit: 1)
      try await database.connection.script("BEGIN; LOCK public.keel_migration_history IN SHARE MODE")
      let error = try await migrationError { try await migrator.up() }
      try await database.connection.script("COMMIT")
      #expect(error.code == .scriptFailed)
      #expect(error.message.contains("55P03"))
      #expect(try await database.versionRow() ?? (0, true) == (1, false))
      try await migrator.up()
    }
  }

  @Test func `the role that a connection begins with is that of every migration`() async throws {
    try await TestDatabase.with(.empty) { test in
      try await MigrationDatabase.with(test.options, role: "keel", loop: test.loop) { superuser in
        let name = test.options.database ?? ""
        let (login, owner) = ("login_" + name, "owner_" + name)
        try await superuser.connection.script(
          """
          CREATE ROLE "\(owner)"; CREATE ROLE "\(login)" LOGIN NOINHERIT IN ROLE "\(owner)";
          ALTER ROLE "\(login)" SET role = '\(owner)'; ALTER DATABASE "\(name)" OWNER TO "\(owner)"
          """)
        var options = test.options
        options["user"] = login
        let set = MigrationSet.scripts(
          "main", ("CREATE TABLE public.a (); SET ROLE NONE", "DROP TABLE public.a"),
          ("CREATE TABLE public.b ()", "DROP TABLE public.b"))
        let migrator = Migrator(set, options: options, loop: test.loop)
        try await migrator.up()
        let owners = try await superuser.connection.all(
          "SELECT relowner::regrole::text FROM pg_class WHERE relname IN ('a', 'b', 'keel_migration_history')",
          as: String.self)
        #expect(Set(owners.map { $0.filter { $0 != "\"" } }) == [owner])
        try await migrator.downAll()
        // Roles outlive the database.
        try await superuser.connection.script(
          "REASSIGN OWNED BY \"\(owner)\" TO keel; DROP ROLE \"\(login)\"; DROP OWNED BY \"\(owner)\"; DROP ROLE \"\(owner)\""
        )
      }
    }
  }

  @Test func `what somebody else undid at the same time is not undone again`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main", Self.first, ("SELECT 1", "DROP TABLE IF EXISTS public.a"), ("SELECT 1", "SELECT 1"))
      let migrator = database.migrator(set)
      try await migrator.up()
      // As a migrator without the lock would, after this one has read the record.
      let connection = database.connection
      try await connection.script("BEGIN; DELETE FROM public.keel_migration_history WHERE version = 3")
      async let outcome = migrationError { try await migrator.down() }
      try await until {
        try await connection.one(
          """
          SELECT EXISTS (
            SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))
          )
          """, as: Bool.self)
      }
      try await connection.script("COMMIT")
      let error = try await outcome
      #expect(error.code == .changedMeanwhile)
    }
  }

  @Test func `a run whose lock is lost begins nothing more`() async throws {
    try await MigrationDatabase.with { database in
      let locks = """
        FROM pg_locks
        WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        """
      // It takes a moment until the killed session is gone, and the lock with it. Then somebody else may have the lock.
      let kill = """
        DO $$ DECLARE keys bigint[];
        BEGIN
          SELECT array_agg(classid::bigint << 32 | objid::bigint) INTO keys \(locks);
          PERFORM pg_terminate_backend(pid) \(locks);
          WHILE EXISTS (SELECT \(locks)) LOOP PERFORM pg_sleep(0.01); END LOOP;
          PERFORM pg_advisory_lock(key) FROM unnest(keys) AS key;
        END $$
        """
      for next in ["CREATE TABLE public.b ()", "-- keel: no-transaction\nVACUUM public.a"] {
        let set = MigrationSet.scripts("main", (kill, "SELECT 1"), (next, "SELECT 1"))
        let error = try await migrationError { try await database.migrator(set).up() }
        #expect(error.code == .lockLost)
        #expect(error.completed.map(\.version) == [1])
        #expect(try await database.versionRow() ?? (0, true) == (1, false))
        try await database.migrator(set).downAll()
      }
    }
  }

  // MARK: Rehearsals

  @Test func `a rehearsal finds what only the end of a transaction would`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main",
        (
          """
          CREATE TABLE public.a (x int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED);
          INSERT INTO public.a VALUES (1), (1);
          """, "DROP TABLE public.a"
        ))
      let error = try await migrationError { try await database.migrator(set).rehearse(.up()) }
      #expect(error.message.contains("a_pkey"))
    }
  }

  @Test
  func `a rehearsed step sees neither the settings of the one before it nor its deferred constraints checked early`()
    async throws
  {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main",
        (
          """
          CREATE SCHEMA s; SET search_path = s;
          CREATE TABLE public.a (x int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)
          """, "DROP SCHEMA s; DROP TABLE public.a"
        ),
        ("INSERT INTO a VALUES (1), (1); DELETE FROM a; CREATE TABLE b ()", "DROP TABLE b"),
        ("INSERT INTO public.b DEFAULT VALUES", "SELECT 1"))
      #expect(try await database.migrator(set).rehearse(.up()).count == 3)
      try await database.migrator(set).up()
    }
  }

  // MARK: Behind a pooler

  @Test(arguments: [
    "ALTER TABLE public.a ADD y int", "-- keel: no-transaction\nALTER TABLE public.a ADD y int",
    "-- keel: no-transaction\nCREATE INDEX CONCURRENTLY a_x ON public.a (x)",
  ]) func `behind PgBouncer too, who stands in the way is named`(script: String) async throws {
    let bouncer = try await PgBouncer.shared.value
    try await TestDatabase.with(.empty) { test in
      try await MigrationDatabase.with(test.options, role: "keel", loop: test.loop) { direct in
        var options = test.options
        bouncer.redirect(&options)
        let events = MigrationEvents()
        let migrator = Migrator(
          .scripts("main", Self.first, (script, "SELECT 1")), options: options, loop: test.loop,
          observer: events.observer)
        try await migrator.up(limit: 1)
        try await direct.connection.script("BEGIN; INSERT INTO public.a VALUES (1)")
        async let report = migrator.up()
        try await until {
          events.all.contains {
            if case .blocked(_, let holders) = $0 {
              holders.map(\.processID) == [direct.connection.processID]
            } else {
              false
            }
          }
        }
        try await direct.connection.script("COMMIT")
        #expect(try await report.to == 2)
      }
    }
  }

  @Test func `a statement outside a transaction leaves no watch for its client to others of a pooler`() async throws {
    let bouncer = try await PgBouncer.shared.value
    try await TestDatabase.with(.empty) { test in
      try await MigrationDatabase.with(test.options, role: "keel", loop: test.loop) { direct in
        var pooled = test.options
        bouncer.redirect(&pooled)
        let interval = "current_setting('client_connection_check_interval', true)"
        let script = "-- keel: no-transaction\nDO $$ BEGIN CREATE TABLE public.seen AS SELECT \(interval) AS x; END $$"
        let set = MigrationSet.scripts("main", (script, "DROP TABLE public.seen"))
        try await Migrator(set, options: pooled, loop: test.loop).up()
        // Older servers have no such setting.
        let pooledInterval = try await direct.connection.one(
          "SELECT coalesce(x, '0') FROM public.seen", as: String.self)
        #expect(pooledInterval == "0")
        let others = try await MigrationDatabase.with(pooled, role: "keel", loop: test.loop) { other in
          try await other.connection.one("SELECT coalesce(\(SQL(unchecked: interval)), '0')", as: String.self)
        }
        #expect(others == "0")
        guard direct.connection.serverVersion >= 140_000 else { return }
        let migrator = Migrator(set, options: test.options, loop: test.loop)
        try await migrator.redo()
        #expect(try await direct.connection.one("SELECT x FROM public.seen", as: String.self) == "1s")
      }
    }
  }
}
