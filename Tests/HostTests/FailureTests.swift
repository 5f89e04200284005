import Container
import Testing

@testable import Host

@Suite struct FailureTests {
  private struct Broken: Error, CustomStringConvertible {
    var description = "the disk is full"
  }

  private struct Store: Sendable {}

  private func failure(of app: App) async -> String? {
    let error = await #expect(throws: ContainerError.self) { try await app.start() }
    return error.map(Failure.message)
  }

  @Test func `the cause comes first, then the place in the app`() async throws {
    let app = App {
      Provide { () throws -> Store in throw Broken() }
      Invoke { (_: Store) in }
    }
    let lines = try #require(await failure(of: app)).split(separator: "\n")
    #expect(lines.count == 2)
    #expect(lines.first == "the disk is full")
    #expect(lines.last?.contains("Store") == true && lines.last?.contains("FailureTests.swift:") == true)
  }

  @Test func `what failed on the way down follows`() async throws {
    let app = App {
      Supply(1)
      Provide { (_: Int) in "made" }
        .onStop { _ in throw Broken(description: "the roll-back failed too") }
      Provide { (_: String) throws -> Store in throw Broken() }
      Invoke { (_: Store) in }
    }
    let text = try #require(await failure(of: app))
    #expect(text.hasPrefix("the disk is full\n"))
    #expect(text.contains("\n  also: the roll-back failed too"))
  }

  @Test func `an error of another kind speaks for itself`() {
    #expect(Failure.message(of: Broken()) == "the disk is full")
  }
}
