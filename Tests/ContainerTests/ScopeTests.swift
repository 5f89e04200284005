import Container
import ContainerTesting
import Synchronization
import Testing

@Suite struct ScopeTests {
  struct Request: Sendable { let id: Int }
  final class Session: Sendable {
    let request: Int
    init(_ request: Int) { self.request = request }
  }
  final class Unit: Sendable {
    let session: Session
    init(session: Session) { self.session = session }
  }
  final class Fresh: Sendable {}

  func app(_ journal: Journal) -> App {
    App {
      Supply(Config())
      ScopeInput(Request.self)
      Provide { (request: Request, _: Config) in Session(request.id) }
        .lifetime(.scoped)
        .onStart { session in journal.note("start session \(session.request)") }
        .onStop { session in journal.note("stop session \(session.request)") }
      Provide(Unit.init(session:)).lifetime(.scoped).onStop { unit in journal.note("stop unit \(unit.session.request)")
      }
      Provide { Fresh() }.lifetime(.transient)
    }
  }

  @Test func `A scope has values of its own, built once and stopped in reverse`() async throws {
    let journal = Journal()
    let app = app(journal)
    try await app.start()
    for id in 1...2 {
      try await app.withScope(supplying: Request(id: id)) { scope in
        let unit = try await scope.get(Unit.self)
        let session = try await scope.get(Session.self)
        #expect(unit.session === session)
        #expect(unit.session.request == id)
      }
    }
    try await app.stop()
    #expect(
      journal.entries == [
        "start session 1", "stop unit 1", "stop session 1", "start session 2", "stop unit 2", "stop session 2",
      ])
  }

  @Test func `A scope ends also when its body throws`() async throws {
    let journal = Journal()
    let app = app(journal)
    try await app.start()
    await #expect(throws: Boom.self) {
      try await app.withScope(supplying: Request(id: 1)) { scope in
        _ = try await scope.get(Session.self)
        throw Boom()
      }
    }
    #expect(journal.entries == ["start session 1", "stop session 1"])
    try await app.stop()
  }

  @Test func `A scope ends also when its task is cancelled, and its hooks do not see that`() async throws {
    let (journal, entered) = (Journal(), Gate())
    let app = App {
      Provide { Fresh() }.lifetime(.scoped).onStop { _ in journal.note("cancelled: \(Task.isCancelled)") }
    }
    try await app.start()
    let task = Task {
      try await app.withScope { scope in
        _ = try await scope.get(Fresh.self)
        entered.open()
        try await Task.sleep(for: .seconds(600))
      }
    }
    await entered.wait()
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(journal.entries == ["cancelled: false"])
    try await app.stop()
  }

  @Test func `Scopes nest: scoped values are new, inputs are handed on`() async throws {
    let app = app(Journal())
    try await app.start()
    try await app.withScope(supplying: Request(id: 7)) { outer in
      let session = try await outer.get(Session.self)
      try await outer.withScope { inner in
        let other = try await inner.get(Session.self)
        #expect(other !== session)
        #expect(other.request == 7)
      }
      try await outer.withScope(supplying: Request(id: 8)) { inner in
        let session = try await inner.get(Session.self)
        #expect(session.request == 8)
      }
    }
    try await app.stop()
  }

  @Test func `Many ask one scope at once and get one value`() async throws {
    let built = Mutex(0)
    let app = App {
      Provide { () -> Fresh in
        built.withLock { $0 += 1 }
        await Task.yield()
        return Fresh()
      }.lifetime(.scoped)
    }
    try await app.start()
    try await app.withScope { scope in
      let identities = try await withThrowingTaskGroup(of: ObjectIdentifier.self) { group in
        for _ in 0..<20 { group.addTask { ObjectIdentifier(try await scope.get(Fresh.self)) } }
        return try await group.reduce(into: Set()) { $0.insert($1) }
      }
      #expect(identities.count == 1)
    }
    try await app.stop()
    #expect(built.withLock { $0 } == 1)
  }

  @Test func `Transient values are new for each that asks`() async throws {
    struct Pair: Sendable {
      let (one, two): (Fresh, Fresh)
    }
    let app = App {
      Provide { Fresh() }.lifetime(.transient)
      Provide { (one: Fresh, two: Fresh) in Pair(one: one, two: two) }
      Provide { Fresh() }.lifetime(.transient).grouped()
    }
    try await app.start()
    let pair = try await app.get(Pair.self)
    #expect(pair.one !== pair.two)
    #expect(try await app.get(Fresh.self) !== pair.one)
    #expect(try await app.get(Group<Fresh>.self).count == 1)
    try await app.stop()
  }

  @Test func `A singleton opens scopes with a ScopeFactory, a scoped value by its Scope`() async throws {
    struct Handler: Sendable {
      let scopes: ScopeFactory
    }
    struct Opener: Sendable {
      let scope: Scope
    }
    let app = App {
      ScopeInput(Request.self)
      Provide { (request: Request) in Session(request.id) }.lifetime(.scoped)
      Provide(Handler.init(scopes:))
      Provide(Opener.init(scope:)).lifetime(.scoped)
    }
    try await app.start()
    let handler = try await app.get(Handler.self)
    let id = try await handler.scopes.withScope(supplying: Request(id: 5)) { scope in
      try await scope.get(Opener.self).scope.get(Session.self).request
    }
    #expect(id == 5)
    try await app.stop()
  }

  @Test func `A singleton that needs a scoped value is refused, also by way of a transient one`() throws {
    struct Holder: Sendable {}
    struct Middle: Sendable {}
    let app = App {
      Provide { Fresh() }.lifetime(.scoped)
      Provide { (_: Fresh) in Middle() }.lifetime(.transient)
      Provide { (_: Middle) in Holder() }
      Invoke { (_: Lazy<Fresh>) in }
      Provide { (_: Scope) in Cache() }
    }
    let error = try #require(#expect(throws: ContainerError.self) { try app.validate() })
    #expect(error.related.map(\.code) == [.captiveDependency, .captiveDependency, .captiveDependency])
    #expect(error.description.contains("`Holder` lives as long as the app and needs `Fresh`"))
  }

  @Test func `A scope that has ended, or is missing its input, says so`() async throws {
    let app = app(Journal())
    try await app.start()
    let kept = try await app.withScope(supplying: Request(id: 1)) { $0 }
    let over = await #expect(throws: ContainerError.self) { try await kept.get(Session.self) }
    #expect(over?.code == .scopeEnded)
    let missing = await #expect(throws: ContainerError.self) {
      try await app.withScope { scope in try await scope.get(Session.self) }
    }
    #expect(missing?.code == .notProvided)
    let outside = await #expect(throws: ContainerError.self) { try await app.get(Session.self) }
    #expect(outside?.code == .scopeEnded)
    let unknown = await #expect(throws: ContainerError.self) { try await app.withScope(supplying: 3) { _ in } }
    #expect(unknown?.code == .notProvided)
    try await app.stop()
  }

  @Test func `What a scope has built is not to be had once it has stopped, but by its stop hooks`() async throws {
    let journal = Journal()
    let app = App {
      Provide { Fresh() }.lifetime(.scoped)
      Provide { (_: Fresh) in X() }.lifetime(.transient)
      Provide { (scope: Scope, _: Fresh) in
        Lazy { try await scope.get(Fresh.self) }
      }.lifetime(.scoped).onStop { fresh in
        _ = try await fresh.get()
        journal.note("stopped")
      }
    }
    try await app.start()
    let (kept, lazy) = try await app.withScope { ($0, try await $0.get(Lazy<Fresh>.self)) }
    #expect(journal.entries == ["stopped"])
    for call in [
      { _ = try await kept.get(Fresh.self) }, { _ = try await kept.get(X.self) }, { _ = try await lazy.get() },
      { try await kept.withScope { _ in } },
    ] as [@Sendable () async throws -> Void] {
      let error = await #expect(throws: ContainerError.self) { try await call() }
      #expect(error?.code == .scopeEnded)
    }
    try await app.stop()
  }

  @Test func `A constructor that throws a cancellation of its own is called once for all who wait`() async throws {
    let (calls, gate) = (Flag(), Gate())
    let app = App {
      Provide { () async throws -> Fresh in
        calls.hit()
        await gate.wait()
        throw CancellationError()
      }.lifetime(.scoped)
    }
    try await app.start()
    let failures = try await app.withScope { scope in
      await withTaskGroup(of: Bool.self) { group in
        for _ in 0..<8 {
          group.addTask {
            do {
              _ = try await scope.get(Fresh.self)
              return false
            } catch {
              return true
            }
          }
        }
        // Long enough for all of them to wait; whoever comes later calls the constructor again, and rightly.
        await pause(100)
        gate.open()
        return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
      }
    }
    #expect(failures == 8)
    #expect(calls.count < 8)
    try await app.stop()
  }

  @Test func `A hook on a transient value is refused`() throws {
    let app = App { Provide { Fresh() }.lifetime(.transient).onStop { _ in } }
    let error = try #require(#expect(throws: ContainerError.self) { try app.validate() })
    #expect(error.contains(.hooksOnTransient))
  }

  @Test func `A lazy value of a scope is stopped after who holds it, unless it needs them`() async throws {
    struct Transaction: Sendable {}
    struct Outbox: Sendable { let transaction: Lazy<Transaction> }
    struct Work: Sendable { let outbox: Outbox }
    struct Parent: Sendable { let child: Lazy<Child> }
    struct Child: Sendable { let parent: Parent }
    let journal = Journal()
    let app = App {
      Provide { Transaction() }.lifetime(.scoped).onStop { _ in journal.note("transaction") }
      Provide(Outbox.init(transaction:)).lifetime(.transient)
      Provide(Work.init(outbox:)).lifetime(.scoped).onStop { _ in journal.note("work") }
      Provide { (_: Work) in Config() }.lifetime(.scoped).onStop { _ in journal.note("config") }
      Provide(Parent.init(child:)).lifetime(.scoped).onStop { _ in journal.note("parent") }
      Provide(Child.init(parent:)).lifetime(.scoped).onStop { _ in journal.note("child") }
    }
    try await app.start()
    try await app.withScope { scope in
      _ = try await scope.get(Config.self)
      _ = try await scope.get(Work.self).outbox.transaction.get()
      _ = try await scope.get(Parent.self).child.get()
    }
    #expect(journal.entries == ["child", "parent", "config", "work", "transaction"])
    try await app.stop()
  }
}
