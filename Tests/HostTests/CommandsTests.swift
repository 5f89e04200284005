import Container
import Foundation
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

  private func run(_ words: String...) async -> Outcome {
    let output = Mutex("")
    let errors = Mutex("")
    let console = Console(
      output: { text in output.withLock { $0 += text + "\n" } },
      errors: { text in errors.withLock { $0 += text + "\n" } })
    let code = await Commands(Program.self, console: console).run(words)
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
