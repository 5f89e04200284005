import Container
import ContainerTesting
import Synchronization
import Testing

/// What a stop does about scopes that are open.
@Suite(.timeLimit(.minutes(5))) struct ScopeStopTests {
  final class Pool: Sendable {}
  final class Session: Sendable {}

  let time = ManualClock()
  let events = EventRecorder()
  let journal = Journal()
  let entered = Gate()
  let gate = Gate()

  func options(_ change: (inout App.Options) -> Void = { _ in }) -> App.Options {
    var options = App.Options()
    options.clock = time.clock
    options.observers = [events]
    change(&options)
    return options
  }

  func app(_ options: App.Options) -> App {
    App(options) {
      Provide { [journal] in
        journal.note("pool")
        return Pool()
      }.onStop { [journal] _ in journal.note("stop pool") }
      Provide { (_: Pool) in Session() }.lifetime(.scoped).onStop { [journal] _ in journal.note("stop session") }
    }
  }

  /// A scope with a session, whose body returns when the gate opens.
  func open(_ app: App) -> Task<Void, any Error> {
    Task { [entered, gate] in
      try await app.withScope { scope in
        _ = try await scope.get(Session.self)
        entered.open()
        await gate.wait()
      }
    }
  }

  /// The stop has begun to wait for scopes.
  func closed(_ app: App) async -> Bool {
    await soon { app.state == .stopping }
  }

  /// Lets the two times pass that a stop of 40 seconds has for scopes, and compares what it throws with a golden text.
  func expectLeavesScopesBehind(_ stop: Task<Void, any Error>, _ name: String) async throws {
    for wait in [20, 10] {
      await time.sleepers(1)
      time.advance(by: .seconds(wait))
    }
    let error = try #require(await #expect(throws: ContainerError.self) { try await stop.value })
    try expectGolden(error.description + "\n", name)
  }

  @Test(arguments: [App.Options.Order.concurrent, .serial])
  func `A stop waits for open scopes before it stops what they use`(_ order: App.Options.Order) async throws {
    let app = app(options { $0.order = order })
    try await app.start()
    let scope = open(app)
    await entered.wait()
    let stop = Task { try await app.stop() }
    #expect(await closed(app))
    let refused = await #expect(throws: ContainerError.self) { try await app.withScope { _ in } }
    #expect(refused?.code == .invalidState)
    #expect(journal.entries == ["pool"])
    gate.open()
    try await scope.value
    try await stop.value
    #expect(journal.entries == ["pool", "stop session", "stop pool"])
  }

  @Test func `A scope opens others inside it while the stop waits for it`() async throws {
    let app = app(options())
    try await app.start()
    let scope = Task { [entered, gate, journal] in
      try await app.withScope { outer in
        _ = try await outer.get(Session.self)
        entered.open()
        await gate.wait()
        try await outer.withScope { inner in
          _ = try await inner.get(Session.self)
          journal.note("inner")
        }
      }
    }
    await entered.wait()
    let stop = Task { try await app.stop() }
    #expect(await closed(app))
    gate.open()
    try await scope.value
    try await stop.value
    #expect(journal.entries == ["pool", "inner", "stop session", "stop session", "stop pool"])
  }

  @Test func `Whatever opens a scope inside an open one may do so while the stop waits`() async throws {
    struct Opener: Sendable { let scopes: ScopeFactory }
    let app = App(options()) {
      Provide { Pool() }.eager().onStop { [journal] _ in journal.note("stop pool") }
      Provide { (_: Pool) in Session() }.lifetime(.scoped).onStop { [journal] _ in journal.note("stop session") }
      Provide(Opener.init(scopes:)).lifetime(.scoped)
    }
    try await app.start()
    let scope = Task { [entered, gate] in
      try await app.withScope { scope in
        let opener = try await scope.get(Opener.self)
        entered.open()
        await gate.wait()
        try await opener.scopes.withScope { _ = try await $0.get(Session.self) }
        try await app.withScope { _ = try await $0.get(Session.self) }
      }
    }
    await entered.wait()
    let stop = Task { try await app.stop() }
    #expect(await closed(app))
    gate.open()
    try await scope.value
    try await stop.value
    #expect(journal.entries == ["stop session", "stop session", "stop pool"])
  }

  @Test func `Scopes that do not end are named and cancelled, and the stop goes on when they have ended`() async throws
  {
    let app = app(options { $0.stopTimeout = .seconds(40) })
    try await app.start()
    let scope = Task { [entered] in
      try await app.withScope { scope in
        _ = try await scope.get(Session.self)
        entered.open()
        try await Task.sleep(for: .seconds(600))
      }
    }
    await entered.wait()
    let stop = Task { try await app.stop() }
    #expect(await closed(app))
    await time.sleepers(1)
    time.advance(by: .seconds(20))
    await #expect(throws: CancellationError.self) { try await scope.value }
    try await stop.value
    #expect(journal.entries == ["pool", "stop session", "stop pool"])
    let told = events.events.compactMap { if case .stragglers(let all) = $0 { "\(all)" } else { nil } }
    #expect(told.count == 1)
    #expect(told.allSatisfy { $0.contains("ContainerTests/ScopeStopTests.swift:") })
  }

  @Test func `Scopes that ignore their cancellation are left behind`() async throws {
    let app = app(options { $0.stopTimeout = .seconds(40) })
    try await app.start()
    let scope = open(app)
    await entered.wait()
    let stop = Task { try await app.stop() }
    #expect(await closed(app))
    try await expectLeavesScopesBehind(stop, "scopes-did-not-end.txt")
    #expect(journal.entries == ["pool", "stop pool"])
    gate.open()
    try await scope.value
    let late = events.events.compactMap { if case .cameLate = $0 { $0.record } else { nil } }
    #expect(late.map(\.subject) == ["withScope"])
    #expect(late.allSatisfy { $0.fields.contains { $0.value.hasPrefix("ContainerTests/ScopeStopTests.swift:") } })
  }

  @Test func `Scopes of one place are told together`() async throws {
    let app = app(options { $0.stopTimeout = .seconds(40) })
    try await app.start()
    let inside = Flag()
    let many = (0..<5).map { _ in
      Task { [gate] in
        try await app.withScope { _ in
          inside.hit()
          await gate.wait()
        }
      }
    }
    let one = open(app)
    await entered.wait()
    #expect(await soon { inside.count == 5 })
    let stop = Task { try await app.stop() }
    #expect(await closed(app))
    try await expectLeavesScopesBehind(stop, "scopes-of-one-place.txt")
    let told = events.events.compactMap { if case .stragglers(let all) = $0 { all } else { nil } }
    #expect(told.allSatisfy { $0.count == 2 })
    #expect(told.contains { "\($0)".contains("5 times") })
    gate.open()
    for scope in many + [one] { try await scope.value }
  }

  @Test func `A scope that was opened before the start is not told to be late`() async throws {
    let app = App(options()) {}
    try await app.withScope { [entered] _ in
      let stop = Task.detached {
        try await app.stop()
        entered.open()
      }
      await entered.wait()
      try await stop.value
    }
    #expect(!events.events.contains { if case .cameLate = $0 { true } else { false } })
  }

  @Test func `stop() inside a scope is an error, and requestStop() ends the app once the scope has ended`() async throws
  {
    struct Stopper: Sendable { let control: AppControl }
    let app = App { Provide(Stopper.init(control:)).lifetime(.scoped) }
    try await app.start()
    try await app.withScope { scope in
      let error = await #expect(throws: ContainerError.self) { try await app.stop() }
      #expect(error?.code == .stopInsideHook)
      let child = Task { try await app.stop() }
      await #expect(throws: ContainerError.self) { try await child.value }
      try await scope.get(Stopper.self).control.requestStop()
      #expect(app.state == .stopping)
    }
    try await app.stopped()
  }

  @Test func `stop() in a stop hook of a scope's value is an error`() async throws {
    let own = Catch<App>()
    let app = App {
      Provide { Session() }.lifetime(.scoped).onStop { _ in try await own.value?.stop() }
    }
    own.put(app)
    try await app.start()
    let error = await #expect(throws: ContainerError.self) {
      try await app.withScope { scope in _ = try await scope.get(Session.self) }
    }
    #expect((error?.cause as? ContainerError)?.code == .stopInsideHook)
    try await app.stop()
  }

  @Test func `stop() in a task of an inner scope that has ended is an error while the outer one is open`() async throws
  {
    let app = app(options())
    try await app.start()
    try await app.withScope { [gate] outer in
      let task = try await outer.withScope { _ in
        Task {
          await gate.wait()
          try await app.stop()
        }
      }
      gate.open()
      let error = await #expect(throws: ContainerError.self) { try await task.value }
      #expect(error?.code == .stopInsideHook)
    }
    try await app.stop()
  }

  @Test func `stop() inside a scope is an error in a scope of another app too`() async throws {
    let (outer, inner) = (App {}, App {})
    try await outer.start()
    try await inner.start()
    try await outer.withScope { _ in
      try await inner.withScope { _ in
        for app in [outer, inner] {
          let error = await #expect(throws: ContainerError.self) { try await app.stop() }
          #expect(error?.code == .stopInsideHook)
        }
      }
      try await inner.stop()
    }
    try await outer.stop()
  }

  @Test func `A task that a scope began may stop the app once the scope has ended`() async throws {
    let app = app(options())
    try await app.start()
    let task = try await app.withScope { [gate] _ in
      Task {
        await gate.wait()
        try await app.stop()
      }
    }
    gate.open()
    try await task.value
    #expect(app.state == .stopped)
  }

  /// A server and a worker open scopes until they are stopped: those scopes are theirs to end.
  @Test(arguments: [App.Options.Order.concurrent, .serial])
  func `Who opens scopes stops before they are waited for`(_ order: App.Options.Order) async throws {
    struct Server: Sendable { let scopes: ScopeFactory }
    let app = App(options { $0.order = order }) {
      Provide { Pool() }.eager().onStop { [journal] _ in journal.note("stop pool") }
      Provide { (_: Pool) in Session() }.lifetime(.scoped).onStop { [journal] _ in journal.note("stop session") }
      Provide { (scopes: ScopeFactory) in Server(scopes: scopes) }.eager()
        .onStop { [journal, gate] server in
          try await server.scopes.withScope { scope in _ = try await scope.get(Session.self) }
          gate.open()
          journal.note("stop server")
        }
      Run { [journal, entered] (scopes: ScopeFactory) in
        try? await scopes.withScope { scope in
          _ = try await scope.get(Session.self)
          entered.open()
          try await Task.sleep(for: .seconds(600))
        }
        journal.note("end run")
      }
    }
    try await app.start()
    await entered.wait()
    let inside = Gate()
    let scope = Task { [gate] in
      try await app.withScope { _ in
        inside.open()
        await gate.wait()
      }
    }
    await inside.wait()
    try await app.stop()
    try await scope.value
    #expect(journal.entries.last == "stop pool")
    #expect(journal.count("stop session") == 2)
    #expect(journal.count("end run") == 1)
  }

  /// What it calls may open scopes, of which nothing that it asks for tells.
  final class JobQueue: Sendable {
    typealias Job = @Sendable () async throws -> Void
    private let jobs = Mutex<[Job]>([])

    func add(_ job: @escaping Job) { jobs.withLock { $0.append(job) } }

    func drain() async throws { for job in jobs.withLock({ $0 }) { try await job() } }
  }

  @Test(arguments: [App.Options.Order.concurrent, .serial])
  func `Who was given what opens scopes opens them until it has stopped`(_ order: App.Options.Order) async throws {
    let app = App(options { $0.order = order }) {
      Provide { JobQueue() }.onStop { [journal] queue in
        try await queue.drain()
        journal.note("stop queue")
      }
      Invoke { (queue: JobQueue, scopes: ScopeFactory) in
        queue.add { try await scopes.withScope { _ = try await $0.get(Session.self) } }
      }
      Provide { Pool() }.eager().onStop { [journal] _ in journal.note("stop pool") }
      Provide { (_: Pool) in Session() }.lifetime(.scoped).onStop { [journal] _ in journal.note("stop session") }
    }
    try await app.start()
    try await app.stop()
    #expect(journal.entries == ["stop session", "stop queue", "stop pool"])
  }

  @Test(arguments: [App.Options.Order.concurrent, .serial])
  func `A Run that has the app opens scopes until it has ended`(_ order: App.Options.Order) async throws {
    let own = Catch<App>()
    let app = App(options { $0.order = order }) {
      Run { [journal] (signal: ShutdownSignal) in
        await signal.wait()
        try await own.value?.withScope { _ = try await $0.get(Session.self) }
        journal.note("end run")
      }
      Provide { Pool() }.eager().onStop { [journal] _ in journal.note("stop pool") }
      Provide { (_: Pool) in Session() }.lifetime(.scoped).onStop { [journal] _ in journal.note("stop session") }
    }
    own.put(app)
    try await app.start()
    try await app.stop()
    #expect(journal.entries == ["stop session", "end run", "stop pool"])
  }

  /// The handlers of a server may ask for anything.
  @Test(arguments: [App.Options.Order.concurrent, .serial])
  func `Nothing else stops before what asked for a ScopeFactory has`(_ order: App.Options.Order) async throws {
    struct Server: Sendable { let scopes: ScopeFactory }
    let app = App(options { $0.order = order }) {
      Provide(Server.init(scopes:)).eager().onStop { [journal] server in
        try await server.scopes.withScope { _ = try await $0.get(Cache.self) }
        journal.note("stop server")
      }
      Provide { Cache() }.eager().onStop { [journal] _ in journal.note("stop cache") }
    }
    try await app.start()
    try await app.stop()
    #expect(journal.entries == ["stop server", "stop cache"])
  }

  @Test func `What scoped values need opens no scopes when it stops, and is told what to do`() async throws {
    let app = App(options()) {
      Provide { JobQueue() }.eager().onStop { try await $0.drain() }
      Invoke { (queue: JobQueue, scopes: ScopeFactory) in queue.add { try await scopes.withScope { _ in } } }
      Provide { (_: JobQueue) in Session() }.lifetime(.scoped)
    }
    try await app.start()
    let error = try #require(await #expect(throws: ContainerError.self) { try await app.stop() })
    let refused = try #require(error.cause as? ContainerError)
    #expect(refused.code == .invalidState)
    try expectGolden(refused.description + "\n", "scope-refused.txt")
  }

  @Test func `A start that fails waits for the scopes that were opened meanwhile`() async throws {
    struct Late: Sendable {}
    let failing = Gate()
    let app = App(options()) {
      Provide { Pool() }.eager().onStop { [journal] _ in journal.note("stop pool") }
      Provide { (_: Pool) in Session() }.lifetime(.scoped).onStop { [journal] _ in journal.note("stop session") }
      Invoke {
        await failing.wait()
        throw Boom()
      }
    }
    let start = Task { try await app.start() }
    #expect(await soon { app.state == .starting })
    let scope = open(app)
    await entered.wait()
    failing.open()
    #expect(await closed(app))
    #expect(journal.entries.isEmpty)
    gate.open()
    try await scope.value
    await #expect(throws: ContainerError.self) { try await start.value }
    #expect(journal.entries == ["stop session", "stop pool"])
  }
}
