import Container
import Testing

@Suite struct LazyTests {
  final class A: Sendable {}
  struct B: Sendable { let a: Lazy<A> }
  final class Made: Sendable {}

  @Test func `A lazy value is built when it is asked for, once, and stopped after who holds it`() async throws {
    let journal = Journal()
    let app = App {
      Provide { A() }.onStart { _ in journal.note("start A") }.onStop { _ in journal.note("stop A") }
      Provide(B.init(a:)).onStop { _ in journal.note("stop B") }
      Invoke { (_: B) in }
    }
    try await app.start()
    #expect(journal.entries == [])
    let b = try await app.get(B.self)
    let first = try await b.a.get()
    #expect(try await b.a.get() === first)
    try await app.stop()
    #expect(journal.entries == ["start A", "stop B", "stop A"])
  }

  @Test func `Lazy breaks a cycle`() async throws {
    struct Left: Sendable { let right: Lazy<Right> }
    struct Right: Sendable { let left: Left }
    let app = App {
      Provide(Left.init(right:))
      Provide(Right.init(left:))
      Invoke { (_: Right) in }
    }
    try await app.start()
    let right = try await app.get(Right.self)
    _ = try await right.left.right.get()
    try await app.stop()
  }

  @Test(arguments: [App.Options(), serial()])
  func `A lazy value may be opened inside a constructor, unless it waits for that`(options: App.Options) async throws {
    struct Opener: Sendable {}
    struct Left: Sendable {}
    struct Right: Sendable {}
    let fine = App(options) {
      Provide { A() }
      Provide { (a: Lazy<A>) in
        _ = try await a.get()
        return Opener()
      }
      Invoke { (_: Opener) in }
    }
    try await fine.start()
    try await fine.stop()
    let knot = App(options) {
      Provide { (right: Lazy<Right>) in
        _ = try await right.get()
        return Left()
      }
      Provide { (_: Left) in Right() }
      Invoke { (_: Right) in }
    }
    let error = await #expect(throws: ContainerError.self) { try await knot.start() }
    #expect((error?.cause as? ContainerError)?.code == .lazyCycle)
  }

  @Test(arguments: [App.Options(), serial()])
  func `A start goes on when a constructor survives that its lazy value is refused`(
    options: App.Options
  ) async throws {
    struct Left: Sendable { let isRefused: Bool }
    struct Right: Sendable {}
    let app = App(options) {
      Provide { (right: Lazy<Right>) in
        do {
          _ = try await right.get()
          return Left(isRefused: false)
        } catch {
          return Left(isRefused: true)
        }
      }
      Provide { (_: Left) in Right() }
      Invoke { (_: Right) in }
    }
    try await app.start()
    #expect(try await app.get(Left.self).isRefused)
    try await app.stop()
  }

  /// How a holder may ask for a value after it has been built.
  enum Way: CaseIterable {
    case lazy, lazyOfTransient, factory, scope
  }

  struct Value: Sendable {}
  struct Transient: Sendable { let value: Lazy<Value> }
  struct Fresh: Sendable { let value: Value }
  struct Scoped: Sendable { let value: Value }
  struct Holder: Sendable { let use: @Sendable () async throws -> Void }

  @Test(arguments: Way.allCases, [App.Options(), serial()])
  func `Who may ask for a value later is stopped before it`(way: Way, options: App.Options) async throws {
    let journal = Journal()
    let app = App(options) {
      Provide { Value() }.onStop { _ in journal.note("stop value") }
      Provide(Transient.init(value:)).lifetime(.transient)
      Provide(Fresh.init(value:)).lifetime(.transient)
      Provide(Scoped.init(value:)).lifetime(.scoped)
      provider(asking: way).onStop(timeout: .seconds(60)) { holder in
        try await holder.use()
        // Time enough for the value to stop, if it may.
        for _ in 0..<10 { await Task.yield() }
        journal.note("stop holder")
      }
    }
    try await app.start()
    let holder = try await app.get(Holder.self)
    try await holder.use()
    try await app.stop()
    #expect(journal.entries == ["stop holder", "stop value"])
  }

  func provider(asking way: Way) -> Provide<Holder> {
    switch way {
    case .lazy: Provide { (value: Lazy<Value>) in Holder { _ = try await value.get() } }
    case .lazyOfTransient: Provide { (transient: Transient) in Holder { _ = try await transient.value.get() } }
    case .factory: Provide { (fresh: Factory<Fresh>) in Holder { _ = try await fresh() } }
    case .scope:
      Provide { (scopes: ScopeFactory) in
        Holder { try await scopes.withScope { scope in _ = try await scope.get(Scoped.self) } }
      }
    }
  }

  @Test func `A lazy value that fails is tried again`() async throws {
    let journal = Journal()
    let app = App {
      Provide { () throws -> A in
        journal.note("try")
        if journal.count("try") == 1 { throw Boom() }
        return A()
      }
      Provide(B.init(a:))
    }
    try await app.start()
    let b = try await app.get(B.self)
    await #expect(throws: ContainerError.self) { try await b.a.get() }
    _ = try await b.a.get()
    #expect(app.state == .running)
    try await app.stop()
  }

  @Test func `A factory makes a new value each time`() async throws {
    let app = App {
      Supply(Config())
      Provide { (_: Config) in Made() }.lifetime(.transient)
      Provide { (made: Factory<Made>) in Catcher(made: made) }
    }
    try await app.start()
    let catcher = try await app.get(Catcher.self)
    let (first, second) = (try await catcher.made(), try await catcher.made())
    #expect(first !== second)
    try await app.stop()
  }

  struct Catcher: Sendable { let made: Factory<Made> }

  @Test func `A factory of a shared value is refused`() throws {
    let app = App {
      Provide { Made() }
      Provide { (made: Factory<Made>) in Catcher(made: made) }
    }
    let error = try #require(#expect(throws: ContainerError.self) { try app.validate() })
    #expect(error.contains(.factoryOfShared))
  }

  @Test func `A stopped app gives nothing by a Lazy or a Factory either`() async throws {
    let app = App {
      Provide { A() }.eager()
      Provide { (_: A) in Made() }.lifetime(.transient)
    }
    try await app.start()
    let (lazy, made) = (try await app.get(Lazy<A>.self), try await app.get(Factory<Made>.self))
    try await app.stop()
    let first = await #expect(throws: ContainerError.self) { try await lazy.get() }
    let second = await #expect(throws: ContainerError.self) { try await made() }
    #expect(first?.code == .invalidState)
    #expect(second?.code == .invalidState)
  }
}
