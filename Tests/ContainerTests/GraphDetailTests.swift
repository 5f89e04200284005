import ContainerTesting
import Synchronization
import Testing

@testable import Container

/// What the picture of a graph and the leak check say of unusual apps.
@Suite(.timeLimit(.minutes(5))) struct GraphDetailTests {
  @Test func `what was built after the start is not on its critical path`() async throws {
    let app = App {
      Provide { Y() }.eager(); Provide { X() }
    }
    try await app.start()
    _ = try await app.get(X.self)
    let g = app.graph
    #expect(g.criticalPath.map { g.nodes[$0].origin.name } == ["Y"])
    try await app.stop()
  }

  @Test func `the critical path goes through transient values`() async throws {
    let app = App {
      Provide { () async -> X in
        await pause(50); return X()
      }
      Provide { (_: X) in Y() }.lifetime(.transient)
      Provide { (_: Y) in Z() }.eager()
    }
    try await app.start()
    let g = app.graph
    #expect(g.criticalPath.map { g.nodes[$0].origin.name } == ["X", "Z"])
    try await app.stop()
  }

  @Test func `a quotation mark with an accent does not end an attribute`() {
    struct M: Module {
      var name: String { "a\"\u{301} b" }
      var body: [any ModuleElement] { Run("r\"\u{301}x") {} }
    }
    let html = App { M() }.graph.html()
    // By bytes, as a browser reads: to Swift the two are one character.
    #expect(Array(html.utf8).ranges(of: Array("r\"\u{301}x".utf8)).isEmpty)
    #expect(!Array(html.utf8).ranges(of: Array("r&quot;\u{301}x".utf8)).isEmpty)
  }

  @Test func `an empty app has no negative sizes`() {
    #expect(!App {}.graph.html().contains("=\"-"))
  }

  @Test func `a supplied object that is bound to a protocol is no leak`() async throws {
    let mine = Num(1)
    var check = TestApp.LeakCheck(); check.patience = .milliseconds(200)
    try await TestApp.run(leakCheck: check) {
      Supply(mine)
      Provide { (n: Num) in n as any Sendable }.eager()
    } test: { _ in
    }
    withExtendedLifetime(mine) {}
  }

  @Test func `the timeline of the start has nothing that came later`() async throws {
    let app = App {
      Provide { Y() }.eager(); Provide { Num(3) }
    }
    try await app.start()
    await pause(20)
    _ = try await app.get(Num.self)
    #expect(!app.graph.timelineHTML().contains("Num"))
    try await app.stop()
  }

  @Test func `what was undone before a value was tried again is not in its timing`() async throws {
    let tries = Flag()
    let app = App {
      Provide { X() }
        .onStart { _ in }.onStop { _ in }
        .onStart { _ in
          tries.hit()
          if tries.count == 1 { throw Boom() }
        }
    }
    try await app.start()
    await #expect(throws: ContainerError.self) { try await app.get(X.self) }
    _ = try await app.get(X.self)
    let timing = try #require(app.graph.nodes.first?.timing)
    #expect(timing.started != nil)
    #expect(timing.stopBegan == nil)
    try await app.stop()
  }
}
