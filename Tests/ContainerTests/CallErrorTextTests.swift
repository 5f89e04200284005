import Container
import Testing

/// The whole text of every error that a call at the wrong moment or from the wrong place gets: `Fixtures/calls.txt`.
@Suite struct CallErrorTextTests {
  struct A: Sendable {}
  struct B: Sendable {}
  struct Request: Sendable {}
  struct Session: Sendable {}

  @Test func `Every error of a call says what to do`() async throws {
    var texts: [String] = []
    func note(_ title: String, _ call: () async throws -> Void) async throws {
      let error = try #require(await #expect(throws: ContainerError.self) { try await call() })
      let text = error.description.replacing(/after \d+(\.\d+)? .?s/, with: "after •")
      texts.append("[\(title): \(error.code)]\n\(text)\n")
    }
    try await notePlaces(note)
    try await noteStates(note)
    try await noteScopes(note)
    try expectGolden(texts.joined(separator: "\n"), "calls.txt")
  }

  typealias Note = (_ title: String, _ call: () async throws -> Void) async throws -> Void

  /// Calls from inside what they would wait for.
  func notePlaces(_ note: Note) async throws {
    let (inside, cycle, handle) = (Catch<any Error>(), Catch<any Error>(), Catch<App>())
    let app = App(serial()) {
      Provide { A() }.onStart { _ in
        do { try await handle.value?.stop() } catch { inside.put(error) }
      }
      Provide { (a: A, b: Lazy<B>) in
        do { _ = try await b.get() } catch { cycle.put(error) }
        return Pool(url: "")
      }
      Provide { (_: Pool) in B() }
      Invoke { (_: B) in }
    }
    handle.put(app)
    try await app.start()
    try await note("stop() inside a hook") { if let error = inside.value { throw error } }
    try await note("a Lazy opened by what it waits for") { if let error = cycle.value { throw error } }
    try await app.stop()
  }

  /// Calls in states that do not allow them, and what ends otherwise than well.
  func noteStates(_ note: Note) async throws {
    let app = App {
      Provide { A() }.eager().onStop { _ in throw Boom() }
      Provide { B() }
    }
    try await note("get() before the start") { _ = try await app.get(B.self) }
    try await app.start()
    try await note("a second start()") { try await app.start() }
    try await note("one stop hook that throws") { try await app.stop() }
    try await note("start() after the stop") { try await app.start() }
    try await note("get() after the stop") { _ = try await app.get(B.self) }
    try await note("get() of what was built, after the stop") { _ = try await app.get(A.self) }
    try await note("get() of an optional, after the stop") { _ = try await app.get(A?.self) }
    try await note("withScope after the stop") { try await app.withScope { _ in } }
    let failing = App(serial()) {
      Provide { A() }.eager().onStop { _ in throw Boom() }
      Provide { B() }.eager().onStop { _ in throw Boom() }
    }
    try await failing.start()
    try await note("several stop hooks that throw") { try await failing.stop() }
    let called = App {
      Invoke { (control: AppControl) in
        control.requestStop("not today")
        try await Task.sleep(for: .seconds(60))
      }
    }
    try await note("a start that is called off") { try await called.start() }
  }

  func noteScopes(_ note: Note) async throws {
    let app = App {
      ScopeInput(Request.self)
      Provide { (_: Request) in Session() }.lifetime(.scoped)
    }
    try await app.start()
    let kept = try await app.withScope(supplying: Request()) { $0 }
    try await note("a scope that has ended") { _ = try await kept.get(Session.self) }
    try await note("a scoped value outside of any scope") { _ = try await app.get(Session.self) }
    try await note("a scope without its input") {
      try await app.withScope { _ = try await $0.get(Session.self) }
    }
    try await note("a scope with an input that nobody declared") { try await app.withScope(supplying: 3) { _ in } }
    try await note("a scope with a protocol that nobody declared") {
      try await app.withScope(supplying: PgUsers(pool: Pool(url: "")) as any Users) { _ in }
    }
    try await note("a scope inside one that has ended") { try await kept.withScope { _ in } }
    try await note("a scope with two values for one input") {
      try await app.withScope(supplying: Request(), Request()) { _ in }
    }
    try await note("the scope itself outside of any") { _ = try await app.get(Scope.self) }
    try await app.stop()
  }
}
