import Container
import DatabaseModule
import DatabaseTesting
import FoundationEssentials
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

  private struct Outcome {
    let code: ExitCode
    let output: String
    let errors: String
  }

  private func run(_ words: String...) async -> Outcome {
    let output = Mutex("")
    let errors = Mutex("")
    let console = Console(
      output: { text in output.withLock { $0 += text + "\n" } },
      errors: { text in errors.withLock { $0 += text + "\n" } })
    let code = await Commands(Program.self, console: console).run(words)
    return Outcome(code: code, output: output.withLock { $0 }, errors: errors.withLock { $0 })
  }

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
      let socket = FileManager.default.temporaryDirectory.appending(path: "keel-\(UUID().uuidString).d")
      // A folder where the socket should be: an address that nobody can take.
      try FileManager.default.createDirectory(at: socket, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: socket) }
      let outcome = await run(
        "serve", "--database-url", database.connectionString, "--listen", "unix:\(socket.path())", "--log-level",
        "critical")
      #expect(outcome.code == .failure)
      #expect(outcome.errors.contains(socket.path()))
    }
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
    #expect(command.output.contains("--database-url VALUE") && command.output.contains("program migrate to 21"))
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
}
