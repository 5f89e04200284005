import AppConfiguration
import Container
import DatabaseModule
import EventLoop
import Foundation
import StructuredLogging
import Synchronization
import Testing

@testable import Host

/// Commands of an app without modules, as far as they go without a database.
@Suite struct CommandsTests {
  struct Program: HostApplication {
    var body: [any ModuleElement] { Supply(1) }
  }

  private struct Outcome {
    let code: ExitCode
    let output: String
    let errors: String
  }

  private func run(_ words: String...) async -> Outcome { await run(words, of: Program.self) }

  private func run<App: HostApplication>(_ words: [String], of app: App.Type) async -> Outcome {
    let output = Mutex("")
    let errors = Mutex("")
    let console = Console(
      output: { text in output.withLock { $0 += text + "\n" } },
      errors: { text in errors.withLock { $0 += text + "\n" } })
    let code = await Commands(app, console: console).run(words)
    return Outcome(code: code, output: output.withLock { $0 }, errors: errors.withLock { $0 })
  }

  /// An address at which nobody can listen.
  private func withAddressTaken(_ body: (String) async throws -> Void) async throws {
    let path = "/tmp/keel-\(UUID().uuidString)"
    try "".write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try await body("unix:\(path)")
  }

  @Test func `why serve failed is a line of the log where that is JSON, and text for people elsewhere`() async throws {
    try await withAddressTaken { address in
      let people = await run("serve", "--listen", address, "--log-level=critical")
      #expect(people.code == .failure && people.errors.contains("a file that is not a socket is in the way"))
      let machines = await run("serve", "--listen", address, "--log-format=json", "--log-level=critical")
      #expect(machines.code == .failure && machines.errors.isEmpty)
    }
  }

  @Test(.timeLimit(.minutes(2)))
  func `requests that never end, on a loop that a handler holds up, do not hold up a stop`()
    async throws
  {
    let commands = Commands(Program.self, console: Console(output: { _ in }, errors: { _ in }))
    let app = commands.app(Configuration(flags: ["host.listen": "127.0.0.1:0"]), logger: .none)
    try await app.start()
    let loop: EventLoop = try await app.get()
    let handler = DispatchSemaphore(value: 0)
    loop.execute { handler.wait() }
    let budget = ShutdownBudget(total: .milliseconds(200), drain: .zero)
    let timeline = ShutdownTimeline(budget)
    timeline.begin(.signal(15))
    try await commands.windDown(app, budget, timeline)
    let table = try #require(timeline.table("app", .failure))
    #expect(table.contains("of 100ms  not ended: the event loop does not answer, a handler blocks"))
    handler.signal()
    try await app.stop()
  }

  struct Strict: HostApplication {
    static let token = Setting<Secret<String>>(required: "shop.api_token", "Who may ask.")
    var body: [any ModuleElement] { Supply(SettingsCatalog("shop", Self.token)).grouped() }
  }

  @Test(arguments: [["config", "check"], ["doctor"], ["serve"]])
  func `a required setting that is not set ends what needs all settings, and nothing else`(words: [String]) async {
    let refused = await run(words, of: Strict.self)
    #expect(
      refused.code == .failure
        && (refused.output + refused.errors).contains("shop.api_token has to be set"), "\(refused)")
    #expect(await run(["config", "show"], of: Strict.self).code == .success)
    let example = await run(["config", "example"], of: Strict.self)
    #expect(example.output.hasSuffix("  # api_token: has to be set\n"), "\(example)")
    #expect(await run(["help", "settings"], of: Strict.self).output.contains("SHOP_API_TOKEN; has to be set)"))
  }

  struct Stored: HostApplication {
    var body: [any ModuleElement] { DatabaseModule() }
  }

  @Test(arguments: [["config", "check"], ["doctor"], ["migrate", "version"], ["serve", "--listen=127.0.0.1:0"]])
  func `where the program is deployed no private database stands in for one that is not named`(words: [String]) async {
    let refused = await run(words + ["--host-preset=kubernetes", "--log-format=text"], of: Stored.self)
    #expect(
      refused.code == .failure
        && (refused.output + refused.errors).contains(
          "preset kubernetes: database.embedded is false, so database.url has to be set"),
      "\(refused)")
  }

  @Test func `new migrations go where there are some, or into the program's target`() throws {
    let (files, root) = (
      FileManager.default, FileManager.default.temporaryDirectory.path + "/keel-\(UUID().uuidString)"
    )
    defer { try? files.removeItem(atPath: root) }
    try files.createDirectory(atPath: root, withIntermediateDirectories: true)
    let commands = Commands(Program.self, console: Console(output: { _ in }, errors: { _ in }))
    #expect(commands.migrationsFolder(in: root) == nil)
    try files.createDirectory(atPath: root + "/Sources/program", withIntermediateDirectories: true)
    #expect(commands.migrationsFolder(in: root) == "\(root)/Sources/program/migrations")
    try files.createDirectory(atPath: root + "/migrations", withIntermediateDirectories: true)
    #expect(commands.migrationsFolder(in: root) == "\(root)/Sources/program/migrations")
    try "".write(toFile: root + "/migrations/1_a.up.sql", atomically: true, encoding: .utf8)
    #expect(commands.migrationsFolder(in: root) == "\(root)/migrations")
  }

  @Test func `the doctor looks at the admin listener too`() async throws {
    try await withAddressTaken { address in
      let found = await run("doctor", "--listen=127.0.0.1:0", "--admin-listen", address)
      #expect(found.code == .failure && found.output.contains("set host.admin_listen"), "\(found)")
    }
  }

  @Test(arguments: ["migrate", "config"]) func `a first word with --help is explained`(word: String) async {
    let help = await run(word, "--help")
    #expect(help.code == .success && help.output.hasPrefix("Usage: program \(word) COMMAND [flags]"), "\(help)")
    #expect(help.output == (await run("help", word)).output)
  }
}
