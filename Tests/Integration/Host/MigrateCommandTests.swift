import Container
import DatabaseModule
import DatabaseTesting
import FoundationEssentials
import Migrations
import Postgres
import Synchronization
import Testing

@testable import Host

/// `migrate …` of the reference app as people and scripts use it: what is asked, printed and returned.
@Suite struct MigrateCommandTests {
  private func run(_ words: [String], answer: String? = nil) async -> CommandOutcome {
    await CommandOutcome(of: ProgramTests.Program.self, words, answer: answer)
  }

  private func withFolder(_ files: [String: String] = [:], _ body: (String) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.path + "/keel-migrate-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for (name, text) in files { try text.write(toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8) }
    try await body(folder)
  }

  private static let table = [
    "1_table.up.sql": "CREATE TABLE public.t (a int);\nINSERT INTO public.t SELECT generate_series(1, 50);\n",
    "1_table.down.sql": "DROP TABLE public.t;\n", "2_wide.up.sql": "ALTER TABLE public.t ADD b int;\n",
    "2_wide.down.sql": "ALTER TABLE public.t DROP b;\n",
  ]

  @Test func `down --all asks, goes on with yes alone, and without anybody to ask refuses`() async throws {
    try await TestDatabase.with { database in
      let flags = ["--database-url=\(database.connectionString)", "--log-level=error"]
      _ = await run(["migrate", "to", "3"] + flags)
      let alone = await run(["migrate", "down", "--all"] + flags)
      #expect(alone.code == .usage && alone.errors.contains("undoes 3 migrations") && alone.errors.contains("--yes"))
      let no = await run(["migrate", "down", "--all"] + flags, answer: "")
      #expect(no.code == .failure && no.errors.contains("all 3 migrations") && no.errors.contains("nothing was undone"))
      let document = await run(["migrate", "down", "--all", "--json"] + flags, answer: "n")
      #expect(document.code == .failure && document.output.contains(#""code" : "declined""#), "\(document.output)")
      #expect(await run(["migrate", "version"] + flags).output == "3\n")
      let yes = await run(["migrate", "down", "--all"] + flags, answer: "Yes")
      #expect(yes.code == .success && yes.output.hasSuffix("version 3 → 0\n"))
      let empty = await run(["migrate", "down", "--all"] + flags)
      #expect(empty.code == .success && empty.output.hasPrefix("nothing to do"))
    }
  }

