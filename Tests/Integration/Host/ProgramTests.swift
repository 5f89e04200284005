import Container
import DatabaseModule
import DatabaseTesting
import FoundationEssentials
import Glibc
import Postgres
import SharedMigrations
import Synchronization
import Testing

@testable import Host

/// The commands of the reference app, run in this process against a database of their own.
@Suite struct ProgramTests {
  struct Program: HostApplication {
    var body: [any ModuleElement] {
      DatabaseModule()
      Migrations(.shared)
    }
  }

  private func run(_ words: String...) async -> CommandOutcome { await run(words) }

  private func run(_ words: [String]) async -> CommandOutcome { await CommandOutcome(of: Program.self, words) }

  @Test func `migrate goes up, to a version and down, and says where the database is`() async throws {
    try await TestDatabase.with { database in
      let url = "--database-url=\(database.connectionString)"
      let quiet = "--log-level=error"
      let fresh = await run("migrate", "version", url, quiet)
      #expect(fresh.output == "0\n")
      let up = await run("migrate", "up", url, quiet)
      #expect(
        up.code == .success && up.output.hasPrefix("32 migrations in ") && up.output.hasSuffix("version 0 → 32\n"))
      let again = await run("migrate", "up", url, quiet)
      #expect(again.output == "nothing to do: the database is at version 32\n")
      let down = await run("migrate", "down", "2", url, quiet)
      #expect(down.output.hasSuffix("version 32 → 30\n"))
      let to = await run("migrate", "to", "5", url, quiet)
      #expect(to.output.hasSuffix("version 30 → 5\n"))
      let next = await run("migrate", "up", "1", url, quiet)
      #expect(next.output.hasPrefix("1 migration in ") && next.output.hasSuffix("version 5 → 6\n"))
      let version = await run("migrate", "version", url, quiet)
      #expect(version.output == "6\n")
    }
  }

  @Test func `a version that does not exist and a down on an empty database change nothing and say so`() async throws {
    try await TestDatabase.with { database in
      let url = "--database-url=\(database.connectionString)"
      let to = await run("migrate", "to", "99", url, "--log-level=critical")
      #expect(to.code == .failure)
      #expect(to.errors.contains("99") && to.errors.contains("32"))
      let down = await run("migrate", "down", url, "--log-level=critical")
      #expect(down.code == .failure)
      #expect(down.errors.hasPrefix("program: "))
      let version = await run("migrate", "version", url, "--log-level=critical")
      #expect(version.output == "0\n")
    }
  }

  @Test func `migrate redoes the last migration, undoes all, lists and verifies`() async throws {
    try await TestDatabase.with { database in
      let flags = ["--database-url=\(database.connectionString)", "--log-level=error"]
      _ = await run(["migrate", "to", "3"] + flags)
      let redo = await run(["migrate", "redo"] + flags)
      #expect(redo.output.hasPrefix("2 migrations in ") && redo.output.hasSuffix("version 3 → 3\n"))

      let status = await run(["migrate", "status"] + flags)
      let lines = status.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
      try #require(status.code == .pending && lines.count == 34)
      #expect(lines[0].prefix(4) == ["SET", "VERSION", "TITLE", "STATE"])
      #expect(lines[3].prefix(2) == ["shared", "3"] && lines[3].contains("applied"))
      #expect(lines[4].last == "pending")
      #expect(status.output.hasSuffix("\n\nversion 3 of 32, 29 pending\n"))

      let verify = await run(["migrate", "verify"] + flags)
      #expect(verify.code == .success && verify.output == "files, record and database agree\n")

      let all = await run(["migrate", "down", "--all", "--yes"] + flags)
      #expect(all.output.hasPrefix("3 migrations in ") && all.output.hasSuffix("version 3 → 0\n"))
      let both = await run(["migrate", "down", "2", "--all"] + flags)
      #expect(both.code == .usage)
    }
  }

  @Test func `a byte-order mark at a file's beginning is neither shown nor kept`() async throws {
    try await TestDatabase.with(.empty) { database in
      let folder = FileManager.default.temporaryDirectory.appending(path: "keel-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: folder) }
      for (name, text) in [("1_t.up.sql", "CREATE TABLE public.t (a int);"), ("1_t.down.sql", "DROP TABLE public.t;")] {
        try Data("\u{FEFF}\(text)\n".utf8).write(to: folder.appending(path: name))
      }
      let flags = ["--dir", folder.path(), "--database-url=\(database.connectionString)", "--log-level=critical"]
      let mark: Unicode.Scalar = "\u{FEFF}"
      for command in [["migrate", "plan"], ["migrate", "plan", "--json"]] {
        let plan = await run(command + flags)
        #expect(plan.output.contains("CREATE TABLE public.t") && !plan.output.unicodeScalars.contains(mark))
      }
      #expect(await run(["migrate", "up"] + flags).code == .success)
      let kept: String = try await database.pool.one("SELECT down_sql FROM keel_migration_history")
      #expect(kept == "DROP TABLE public.t;\n")
      // As it was kept once.
      try await database.pool.execute("UPDATE keel_migration_history SET down_sql = \("\u{FEFF}" + kept)")
      try FileManager.default.removeItem(at: folder.appending(path: "1_t.up.sql"))
      try FileManager.default.removeItem(at: folder.appending(path: "1_t.down.sql"))
      try Data("SELECT 2;".utf8).write(to: folder.appending(path: "2_u.up.sql"))
      try Data("SELECT 2;".utf8).write(to: folder.appending(path: "2_u.down.sql"))
      let down = await run(["migrate", "plan", "down"] + flags)
      #expect(down.output.contains("the SQL kept in the database") && !down.output.unicodeScalars.contains(mark))
    }
  }

  @Test func `migrations of a folder: one stops half way, is resumed, changed, found by verify, and forced`()
    async throws
  {
    try await TestDatabase.with(.empty) { database in
      let folder = FileManager.default.temporaryDirectory.appending(path: "keel-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: folder) }
      func write(_ name: String, _ text: String) throws { try Data(text.utf8).write(to: folder.appending(path: name)) }
      try write("1_table.up.sql", "CREATE TABLE public.t (a int);")
      try write("1_table.down.sql", "DROP TABLE public.t;")
      try write(
        "2_rows.up.sql", "-- keel: no-transaction\nINSERT INTO public.t VALUES (1);\nINSERT INTO public.u VALUES (1);")
      try write("2_rows.down.sql", "DELETE FROM public.t;")
      let flags = ["--dir", folder.path(), "--database-url=\(database.connectionString)", "--log-level=critical"]

      let stopped = await run(["migrate", "up"] + flags)
      #expect(stopped.code == .failure && stopped.errors.contains("go on with migrate resume"))
      let status = await run(["migrate", "status"] + flags)
      #expect(status.output.contains("stopped half way") && status.output.contains("dirty"))
      let dirty = await run(["migrate", "up"] + flags)
      #expect(status.code == .findings && dirty.code == .findings)
      #expect(dirty.errors.contains("migrate force 2. If you have undone it by hand: migrate force 1"))

      try await database.pool.execute("CREATE TABLE public.u (a int)")
      let resumed = await run(["migrate", "resume"] + flags)
      #expect(resumed.code == .success && resumed.output.hasPrefix("1 migration in "))
      let nothing = await run(["migrate", "resume"] + flags)
      #expect(nothing.code == .failure && nothing.errors.contains("nothing to resume"))

      try write("1_table.up.sql", "CREATE TABLE public.t (a bigint);")
      let verify = await run(["migrate", "verify"] + flags)
      #expect(verify.code == .findings && verify.output.contains("1_table.up.sql is not what was applied"))

      let forced = await run(["migrate", "force", "1"] + flags)
      #expect(forced.output == "the database counts as being at version 1; nothing was run\n")
      let version = await run(["migrate", "version"] + flags)
      #expect(version.output == "1\n")
      let unknown = await run(["migrate", "force", "7"] + flags)
      #expect(unknown.code == .failure && unknown.errors.contains("there is no version 7"))
    }
    let missing = await run("migrate", "up", "--dir", "/nonexistent")
    #expect(missing.code == .failure && missing.errors.contains("/nonexistent"))
  }

  @Test(arguments: [
    ("postgres://keel:hunter2@127.0.0.1:1/app", "connect"), ("postgres://keel:hun/ter2@localhost/app", "malformed"),
    ("hunter2", "malformed"),
  ])
  func `a server that is not there or a malformed URL is one message without the password`(
    url: String, word: String
  ) async {
    for command in [["serve"], ["migrate", "up"]] {
      let outcome = await Commands(Program.self, console: Console(output: { _ in }, errors: { _ in }))
        .run(command + ["--database-url", url, "--listen", "127.0.0.1:0", "--log-level", "critical"])
      #expect(outcome == .failure)
    }
    let outcome = await run("migrate", "up", "--database-url", url, "--log-level", "critical")
    #expect(outcome.errors.contains(word))
    #expect(!outcome.errors.contains("hunter2") && !outcome.errors.contains("ter2"))
  }

  @Test func `a port in use names the address and what to do`() async throws {
    try await TestDatabase.with { database in
      let taken = try TakenPort()
      defer { taken.close() }
      let outcome = await run(
        "serve", "--database-url", database.connectionString, "--listen", "127.0.0.1:\(taken.port)", "--log-level",
        "critical")
      #expect(outcome.code == .failure)
      #expect(
        outcome.errors.hasPrefix(
          "program: cannot listen on 127.0.0.1:\(taken.port): address already in use; stop what "))
    }
  }

  @Test func `the doctor finds a sound database, a schema that is behind, and pools that are too large`() async throws {
    try await TestDatabase.with { database in
      let flags = ["--database-url=\(database.connectionString)", "--listen=127.0.0.1:0"]
      let fresh = await run(["doctor"] + flags)
      #expect(fresh.code == .success)
      #expect(fresh.output.contains("warning schema         version 0 of 32, 32 pending"))
      #expect(fresh.output.contains("→ program migrate up"))
      for subject in ["configuration", "address", "graph", "connection", "version", "writable"] {
        #expect(fresh.output.contains("ok      \(subject)"))
      }
      _ = await run(["migrate", "up", "--log-level=error"] + flags.prefix(1))
      let migrated = await run(["doctor", "--json"] + flags)
      #expect(migrated.output.contains(#""text" : "version 32, nothing pending""#))
      let many = await run(["doctor", "--replicas", "1000"] + flags)
      #expect(many.code == .failure && many.output.contains("FAILED  capacity"))

      let name = try await database.pool.one("SELECT current_database()", as: String.self)
      try await database.pool.execute("ALTER DATABASE \(identifier: name) SET default_transaction_read_only = on")
      let readOnly = await run(["doctor"] + flags)
      #expect(readOnly.code == .failure && readOnly.output.contains("FAILED  writable"))
    }
  }

  @Test func `the doctor says what to do about a database that is not there, and makes none`() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "keel-\(UUID().uuidString)")
    let none = await run("doctor", "--database-data-directory", folder.path(), "--listen=127.0.0.1:0")
    #expect(none.code == .success && none.output.contains("serve makes a private one in \(folder.path())"))
    #expect(!FileManager.default.fileExists(atPath: folder.path()))
    let unreachable = await run(
      "doctor", "--database-url", "postgres://a:hunter2@127.0.0.1:1/x", "--listen=127.0.0.1:0")
    #expect(unreachable.code == .failure && unreachable.output.contains("→ check host and port in database.url"))
    #expect(!unreachable.output.contains("hunter2"))
    let usage = await run("doctor", "--replicas", "0")
    #expect(usage.code == .usage)
  }

  @Test func `config show says where each value comes from and masks secrets, check finds what serve would`()
    async throws
  {
    let file = FileManager.default.temporaryDirectory.appending(path: "keel-\(UUID().uuidString).yaml")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data("host: { preset: kubernetes }\ndatabase: { url: 'postgres://a:hunter2@h/d' }\n".utf8).write(to: file)
    let show = await run("config", "show", "--config", file.path(), "--log-level=debug")
    func line(_ path: String) -> [String] {
      show.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }.first { $0[0] == path } ?? []
    }
    #expect(line("host.drain_delay") == ["host.drain_delay", "5s", "preset", "kubernetes"])
    #expect(line("log.level") == ["log.level", "debug", "--log-level"])
    #expect(line("database.url") == ["database.url", "<REDACTED>", "\(file.path()):2:18"])
    #expect(line("database.max_conns") == ["database.max_conns", "0", "default"])
    #expect(!show.output.contains("hunter2"))
    let json = await run("config", "show", "--json", "--config", file.path())
    #expect(json.output.contains(#""source" : "preset kubernetes""#) && !json.output.contains("hunter2"))

    let good = await run("config", "check", "--config", file.path())
    #expect(good.code == .success && good.output.hasSuffix(" of them set: no fault\n"))
    try Data("database: { min_conns: 5, max_conns: 2 }\n".utf8).write(to: file)
    let bad = await run("config", "check", "--config", file.path())
    #expect(bad.code == .failure)
    #expect(bad.errors.hasPrefix("program: \(file.path()):1:") && bad.errors.contains("more than database.max_conns"))
  }

  @Test func `graph prints the picture in four forms and what is unused`() async {
    for (format, start) in [("dot", "digraph"), ("mermaid", "flowchart"), ("json", "{"), ("html", "<!doctype html>")] {
      let outcome = await run("graph", "--format", format)
      #expect(outcome.code == .success && outcome.output.hasPrefix(start) && outcome.output.contains("PostgresPool"))
    }
    let check = await run("graph", "--check")
    #expect(check.code == .success && check.output.contains(" elements in ") && check.output.contains("no fault"))
    #expect(!check.output.contains("DatabaseModule.swift"), "what a module offers is not the app's to use or delete")
    let unknown = await run("graph", "--format", "png")
    #expect(unknown.code == .usage && unknown.errors.contains("not 'png'"))
  }

  @Test func `every command explains itself and has an example`() async {
    for spec in CommandSpec.all {
      let outcome = await run(spec.words + ["--help"])
      #expect(outcome.code == .success, "\(spec.name)")
      #expect(outcome.output.hasPrefix("Usage: program \(spec.name)") && outcome.output.contains("Example:"))
    }
  }

  @Test func `a value that a flag cannot have ends with a usage code`() async {
    for words in [["--listen", "foo"], ["--host-shutdown-timeout", "5"]] {
      let outcome = await run(["serve"] + words)
      #expect(outcome.code == .usage)
      #expect(outcome.errors.hasPrefix("program: \(words[0])") && outcome.errors.hasSuffix("Try program help serve.\n"))
    }
    let migrate = await run("migrate", "to")
    #expect(migrate.code == .usage && migrate.errors.hasSuffix("\nTry program help migrate to.\n"))
    let down = await run("migrate", "down", "x", "--table", "t")
    #expect(down.code == .usage && down.errors.hasSuffix("\nTry program help migrate down.\n"))
    let unknown = await run("migrate", "sideways")
    #expect(unknown.code == .usage && unknown.errors.hasSuffix("\nTry program help migrate.\n"))
  }

  @Test func `wrong keys and units of a configuration file are all reported, each with its line`() async throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "keel-\(UUID().uuidString).yaml")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data("database:\n  max_con: 5\nhost:\n  shutdown_timeout: 30\n".utf8).write(to: file)
    let outcome = await run("serve", "--config", file.path())
    #expect(outcome.code == .failure)
    #expect(outcome.errors.contains("\(file.path()):2") && outcome.errors.contains("max_conns"))
    #expect(outcome.errors.contains("\(file.path()):4") && outcome.errors.contains("30s"))
  }

  @Test func `help explains the program, a command and the settings`() async {
    let overview = await run("help")
    #expect(overview.output.contains("program migrate up [N]"))
    let command = await run("help", "migrate", "to")
    #expect(command.output.contains("--database-url URL ") && command.output.contains("program migrate to 21"))
    let settings = await run("help", "settings")
    #expect(settings.output.contains("database.max_conns  (--database-max-conns, DATABASE_MAX_CONNS; default 0)"))
    let version = await run("version")
    #expect(version.output == "program 0.0.0\n")
  }

  @Test func `a word that is no command ends with a usage code`() async {
    let outcome = await run("serv")
    #expect(outcome.code == .usage)
    #expect(outcome.errors == "program: unknown command 'serv'; did you mean serve?\nTry program help.\n")
  }

  @Test func `with --json what is wrong with the command line or the configuration is a document too`() async throws {
    for words in [
      ["up", "x"], ["up", "--lock-timeut", "5s"], ["upp"], ["status", "--database-url=postgres://host:port:1"],
    ] {
      let outcome = await run(["migrate"] + words + ["--json", "--log-level=critical"])
      #expect(outcome.code != .success)
      let document = try JSONDecoder().decode([String: ErrorDetail].self, from: Data(outcome.output.utf8))
      #expect(document["error"]?.message.isEmpty == false)
    }
  }

  private struct ErrorDetail: Decodable {
    let code: String
    let message: String
  }

  @Test func `an output that cannot be written is a failure`() async throws {
    let complaints = Mutex<[String]>([])
    let console = Console(
      output: { _ in }, errors: { text in complaints.withLock { $0.append(text) } },
      outputFailure: { "No space left on device" })
    #expect(await Commands(Program.self, console: console).run(["version"]) == .failure)
    // What it would have said besides is its code.
    let doctor = ["doctor", "--database-url", "postgres:///x?host=/nowhere", "--listen=127.0.0.1:0"]
    #expect(await Commands(Program.self, console: console).run(doctor) != .success)
    #expect(complaints.withLock { $0.count { $0.contains("cannot write the output: No space left on device") } } == 2)
  }
}

/// A TCP port of this machine on which a socket of the test listens.
private struct TakenPort {
  let port: UInt16
  private let descriptor: Int32

  struct Failure: Error { let code: Int32 }

  init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout.size(ofValue: address))
    let (descriptor, size) = (descriptor, length)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(descriptor, address, size) == 0 && listen(descriptor, 1) == 0
          ? getsockname(descriptor, address, &length) : -1
      }
    }
    guard status == 0 else {
      let code = errno
      Glibc.close(descriptor)
      throw Failure(code: code)
    }
    port = UInt16(bigEndian: address.sin_port)
  }

  func close() { Glibc.close(descriptor) }
}
