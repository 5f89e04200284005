import FoundationEssentials
import Migrations
import Postgres
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(3))) struct MigrationSetsTests {
  private let base = MigrationSet.scripts(
    "base", ("CREATE TABLE public.a (x int PRIMARY KEY)", "DROP TABLE public.a"),
    ("CREATE TABLE public.b ()", "DROP TABLE public.b"))
  private let hello = MigrationSet.scripts(
    "hello", ("CREATE TABLE public.h (x int REFERENCES public.a)", "DROP TABLE public.h"))

  @Test func `sets are applied in their order and undone against it`() async throws {
    try await MigrationDatabase.with { database in
      let migrator = database.migrator(base, hello)
      let up = try await migrator.up()
      #expect(up.completed.map { "\($0.step.set) \($0.step.version)" } == ["base 1", "base 2", "hello 1"])
      // The version table shows the first set alone.
      #expect(try await database.versionRow() ?? (0, true) == (2, false))
      let status = try await migrator.status()
      #expect(status.sets.map(\.name) == ["base", "hello"])
      #expect(status.sets.map(\.version) == [2, 1])
      #expect(try await migrator.down().completed.map(\.step.set) == ["hello"])
      #expect(try await migrator.to(0, set: "hello").completed.isEmpty)
      #expect(try await migrator.to(1, set: "hello").completed.count == 1)
      #expect(
        try await migrator.downAll().completed.map { "\($0.step.set) \($0.step.version)" } == [
          "hello 1", "base 2", "base 1",
        ])
    }
  }

  @Test func `a set that fails leaves those before it applied`() async throws {
    try await MigrationDatabase.with { database in
      let broken = MigrationSet.scripts("broken", ("SELECT * FROM public.nothing", "SELECT 1"))
      let error = try await migrationError { try await database.migrator(base, broken, hello).up() }
      #expect(error.completed.map(\.set) == ["base", "base"])
      #expect(try await database.migrator(base, hello).up().completed.map(\.step.set) == ["hello"])
    }
  }

  @Test func `a module that is gone stays in the record and can be undone`() async throws {
    try await MigrationDatabase.with { database in
      try await database.migrator(base, hello).up()
      let migrator = database.migrator(base)
      #expect(try await migrator.up().completed.isEmpty)
      let status = try await migrator.status()
      #expect(status.sets.map(\.isOrphan) == [false, true])
      let down = try await migrator.down()
      #expect(down.completed.map(\.step.isFromHistory) == [true])
      #expect(try await database.connection.one("SELECT to_regclass('public.h') IS NULL", as: Bool.self))
    }
  }

  @Test func `a list in another order is refused before it mixes the versions`() async throws {
    try await MigrationDatabase.with { database in
      try await database.migrator(base, hello).up()
      #expect(try await migrationError { try await database.migrator(hello, base).up() }.code == .setMismatch)
    }
  }

  @Test func `a newer database is refused, left alone by choice, and undone by the SQL it kept`() async throws {
    try await MigrationDatabase.with { database in
      try await database.migrator(base).up()
      let older = MigrationSet("base", Array(base.migrations.dropLast()))
      #expect(try await migrationError { try await database.migrator(older).up() }.code == .databaseIsNewer)
      #expect(try await database.migrator(older) { $0.policies.newerDatabase = .run }.up().completed.isEmpty)
      #expect(try await database.migrator(older).verify().map(\.kind) == [.unknown])
      let report = try await database.migrator(older).down()
      #expect(report.completed.map(\.step.isFromHistory) == [true])
      #expect(report.to == 1)
      #expect(try await database.connection.one("SELECT to_regclass('public.b') IS NULL", as: Bool.self))
    }
  }

  private func version(_ version: Int64) -> Migration {
    Migration(
      version: version, title: "m\(version)", up: .init(file: "up", text: "CREATE TABLE public.t\(version) ()"),
      down: .init(file: "down", text: "DROP TABLE public.t\(version)"))
  }

  @Test func `what a program applies above another's versions leaves these in the record, and both can be undone`()
    async throws
  {
    try await MigrationDatabase.with { database in
      try await database.migrator(MigrationSet("base", [1, 2, 3].map(version))).up()
      let branch = database.migrator(MigrationSet("base", [1, 2, 4].map(version))) {
        $0.policies.newerDatabase = .run
      }
      for _ in 1...2 {
        #expect(try await branch.up().completed.map(\.step.version) == [4])
        #expect(try await database.versionRow() ?? (0, true) == (4, false))
        #expect(try await database.historyVersions() == [1, 2, 3, 4])
        #expect(try await branch.down().to == 3)
        #expect(try await database.versionRow() ?? (0, true) == (3, false))
        #expect(try await database.historyVersions() == [1, 2, 3])
      }
      #expect(try await branch.down().completed.map(\.step.isFromHistory) == [true])
      #expect(try await database.versionRow() ?? (0, true) == (2, false))
      #expect(try await branch.downAll().completed.map(\.step.version) == [2, 1])
      #expect(try await database.versionRow() == nil)
      #expect(try await database.historyVersions().isEmpty)
    }
  }

  @Test func `a version of another tool that no file has is not forgotten by what is applied above it`() async throws {
    try await MigrationDatabase.with { database in
      let migrator = database.migrator(MigrationSet("base", [1, 2, 6].map(version))) {
        $0.policies.newerDatabase = .run
      }
      try await migrator.up(limit: 1)
      // As golang-migrate does, with files 2 to 5.
      try await database.connection.script("CREATE TABLE public.t2 (); UPDATE public.schema_migrations SET version = 5")
      #expect(try await migrator.up().completed.map(\.step.version) == [6])
      #expect(try await database.versionRow() ?? (0, true) == (6, false))
      #expect(try await database.historyVersions() == [1, 2, 5, 6])
      #expect(try await migrator.status().sets[0].lines.map(\.state) == [.applied, .applied, .unknown, .applied])

      #expect(try await migrator.down().to == 5)
      #expect(try await database.versionRow() ?? (0, true) == (5, false))
      let error = try await migrationError { try await migrator.down() }
      #expect(error.code == .irreversible && error.message.hasPrefix("5 of another tool cannot be undone"))
      #expect(try await database.versionRow() ?? (0, true) == (5, false))
      #expect(try await migrator.up().to == 6)
      #expect(try await database.historyVersions() == [1, 2, 5, 6])
      // A program that has them learns from its operator that they are there.
      let newer = database.migrator(MigrationSet("base", [1, 2, 3, 4, 5, 6].map(version)))
      #expect(try await migrationError { try await newer.up() }.code == .outOfOrder)
      try await newer.force(6)
      #expect(try await newer.up().completed.isEmpty)
      #expect(try await newer.status().sets[0].lines.allSatisfy { $0.state == .applied })
    }
  }

  @Test func `a late file is refused, or applied late by choice`() async throws {
    try await MigrationDatabase.with { database in
      let third = Migration(
        version: 3, title: "m3", up: .init(file: "3", text: "CREATE TABLE public.c ()"),
        down: .init(file: "3", text: "DROP TABLE public.c"))
      try await database.migrator(MigrationSet("base", [base.migrations[0], third])).up()
      let whole = MigrationSet("base", base.migrations + [third])
      #expect(try await migrationError { try await database.migrator(whole).up() }.code == .outOfOrder)
      #expect(try await database.migrator(whole).verify().map(\.kind) == [.outOfOrder])
      let report = try await database.migrator(whole) { $0.policies.outOfOrder = .run }.up()
      #expect(report.completed.map(\.step.version) == [2])
      #expect(try await database.versionRow() ?? (0, true) == (3, false))
      try await database.migrator(whole).downAll()
      #expect(try await database.versionRow() == nil)
    }
  }

  @Test func `a changed file is found, whatever else its line ends did is not`() async throws {
    try await MigrationDatabase.with { database in
      try await database.migrator(base).up()
      var migrations = base.migrations
      migrations[0].up.text += "\r\n"
      #expect(try await database.migrator(MigrationSet("base", migrations)).verify().isEmpty)
      migrations[0].up.text += "-- more"
      migrations[1].down.map { migrations[1].down?.text = $0.text + "-- more" }
      let findings = try await database.migrator(MigrationSet("base", migrations)).verify()
      #expect(findings.map(\.kind) == [.changedUp, .changedDown])
      #expect(
        try await database.migrator(MigrationSet("base", migrations)).status().sets[0].lines.map(\.isChanged) == [
          true, false,
        ])
      // Whoever migrates hears of it, a program that starts above all.
      let told = Mutex<[String]>([])
      let report = try await database.migrator(
        MigrationSet("base", migrations),
        observer: { event in if case .changed(let names) = event { told.withLock { $0 = names } } }
      ).up()
      #expect(report.completed.isEmpty && told.withLock { $0 } == ["base/1"])
    }
  }

  @Test func `what was changed by hand since the last run is found, object by object`() async throws {
    try await MigrationDatabase.with { database in
      let migrator = database.migrator(base, hello)
      try await migrator.up()
      #expect(try await migrator.verify().isEmpty)
      try await database.connection.script(
        """
        ALTER TABLE public.a ADD y text NOT NULL DEFAULT 'z'; ALTER TABLE public.a ALTER x TYPE bigint;
        CREATE INDEX by_hand ON public.a (y); DROP TABLE public.h; CREATE SCHEMA elsewhere;
        """)
      // Whatever the search path of who looks.
      try await database.connection.execute(
        "ALTER ROLE \(identifier: database.role) SET search_path = elsewhere, public")
      let findings = try await database.migrator(base, hello) { $0.schema = "public" }.verify()
      #expect(findings.allSatisfy { $0.kind == .drift })
      let suffix = ", by no migration: undo that by hand, or put it into a new migration"
      #expect(
        findings.map { $0.message.hasSuffix(suffix) ? String($0.message.dropLast(suffix.count)) : "?" } == [
          "column public.a.x was integer NOT NULL, and is bigint NOT NULL", "column public.a.y was added",
          "column public.h.x is gone", "constraint h_x_fkey of public.h is gone", "index by_hand of public.a was added",
          "schema elsewhere was added", "table public.h is gone",
        ])
      // The next run is what later findings are measured by.
      try await database.connection.execute("ALTER ROLE \(identifier: database.role) RESET search_path")
      try await database.connection.execute("CREATE TABLE public.h (x int)")
      try await migrator.redo()
      #expect(try await migrator.verify().isEmpty)
    }
  }

  @Test func `who a policy is for, and what else the text of a definition leaves out, is found too`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main",
        (
          """
          CREATE TABLE public.t (id int NOT NULL, name text);
          CREATE POLICY readers ON public.t TO pg_monitor USING (id > 1);
          CREATE TRIGGER same BEFORE UPDATE ON public.t
            FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
          CREATE VIEW public.v AS SELECT id FROM public.t;
          """, "DROP VIEW public.v; DROP TABLE public.t"
        ))
      try await database.migrator(set).up()
      try await database.connection.script(
        """
        ALTER POLICY readers ON public.t TO PUBLIC; ALTER TABLE public.t FORCE ROW LEVEL SECURITY;
        ALTER TABLE public.t DISABLE TRIGGER same; ALTER TABLE public.t ALTER id ADD GENERATED ALWAYS AS IDENTITY;
        ALTER TABLE public.t ALTER name TYPE text COLLATE "C"; ALTER VIEW public.v SET (security_barrier = true);
        """)
      let found = try await database.migrator(set).verify().map { $0.message.prefix { $0 != "," } }
      let view = found.last.map { $0.prefix(14) }
      #expect(
        found.dropLast() == [
          "column public.t.id was integer NOT NULL", "column public.t.name was text",
          "policy readers of public.t was * TO {pg_monitor} (id > 1)", "table public.t was without row security",
          "trigger same of public.t was CREATE TRIGGER same BEFORE UPDATE ON public.t FOR EACH ROW EXECUTE FUNCTION "
            + "suppress_redundant_updates_trigger()",
        ])
      #expect(view == "view public.v ")
    }
  }

  @Test func `partitions and the objects of extensions are no drift`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main",
        (
          """
          CREATE TABLE public.p (x int PRIMARY KEY) PARTITION BY RANGE (x);
          CREATE TABLE public.r (x int REFERENCES public.p)
          """, "DROP TABLE public.r, public.p"
        ))
      try await database.migrator(set).up()
      try await database.connection.script(
        "CREATE TABLE public.p_1 PARTITION OF public.p FOR VALUES FROM (1) TO (2); CREATE EXTENSION citext;")
      #expect(try await database.migrator(set).verify().isEmpty)
    }
  }

  @Test func `an index of a partitioned table that waits for those of its partitions is no failed one`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main",
        (
          """
          CREATE TABLE public.p (x int) PARTITION BY RANGE (x);
          CREATE TABLE public.p_1 PARTITION OF public.p FOR VALUES FROM (1) TO (2);
          CREATE INDEX p_x ON ONLY public.p (x);
          """, "DROP TABLE public.p"
        ))
      try await database.migrator(set).up()
      #expect(try await database.migrator(set).verify().isEmpty)
    }
  }

  @Test func `a baseline takes over a schema made by hand, once`() async throws {
    try await MigrationDatabase.with { database in
      try await database.connection.script("CREATE TABLE public.a (x int PRIMARY KEY)")
      let migrator = database.migrator(base)
      #expect(try await migrationError { try await migrator.baseline(7) }.code == .noSuchVersion)
      try await migrator.baseline(1)
      #expect(try await migrator.up().completed.map(\.step.version) == [2])
      #expect(try await migrationError { try await migrator.baseline(1) }.code == .alreadyMigrated)
      #expect(try await migrator.status().sets[0].lines.map { $0.record?.appliedBy } == [nil, database.role])
    }
  }

  @Test func `a baseline that is refused names the set where force would take another`() async throws {
    try await MigrationDatabase.with { database in
      let migrator = database.migrator(base, hello)
      try await migrator.up()
      let other = try await migrationError { try await migrator.baseline(1, set: "hello") }
      #expect(other.code == .alreadyMigrated)
      #expect(other.message.hasSuffix("migrate force 1 --set hello"))
      let first = try await migrationError { try await migrator.baseline(1) }
      #expect(first.message.hasSuffix("migrate force 1"))
    }
  }

  @Test func `a redo that failed half way and is repeated does not undo the one before`() async throws {
    try await MigrationDatabase.with { database in
      try await database.migrator(base).up()
      var migrations = base.migrations
      migrations[1].up.text = "CREATE TABLE public.b (x nothing)"
      let migrator = database.migrator(MigrationSet("base", migrations))
      let error = try await migrationError { try await migrator.redo() }
      #expect(error.message.hasSuffix("2 m2 is undone now: go on with migrate up"))
      #expect(error.completed.map(\.description) == ["down 2 m2"])
      for migrator in [migrator, database.migrator(base)] {
        let error = try await migrationError { try await migrator.redo() }
        #expect(error.code == .redoUnfinished && error.completed.isEmpty)
        #expect(error.message.hasPrefix("2 m2 was undone and not applied again, and redo would now undo 1 m1"))
        #expect(try await database.versionRow() ?? (0, true) == (1, false))
      }
      #expect(try await database.migrator(base).up().completed.map(\.step.version) == [2])
      // One that was undone on purpose is no hindrance.
      try await database.migrator(base).down()
      #expect(try await database.migrator(base).redo().completed.map(\.step.version) == [1, 1])
    }
  }

  @Test func `a redo behind a run that failed is not repeated either`() async throws {
    try await MigrationDatabase.with { database in
      var migrations = base.migrations
      migrations.append(
        Migration(version: 3, title: "m3", up: .init(file: "3", text: "SELECT 1/0"), down: .init(file: "3", text: "")))
      _ = try await migrationError { try await database.migrator(MigrationSet("base", migrations)).up() }
      migrations[1].up.text = "CREATE TABLE public.b (x nothing)"
      let migrator = database.migrator(MigrationSet("base", migrations))
      #expect(try await migrationError { try await migrator.redo() }.completed.map(\.description) == ["down 2 m2"])
      #expect(try await migrationError { try await migrator.redo() }.code == .redoUnfinished)
      #expect(try await database.versionRow() ?? (0, true) == (1, false))
    }
  }

  @Test func `a redo whose way forward left nothing outside a transaction names up`() async throws {
    try await MigrationDatabase.with { database in
      func set(_ statement: String) -> MigrationSet {
        .scripts("base", ("-- keel: no-transaction\n\(statement);", "SELECT 1"))
      }
      try await database.migrator(set("SELECT 1")).up()
      let error = try await migrationError { try await database.migrator(set("SELECT 1/0")).redo() }
      #expect(error.message.hasSuffix("1 m1 is undone now: go on with migrate up"))
    }
  }

  @Test func `a redo that stops outside a transaction names resume alone`() async throws {
    try await MigrationDatabase.with { database in
      func set(_ last: String) -> MigrationSet {
        .scripts("base", ("-- keel: no-transaction\nCREATE TABLE public.a ();\n\(last);", "DROP TABLE public.a"))
      }
      try await database.migrator(set("SELECT 1")).up()
      let error = try await migrationError { try await database.migrator(set("SELECT 1/0")).redo() }
      #expect(error.message.contains("migrate resume") && !error.message.contains("migrate up"))
      #expect(try await migrationError { try await database.migrator(set("SELECT 1/0")).redo() }.code == .dirty)
    }
  }

  @Test func `redo undoes the last one and applies it again`() async throws {
    try await MigrationDatabase.with { database in
      let migrator = database.migrator(base)
      try await migrator.up()
      try await database.connection.script("ALTER TABLE public.b ADD y int")
      #expect(try await migrator.redo().completed.map(\.step.description) == ["down 2 m2", "up 2 m2"])
      #expect(
        try await database.connection.one(
          "SELECT count(*) FROM pg_attribute WHERE attrelid = 'public.b'::regclass AND attnum > 0", as: Int.self) == 0)
    }
  }

  @Test func `a rehearsal tells the locks and changes nothing`() async throws {
    try await MigrationDatabase.with { database in
      let set = MigrationSet.scripts(
        "main",
        ("CREATE TABLE public.a (x int); INSERT INTO public.a SELECT generate_series(1, 100)", "DROP TABLE public.a"),
        ("CREATE INDEX a_x ON public.a (x)", "DROP INDEX public.a_x"),
        (
          "ALTER TABLE public.a ADD y int; CREATE TABLE public.c ()", "ALTER TABLE public.a DROP y; DROP TABLE public.c"
        ),
        ("-- keel: no-transaction\nVACUUM public.a", "-- keel: no-transaction\nSELECT 1"),
        ("SELECT * FROM public.nothing", "SELECT 1"))
      let migrator = database.migrator(set)
      #expect(try await migrator.rehearse(.up(limit: 1)).map(\.locks) == [[]])
      #expect(try await database.versionRow() == nil)
      try await migrator.up(limit: 1)
      try await database.connection.execute("ANALYZE public.a")
      let before = try await database.catalogue()
      let steps = try await migrator.rehearse(.up())
      #expect(steps.map { $0.duration != nil } == [true, true, false, false])
      #expect(steps[0].locks.map { "\($0.relation) \($0.mode) \($0.rows)" } == ["public.a ShareLock 100"])
      #expect(steps[0].locks.contains { $0.blocksReaders } == false)
      #expect(steps[1].locks.map { "\($0.relation) \($0.mode) \($0.rows)" } == ["public.a AccessExclusiveLock 100"])
      #expect(steps[1].locks.contains { $0.blocksReaders })
      #expect(try await database.catalogue() == before)
      #expect(try await migrator.version() == 1)
      let failing = MigrationSet.scripts("main", set.scripts[0], ("SELECT 1;\nSELECT 1/0", "SELECT 1"))
      let error = try await migrationError { try await database.migrator(failing).rehearse(.up()) }
      #expect(error.location?.line == 2)
      #expect(error.message.contains("nothing is changed"))
    }
  }

  @Test func `a folder of golang-migrate runs unchanged, up, to any number, and down`() async throws {
    try await MigrationDatabase.with { database in
      try await withFolder { folder in
        for version in 1...42 {
          // The habits of such folders: own transactions, comments alone, CR LF, DO blocks, IF EXISTS.
          let name = "\(folder)/\(String(repeating: "0", count: version < 10 ? 5 : 4))\(version)_table"
          try "BEGIN;\r\nCREATE TABLE t\(version) (x int);\r\nDO $$ BEGIN PERFORM 1; END $$;\r\nCOMMIT;\r\n"
            .write(toFile: name + ".up.sql", atomically: false, encoding: .utf8)
          try "-- back\nDROP TABLE IF EXISTS t\(version);"
            .write(toFile: name + ".down.sql", atomically: false, encoding: .utf8)
        }
        try "-- nothing to do".write(toFile: folder + "/000043_note.up.sql", atomically: false, encoding: .utf8)
        try "-- nothing to do".write(toFile: folder + "/000043_note.down.sql", atomically: false, encoding: .utf8)
        let migrator = database.migrator(try MigrationSet(directory: folder))
        #expect(try await migrator.up().to == 43)
        for version in [17, 41, 3] as [Int64] {
          #expect(try await migrator.to(version).to == version)
          #expect(
            try await database.connection.one(
              "SELECT count(*) FROM pg_class WHERE relname ~ '^t[0-9]+$'", as: Int64.self) == version)
        }
        #expect(try await migrator.down().to == 2)
        try await migrator.downAll()
        #expect(try await database.versionRow() == nil)
      }
    }
  }

  @Test func `goose files run, alone and beside pairs, and their errors have the file's lines`() async throws {
    try await MigrationDatabase.with { database in
      try await withFolder { folder in
        try """
        -- +goose Up
        CREATE TABLE g (x int);
        -- +goose StatementBegin
        CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$
        BEGIN
          RETURN 1;
        END
        $$;
        -- +goose StatementEnd

        -- +goose Down
        DROP FUNCTION f();
        DROP TABLE g;
        """.write(toFile: folder + "/00001_g.sql", atomically: false, encoding: .utf8)
        try
          "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY g_x ON g (x);\n-- +goose Down\nDROP INDEX CONCURRENTLY g_x;\n"
          .write(toFile: folder + "/00002_index.sql", atomically: false, encoding: .utf8)
        try "CREATE TABLE h ()".write(toFile: folder + "/3_h.up.sql", atomically: false, encoding: .utf8)
        try "DROP TABLE h".write(toFile: folder + "/3_h.down.sql", atomically: false, encoding: .utf8)
        try "-- +goose Up\n\n-- +goose Down\nSELECT 1;\nSELECT nothing;\n"
          .write(toFile: folder + "/4_empty.sql", atomically: false, encoding: .utf8)
        let migrator = database.migrator(try MigrationSet(directory: folder))
        #expect(try await migrator.up().completed.count == 4)
        let error = try await migrationError { try await migrator.down() }
        #expect(error.location?.file == folder + "/4_empty.sql")
        #expect(error.location?.line == 5)
        #expect(error.location?.column == 8)
        try await migrator.force(3)
        #expect(try await migrator.downAll().completed.count == 3)
      }
    }
  }

  private func withFolder(_ body: (String) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.path + "/keel-migrations-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    do { try await body(folder) } catch {
      try FileManager.default.removeItem(atPath: folder)
      throw error
    }
    try FileManager.default.removeItem(atPath: folder)
  }
}

extension MigrationSet {
  /// The scripts a set was made of.
  fileprivate var scripts: [(up: String, down: String)] {
    migrations.map { ($0.up.text, $0.down?.text ?? "") }
  }
}
