import Migrations
import Postgres
import Testing

@Suite(.timeLimit(.minutes(3))) struct MigrationTests {
  private let two = MigrationSet.scripts(
    "main", ("CREATE TABLE public.a (x int);", "DROP TABLE public.a;"),
    ("CREATE TABLE public.b (x int);", "DROP TABLE public.b;"))

  @Test func `versions are where golang-migrate looks for them`() async throws {
    try await MigrationDatabase.with { database in
      let migrator = database.migrator(two)
      #expect(try await migrator.version() == 0)
      #expect(try await database.versionRow() == nil)
      try await migrator.up(limit: 1)
      #expect(try await database.versionRow() ?? (0, true) == (1, false))
      try await migrator.up()
      #expect(try await database.versionRow() ?? (0, true) == (2, false))
      try await migrator.down()
      #expect(try await migrator.version() == 1)
      try await migrator.to(0)
      #expect(try await database.versionRow() == nil)
      #expect(try await database.historyVersions() == [])
    }
  }

  @Test func `up with nothing to do does nothing, even for a role that may not write`() async throws {
    try await MigrationDatabase.with { database in
      let migrator = database.migrator(two)
      try await migrator.up()
      try await database.connection.execute(
        "ALTER ROLE \(identifier: database.role) SET default_transaction_read_only = on")
      let report = try await migrator.up()
      #expect(report.completed.isEmpty)
      #expect((report.from, report.to) == (2, 2))
    }
  }

  @Test func `a migration that fails half way leaves no trace, and those before it stand`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main", ("CREATE TABLE public.a (x int);", "DROP TABLE public.a;"),
        ("CREATE TABLE public.b (x int);\n\nALTER TABLE public.c\n  ADD y int;\n", "DROP TABLE public.b;"))
      let migrator = database.migrator(set)
      let error = try await migrationError { try await migrator.up() }
      #expect(error.code == .scriptFailed)
      #expect(
        error.description == """
          2_m.up.sql:3:1: up 2 m2 failed: relation "public.c" does not exist (SQLSTATE 42P01); nothing of it was kept
          ALTER TABLE public.c
          ^
          Before that up 1 m1 was carried out, and stands.
          """)
      #expect(try await database.versionRow() ?? (0, true) == (1, false))
      #expect(try await database.historyVersions() == [1])
      #expect(try await database.connection.one("SELECT to_regclass('public.b') IS NULL", as: Bool.self))
    }
  }

  @Test func `a constraint that is checked at the end of the transaction stops it too`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main",
        (
          """
          CREATE TABLE public.a (x int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED);
          INSERT INTO public.a VALUES (1), (1);
          """, "DROP TABLE public.a"
        ))
      let error = try await migrationError { try await database.migrator(set).up() }
      #expect(error.code == .scriptFailed)
      #expect(error.message.contains("a_pkey"))
      #expect(try await database.versionRow() == nil)
      #expect(try await database.connection.one("SELECT to_regclass('public.a') IS NULL", as: Bool.self))
    }
  }

  @Test func `to a version that does not exist lists those that do and runs nothing`() async throws {
    try await MigrationDatabase.with { database in
      let error = try await migrationError { try await database.migrator(two).to(99) }
      #expect(error.code == .noSuchVersion)
      #expect(error.description == "there is no version 99; there are 1 to 2, and 0 for the empty database")
      #expect(try await database.historyVersions() == [])
    }
  }

  @Test func `down on an empty database says that there is nothing to undo`() async throws {
    try await MigrationDatabase.with { database in
      let error = try await migrationError { try await database.migrator(two).down() }
      #expect(error.code == .nothingApplied)
      #expect(error.description == "no migration is applied to this database: there is nothing to undo")
    }
  }

  @Test func `a database begun with golang-migrate is taken over, and given back`() async throws {
    try await MigrationDatabase.with { database in
      try await database.connection.script(
        """
        CREATE TABLE public.schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);
        INSERT INTO public.schema_migrations VALUES (1, false);
        CREATE TABLE public.a (x int);
        """)
      let events = MigrationEvents()
      let migrator = database.migrator(two, observer: events.observer)
      #expect(try await migrator.version() == 1)
      #expect(try await migrator.status().pendingCount == 1)
      #expect(try await migrator.up().completed.map(\.step.version) == [2])
      #expect(events.all.contains { if case .reconciled([1], []) = $0 { true } else { false } })
      // golang-migrate goes one down by itself.
      try await database.connection.script(
        "DROP TABLE public.b; TRUNCATE public.schema_migrations; INSERT INTO public.schema_migrations VALUES (1, false)"
      )
      #expect(try await migrator.status().pendingCount == 1)
      try await migrator.down()
      #expect(try await database.versionRow() == nil)
      try await migrator.up()
      #expect(try await database.historyVersions() == [1, 2])
    }
  }

  @Test func `a version of golang-migrate that no file has is left by choice alone, and for a higher one`() async throws
  {
    try await MigrationDatabase.with { database in
      try await database.connection.script(
        """
        CREATE TABLE public.schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);
        INSERT INTO public.schema_migrations VALUES (9, false);
        """)
      let three = MigrationSet.scripts(
        "main", ("SELECT 1", "SELECT 1"), ("SELECT 1", "SELECT 1"), ("SELECT 1", "SELECT 1"))
      let tenth = Migration(
        version: 10, title: "m10", up: .init(file: "10", text: "CREATE TABLE public.a ()"),
        down: .init(file: "10", text: "DROP TABLE public.a"))
      let set = MigrationSet("main", three.migrations + [tenth])
      let migrator = database.migrator(set)
      #expect(try await migrationError { try await migrator.up() }.code == .databaseIsNewer)
      #expect(try await migrationError { try await migrator.to(10) }.code == .databaseIsNewer)
      #expect(try await migrationError { try await migrator.to(3) }.code == .irreversible)
      #expect(try await database.versionRow() ?? (0, true) == (9, false))
      let report = try await database.migrator(set) { $0.policies.newerDatabase = .run }.up()
      #expect((report.from, report.to) == (9, 10))
      #expect(try await database.versionRow() ?? (0, true) == (10, false))
      #expect(try await migrator.version() == 10)
    }
  }

  @Test func `a version left dirty by golang-migrate stops everything until force names the truth`() async throws {
    try await MigrationDatabase.with { database in
      try await database.connection.script(
        """
        CREATE TABLE public.schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);
        INSERT INTO public.schema_migrations VALUES (1, true);
        """)
      let migrator = database.migrator(two)
      #expect(try await migrationError { try await migrator.up() }.code == .dirty)
      #expect(try await migrationError { try await migrator.resume() }.code == .dirty)
      #expect(try await migrator.status().isDirty)
      try await migrator.force(0)
      #expect(try await migrator.up().completed.count == 2)
    }
  }

  @Test func `a way back to the empty database that golang-migrate left dirty is to version 0`() async throws {
    try await MigrationDatabase.with { database in
      try await database.connection.script(
        """
        CREATE TABLE public.schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);
        INSERT INTO public.schema_migrations VALUES (-1, true);
        """)
      let migrator = database.migrator(two)
      #expect(try await migrationError { try await migrator.up() }.message.contains("on its way to version 0,"))
      #expect(try await migrator.status().version == 0)
    }
  }

  @Test func `the table of another tool is not touched`() async throws {
    try await MigrationDatabase.with { database in
      try await database.connection.script("CREATE TABLE public.schema_migrations (version varchar PRIMARY KEY)")
      let error = try await migrationError { try await database.migrator(two).up() }
      #expect(error.message.contains("belongs to another tool"))
      let elsewhere = database.migrator(two) { $0.table = "keel_versions" }
      try await elsewhere.up()
      #expect(try await database.connection.one("SELECT version FROM public.keel_versions", as: Int64.self) == 2)
      #expect(try await database.connection.one("SELECT count(*) FROM public.keel_versions_history", as: Int.self) == 2)
    }
  }

  @Test func `of many migrators at once one migrates, and the others find it done`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet(
        "main",
        (1...12).map { version in
          Migration(
            version: version, title: "t\(version)",
            up: .init(file: "up", text: "CREATE TABLE public.t\(version) (x int); SELECT pg_sleep(0.01)"),
            down: .init(file: "down", text: "DROP TABLE public.t\(version)"))
        })
      let counts = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 1...10 { group.addTask { try await database.migrator(set).up().completed.count } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(counts.sorted() == Array(repeating: 0, count: 9) + [12])
      #expect(try await database.versionRow() ?? (0, true) == (12, false))
      #expect(try await database.historyVersions() == Array(1...12))
    }
  }

  @Test func `a wait for another migrator ends with its name`() async throws {
    try await MigrationDatabase.with { database in
      var options = database.options
      options.applicationName = "golang-migrate"
      let other = try await PostgresConnection.connect(options, loop: database.loop)
      // The key golang-migrate has for a database it was given by URL.
      let path: Int64 = 1_486_364_155
      let sum = crc32(Array("public\0schema_migrations\0/\(database.options.database ?? "")".utf8)) &* UInt32(path)
      try await other.execute("SELECT pg_advisory_lock(\(Int64(sum)))")
      let events = MigrationEvents()
      let migrator = database.migrator(
        two, configure: { $0.migratorWait = .milliseconds(100) }, observer: events.observer)
      let error = try await migrationError { try await migrator.up() }
      #expect(error.code == .locked)
      #expect(error.message.contains("process \(other.processID) (golang-migrate), role \(database.role)"))
      #expect(error.message.contains("pg_terminate_backend(\(other.processID))"))
      #expect(
        events.all.contains {
          if case .waiting(let holder) = $0 { holder?.processID == other.processID } else { false }
        })
      // A holder that dies releases it.
      await other.close()
      try await database.migrator(two).up()
      #expect(try await migrator.version() == 2)
    }
  }

  @Test func `a wait for another migrator outlasts the server's limit for idle sessions`() async throws {
    try await MigrationDatabase.with { database in
      guard database.connection.serverVersion >= 140_000 else { return }
      let other = try await PostgresConnection.connect(database.options, loop: database.loop)
      let sum = crc32(Array("public\0schema_migrations\0\(database.options.database ?? "")".utf8)) &* 1_486_364_155
      try await other.execute("SELECT pg_advisory_lock(\(Int64(sum)))")
      try await database.connection.execute("ALTER ROLE \(identifier: database.role) SET idle_session_timeout = '4s'")
      async let report = database.migrator(two).up()
      try await until {
        try await database.connection.one(
          """
          SELECT count(*) > 0 FROM pg_stat_activity
          WHERE usename = current_user AND pid NOT IN (\(other.processID), pg_backend_pid())
            AND clock_timestamp() - backend_start > interval '5s'
          """, as: Bool.self)
      }
      await other.close()
      #expect(try await report.completed.count == 2)
    }
  }

  @Test func `a table in use is waited for, its user named, and the migration tried again`() async throws {
    try await MigrationDatabase.with { database in
      try await database.migrator(two).up()
      let set = MigrationSet(
        "main",
        two.migrations + [
          Migration(
            version: 3, title: "wide", up: .init(file: "3", text: "ALTER TABLE public.a ADD y int"),
            down: .init(file: "3", text: "ALTER TABLE public.a DROP y"))
        ])
      try await database.connection.script("BEGIN; SELECT * FROM public.a")
      let blocker = database.connection.processID
      let events = MigrationEvents()
      let migrator = database.migrator(
        set,
        configure: {
          $0.lockTimeout = .milliseconds(700)
          $0.lockAttempts = 20
        }, observer: events.observer)
      async let report = migrator.up()
      try await until {
        events.all.contains {
          if case .blocked(_, let holders) = $0 { holders.map(\.processID) == [blocker] } else { false }
        }
          && events.all.contains { if case .retrying = $0 { true } else { false } }
      }
      // Whoever looks at the server's sessions sees first which migration it is.
      try await until {
        // Within a transaction the server shows the same sessions again.
        try await database.connection.script("SELECT pg_stat_clear_snapshot()")
        return try await database.connection.one(
          """
          SELECT EXISTS (
            SELECT FROM pg_stat_activity
            WHERE datname = current_database() AND query LIKE '-- keel migrate: up 3' || chr(10) || 'BEGIN%'
          )
          """, as: Bool.self)
      }
      try await database.connection.script("COMMIT")
      #expect(try await report.to == 3)
    }
  }

  @Test func `a lock that is never to be had ends in an error and changes nothing`() async throws {
    try await MigrationDatabase.with { database in
      try await database.migrator(two).up()
      try await database.connection.script("BEGIN; SELECT 'hunter2' FROM public.b")
      // Long enough to be seen waiting, on a busy machine too.
      let migrator = database.migrator(two) {
        $0.lockTimeout = .seconds(5)
        $0.lockAttempts = 2
      }
      let error = try await migrationError { try await migrator.down() }
      try await database.connection.script("COMMIT")
      #expect(error.code == .scriptFailed)
      #expect(error.message.contains("55P03"))
      // Who it was, and what it ran, without the values.
      #expect(error.message.contains("in its way: process \(database.connection.processID)"))
      #expect(error.message.contains("SELECT ? FROM public.b") && !error.message.contains("hunter2"))
      #expect(try await migrator.version() == 2)
    }
  }

  @Test func `what a script sets for its session does not reach the next one or the record`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main",
        (
          "CREATE SCHEMA s; SET search_path = s; SET statement_timeout = '1h'; CREATE TABLE a ();",
          "DROP SCHEMA s CASCADE"
        ),
        ("CREATE TABLE b ();", "DROP TABLE b"))
      try await database.migrator(set).up()
      #expect(try await database.connection.one("SELECT to_regclass('s.a') IS NOT NULL", as: Bool.self))
      #expect(try await database.connection.one("SELECT to_regclass('public.b') IS NOT NULL", as: Bool.self))
    }
  }

  @Test func `a file's own BEGIN and COMMIT do not end our transaction`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main", ("BEGIN;\nCREATE TABLE public.a ();\nCOMMIT;\n", "DROP TABLE public.a"),
        ("BEGIN;\nCREATE TABLE public.b ();\nSELECT 1/0;\nCOMMIT;\n", "DROP TABLE public.b"))
      let error = try await migrationError { try await database.migrator(set).up() }
      #expect(error.completed.map(\.version) == [1])
      #expect(try await database.versionRow() ?? (0, true) == (1, false))
      #expect(try await database.connection.one("SELECT to_regclass('public.b') IS NULL", as: Bool.self))
    }
  }

  @Test func `a file that would cut its transaction stops the run before it begins`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main", ("CREATE TABLE public.a ();", "DROP TABLE public.a"), ("SELECT 1;\n  COMMIT;\nSELECT 2", "SELECT 1"))
      let error = try await migrationError { try await database.migrator(set).up() }
      #expect(error.code == .invalidScript)
      #expect(error.location?.line == 2)
      #expect(error.location?.column == 3)
      #expect(try await database.migrator(set).version() == 0)
    }
  }

  @Test func `a cancelled run leaves no trace of the migration under way`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main", ("CREATE TABLE public.a ();", "DROP TABLE public.a"),
        ("CREATE TABLE public.b (); SELECT pg_sleep(60)", "DROP TABLE public.b"))
      let events = MigrationEvents()
      let migrator = database.migrator(set, observer: events.observer)
      let task = Task { try await migrator.up() }
      try await until {
        events.all.contains { if case .started(let step, _, _) = $0 { step.version == 2 } else { false } }
      }
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
      try await until {
        try await database.connection.one(
          "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()",
          as: Bool.self)
      }
      #expect(try await database.versionRow() ?? (0, true) == (1, false))
      #expect(try await database.connection.one("SELECT to_regclass('public.b') IS NULL", as: Bool.self))
    }
  }

  /// As zip has it; the migrator's own is not visible from here.
  private func crc32(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~0) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
    }
  }

  @Test func `a version table that is gone is no sign that another tool undid everything`() async throws {
    try await MigrationDatabase.with { database in
      try await database.migrator(two).up()
      try await database.connection.execute("DROP TABLE schema_migrations")
      let error = await #expect(throws: MigrationError.self) { try await database.migrator(two).up() }
      #expect(error?.code == .changedMeanwhile)
      // The error says how to put it back.
      let statements = try #require(error?.message.firstMatch(of: /CREATE TABLE .*VALUES \(2, false\)/))
      try await database.connection.script(String(statements.output))
      let report = try await database.migrator(two).up()
      #expect(report.completed.isEmpty && report.to == 2)
    }
  }

  @Test(arguments: ["", String(repeating: "t", count: 54)])
  func `a name that no version table can have is refused`(table: String) async throws {
    try await MigrationDatabase.with { database in
      let migrator = database.migrator(two, configure: { $0.table = table })
      let error = await #expect(throws: MigrationError.self) { try await migrator.up() }
      #expect(error?.message.contains("version table") == true)
    }
  }

  @Test func `a limit on waiting for locks beyond what the server counts is the longest that it has`() async throws {
    try await MigrationDatabase.with { database in
      let report = try await database.migrator(two, configure: { $0.lockTimeout = .seconds(3_600_000) }).up()
      #expect(report.to == 2)
    }
  }
}