  @Test func `a plan is the SQL with its transactions, a dry run the same, and neither runs anything`() async throws {
    try await withFolder(
      Self.table.merging(["3_vacuum.up.sql": "VACUUM public.t", "3_vacuum.down.sql": "-- none"]) { $1 }
    ) { folder in
      try await TestDatabase.with(.empty) { database in
        let flags = ["--dir", folder, "--database-url=\(database.connectionString)", "--log-level=error"]
        let plan = await run(["migrate", "plan"] + flags)
        #expect(plan.code == .success)
        #expect(
          plan.output.contains(
            """
            -- up 2 wide (set main, \(folder)/2_wide.up.sql)
            BEGIN;
            ALTER TABLE public.t ADD b int;
            -- and the record of it
            COMMIT;

            -- up 3 vacuum (set main, \(folder)/3_vacuum.up.sql)
            -- outside a transaction: recorded statement by statement
            VACUUM public.t

            """))
        #expect(await run(["migrate", "up", "--dry-run"] + flags).output == plan.output)
        #expect(await run(["migrate", "version"] + flags).output == "0\n")
        let nothing = await run(["migrate", "plan", "to", "0"] + flags)
        #expect(nothing.output == "-- nothing to do\n")
      }
    }
  }

  @Test func `version tells that another tool stopped half way, and at which migration`() async throws {
    try await withFolder(Self.table) { folder in
      try await TestDatabase.with(.empty) { database in
        try await database.pool.execute("CREATE TABLE schema_migrations AS SELECT 2::bigint AS version, true AS dirty")
        let flags = ["--dir", folder, "--database-url=\(database.connectionString)", "--log-level=error"]
        let text = await run(["migrate", "version"] + flags)
        #expect(text.output == "2 (dirty)\n")
        #expect(text.code == .findings)
        let json = await run(["migrate", "version", "--json"] + flags)
        #expect(json.output.contains(#""dirty" : true"#))
        #expect(json.code == .findings)
      }
    }
  }

  @Test func `plan --check tells the locks and warns of one that shuts readers out`() async throws {
    try await withFolder(Self.table) { folder in
      try await TestDatabase.with(.empty) { database in
        let flags = ["--dir", folder, "--database-url=\(database.connectionString)", "--log-level=error"]
        _ = await run(["migrate", "up", "1"] + flags)
        try await database.pool.execute("ANALYZE public.t")
        let check = await run(["migrate", "plan", "--check"] + flags)
        #expect(check.code == .success)
        #expect(check.output.contains("  ACCESS EXCLUSIVE on public.t (about 50 rows): WARNING, nobody can read"))
        #expect(check.output.hasSuffix("1 of 1 tried and rolled back; nothing is changed\n"))
        #expect(await run(["migrate", "version"] + flags).output == "1\n")
      }
    }
  }

  @Test func `plan --check says which step it cannot try and why, in words and in JSON`() async throws {
    let files = [
      "1_a.up.sql": "CREATE TYPE public.colour AS ENUM ('red')", "1_a.down.sql": "DROP TYPE public.colour",
      "2_b.up.sql": "ALTER TYPE public.colour ADD VALUE 'green'", "2_b.down.sql": "SELECT 1",
      "3_c.up.sql": "SELECT 'green'::public.colour", "3_c.down.sql": "SELECT 1",
    ]
    try await withFolder(files) { folder in
      try await TestDatabase.with(.empty) { database in
        let flags = ["--dir", folder, "--database-url=\(database.connectionString)", "--log-level=critical"]
        _ = await run(["migrate", "up", "1"] + flags)
        let text = await run(["migrate", "plan", "--check"] + flags)
        #expect(text.code == .success)
        #expect(text.output.contains("up 3 c: not tried, it uses a value that ALTER TYPE … ADD VALUE added before it"))
        #expect(text.output.hasSuffix("1 of 2 tried and rolled back; nothing is changed\n"))
        let json = await run(["migrate", "plan", "--check", "--json"] + flags)
        #expect(json.code == .success)
        #expect(json.output.contains(#""not_tried" : "newEnumValue""#))
      }
    }
  }

  @Test func `status ends with 2 while something is pending and 0 when nothing is`() async throws {
    try await withFolder(Self.table) { folder in
      try await TestDatabase.with(.empty) { database in
        let flags = ["--dir", folder, "--database-url=\(database.connectionString)", "--log-level=error"]
        #expect(await run(["migrate", "status"] + flags).code == .pending)
        _ = await run(["migrate", "up"] + flags)
        #expect(await run(["migrate", "status"] + flags).code == .success)
        try "SELECT 2".write(toFile: "\(folder)/2_wide.up.sql", atomically: false, encoding: .utf8)
        #expect(await run(["migrate", "status"] + flags).code == .findings)
      }
    }
  }

  @Test func `a late file ends with 3, or runs where the setting says so`() async throws {
    try await withFolder(["2_b.up.sql": "SELECT 1", "2_b.down.sql": "SELECT 1"]) { folder in
      try await TestDatabase.with(.empty) { database in
        let flags = ["--dir", folder, "--database-url=\(database.connectionString)", "--log-level=critical"]
        _ = await run(["migrate", "up"] + flags)
        for (name, text) in ["1_a.up.sql": "SELECT 1", "1_a.down.sql": "SELECT 1"] {
          try text.write(toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8)
        }
        let refused = await run(["migrate", "up"] + flags)
        #expect(refused.code == .findings && refused.errors.contains("1 a is not applied, though 2 is"))
        let late = await run(["migrate", "up", "--database-out-of-order", "run"] + flags)
        #expect(late.code == .success && late.output.hasPrefix("1 migration in "))
        // A program that lacks the newest: refused, or told to go on.
        for name in ["2_b.up.sql", "2_b.down.sql"] { try FileManager.default.removeItem(atPath: "\(folder)/\(name)") }
        let newer = await run(["migrate", "up"] + flags)
        #expect(newer.code == .findings && newer.errors.contains("newer version of the program"))
        #expect(await run(["migrate", "up", "--database-newer-database=run"] + flags).code == .success)
      }
    }
  }

  @Test func `a schema made by hand is taken over, once`() async throws {
    try await withFolder(Self.table) { folder in
      try await TestDatabase.with(.empty) { database in
        let flags = ["--dir", folder, "--database-url=\(database.connectionString)", "--log-level=critical"]
        try await database.pool.execute("CREATE TABLE public.t (a int)")
        let baseline = await run(["migrate", "baseline", "1"] + flags)
        #expect(baseline.output == "the database is taken over at version 1; nothing was run\n")
        let again = await run(["migrate", "baseline", "2"] + flags)
        #expect(again.code == .failure && again.errors.contains("migrate force 2"))
        #expect(await run(["migrate", "up"] + flags).output.hasSuffix("version 1 → 2\n"))
      }
    }
  }

  @Test func `versions are kept where --table and --schema say`() async throws {
    try await withFolder(Self.table) { folder in
      try await TestDatabase.with(.empty) { database in
        try await database.pool.execute("CREATE SCHEMA ops")
        let flags = [
          "--dir", folder, "--database-url=\(database.connectionString)", "--log-level=error", "--table=versions",
          "--schema=ops",
        ]
        #expect(await run(["migrate", "up"] + flags).code == .success)
        #expect(try await database.pool.one("SELECT version FROM ops.versions", as: Int64.self) == 2)
      }
    }
  }

  @Test func `JSON has the keys that programs read`() async throws {
    try await withFolder(Self.table) { folder in
      try await TestDatabase.with(.empty) { database in
        let flags = ["--dir", folder, "--database-url=\(database.connectionString)", "--log-level=critical", "--json"]
        func document(_ words: String...) async throws -> [String: JSON] {
          let outcome = await run(["migrate"] + words + flags)
          return try JSONDecoder().decode([String: JSON].self, from: Data(outcome.output.utf8))
        }
        #expect(try await document("version") == ["version": .number(0), "dirty": .bool(false)])
        let plan = try await document("plan")
        #expect(plan["steps"]?[0]?["sql"] == .string(Self.table["1_table.up.sql"] ?? ""))
        #expect(plan["steps"]?[0]?["in_transaction"] == .bool(true))
        let up = try await document("up", "1")
        #expect(up["from"] == .number(0) && up["to"] == .number(1) && up["completed"]?[0]?["title"] == .string("table"))
        let status = try await document("status")
        #expect(status["pending"] == .number(1) && status["expected"] == .number(2) && status["dirty"] == .bool(false))
        #expect(status["sets"]?[0]?["migrations"]?[1]?["state"] == .string("pending"))
        let check = try await document("plan", "--check")
        #expect(check["steps"]?[0]?["locks"]?[0]?["mode"] == .string("AccessExclusiveLock"))
        #expect(try await document("verify") == ["findings": .array([])])
        let failure = try await document("to", "99")
        #expect(failure["error"]?["code"] == .string("noSuchVersion"))
      }
    }
  }

  private struct TwoSets: HostApplication {
    private static func set(_ name: String) -> MigrationSet {
      MigrationSet(
        name,
        [
          Migration(
            version: 1, title: name, up: .init(file: "1", text: "CREATE TABLE public.\(name) ()"),
            down: .init(file: "1", text: "DROP TABLE public.\(name)"))
        ])
    }

    var body: [any ModuleElement] {
      DatabaseModule()
      Migrations(Self.set("shop"))
      Migrations(Self.set("audit"))
    }
  }

  @Test func `with several sets the versions of those that moved are told`() async throws {
    try await TestDatabase.with(.empty) { database in
      let flags = ["--database-url=\(database.connectionString)", "--log-level=error"]
      let up = await CommandOutcome(of: TwoSets.self, ["migrate", "up"] + flags)
      #expect(up.output.hasPrefix("2 migrations in") && up.output.hasSuffix("ms: shop 0 → 1, audit 0 → 1\n"), "\(up)")
      let down = await CommandOutcome(of: TwoSets.self, ["migrate", "down"] + flags)
      #expect(down.output.hasPrefix("1 migration in") && down.output.hasSuffix("ms: audit 1 → 0\n"), "\(down)")
      let to = await CommandOutcome(of: TwoSets.self, ["migrate", "to", "0", "--set", "audit"] + flags)
      #expect(to.output == "nothing to do: the database is at shop 1, audit 0\n", "\(to)")
    }
  }

  @Test func `new writes a pair, import explains a folder; neither needs a database or a configuration`() async throws {
    try await withFolder { folder in
      let new = await run(["migrate", "new", "Add", "users!", "--dir", folder])
      #expect(new.output == "\(folder)/000001_add_users.up.sql\n\(folder)/000001_add_users.down.sql\n")
      #expect(await run(["migrate", "new", "--dir", folder]).code == .usage)
      // In the folder of this package are other folders of .sql files alone.
      let astray = await run(["migrate", "new", "Add", "users!"])
      #expect(
        astray.code == .usage && astray.errors.contains("no .sql files in migrations: name the folder with --dir"))
      let runs = await run(["migrate", "import", folder])
      #expect(runs.code == .success && runs.output.contains("program migrate status --dir \(folder)"))
      try "SELECT 1".write(toFile: folder + "/V2__a.sql", atomically: false, encoding: .utf8)
      let stops = await run(["migrate", "import", folder])
      #expect(stops.code == .failure && stops.output.contains("1 file of Flyway: make V7__title.sql 7_title.up.sql"))
      #expect(await run(["migrate", "import"]).code == .usage)
    }
  }
}

/// Any JSON, to look into.
private enum JSON: Decodable, Equatable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSON])
  case object([String: JSON])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([JSON].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSON].self))
    }
  }

  subscript(key: String) -> JSON? {
    if case .object(let members) = self { members[key] } else { nil }
  }

  subscript(index: Int) -> JSON? {
    if case .array(let elements) = self, elements.indices.contains(index) { elements[index] } else { nil }
  }
}
