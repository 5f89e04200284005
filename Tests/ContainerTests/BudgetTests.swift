import ContainerTesting
import Testing

@testable import Container

@Suite struct BudgetTests {
  struct A: Sendable {}
  struct B: Sendable {}

  func options(_ time: ManualClock, _ events: EventRecorder? = nil) -> App.Options {
    var options = App.Options()
    options.clock = time.clock
    if let events { options.observers = [events] }
    return options
  }

  @Test func `Budgets of Int64.max seconds are no limit`() async throws {
    var options = App.Options()
    let unlimited = Duration.seconds(Int64.max)
    (options.hookTimeout, options.startTimeout, options.stopTimeout) = (unlimited, unlimited, unlimited)
    options.stragglerInterval = unlimited
    let app = App(options) {
      Provide { A() }.eager().onStart { _ in await pause(20) }.onStop { _ in await pause(20) }
      Provide { B() }.lifetime(.scoped).onStart { _ in await pause(20) }
      Run { (shutdown: ShutdownSignal) in
        await shutdown.wait()
        await pause(20)
      }.grace(unlimited)
    }
    try await app.start()
    try await app.withScope { _ = try await $0.get(B.self) }
    try await app.stop()
  }

  @Test func `Durations that are more than Int64.max seconds can be told`() {
    #expect((Duration.seconds(Int64.max) * 4).short.hasSuffix(" s"))
    #expect(Duration.seconds(-2).short == "-2.0 s")
    #expect(Duration.milliseconds(2.5).short == "2.5 ms")
    #expect(Duration.microseconds(12).milliseconds == 0.012)
  }

  /// Moves the clock until the app has stopped.
  func passTime(_ time: ManualClock, until app: App) async {
    while app.state != .stopped {
      time.advance(by: .seconds(1))
      await Task.yield()
    }
  }

  @Test(.timeLimit(.minutes(1))) func `A hook that hangs while its value is undone does not hold up the start`() async {
    let (hanging, journal) = (Gate(), Journal())
    let app = App {
      Provide { Pool(url: "") }
        .onStart { _ in }
        .onStop { _ in journal.note("first stopped") }
        .onStart { _ in }
        .onStop(timeout: .milliseconds(20)) { _ in await hanging.wait() }
        .onStart { _ in throw Boom() }
      Invoke { (_: Pool) in }
    }
    let error = await #expect(throws: ContainerError.self) { try await app.start() }
    hanging.open()
    #expect(error?.description.contains("boom") == true)
    #expect(error?.related.contains { $0.code == .stopTimedOut } == true)
    #expect(journal.entries == ["first stopped"])
    #expect(app.state == .stopped)
  }

  @Test func `A start hook that takes too long fails the start, even if it ignores its cancellation`() async throws {
    let (time, gate, journal) = (ManualClock(), Gate(), Journal())
    let app = App(options(time)) {
      Provide { A() }.onStart { _ in }.onStop { _ in journal.note("A stopped") }
      Provide { (_: A) in B() }
        .onStart(timeout: .seconds(3)) { _ in await gate.wait() }
        .onStop { _ in journal.note("B stopped") }
      Invoke { (_: B) in journal.note("never") }
    }
    async let starting: Void = app.start()
    await time.sleepers(1)
    await passTime(time, until: app)
    do {
      try await starting
      Issue.record("the start should have failed")
    } catch let error as ContainerError {
      #expect(error.code == .startTimedOut)
      #expect(error.origin?.name == "B")
      #expect(error.description.contains("start hook of `B` took longer than its budget of 3.0 s"))
      #expect(error.description.contains("BudgetTests.swift"))
      #expect(error.description.contains("started before: `A`"))
    }
    #expect(journal.entries == ["A stopped"])
    gate.open()
  }

  @Test func `A stop hook that takes too long is named, and the others run`() async throws {
    let (time, began, gate, journal) = (ManualClock(), Gate(), Gate(), Journal())
    let app = App(options(time)) {
      Provide { A() }.onStop { _ in journal.note("A stopped") }
      Provide { (_: A) in B() }.onStop { _ in
        began.open()
        await gate.wait()
      }
      Invoke { (_: B) in }
    }
    try await app.start()
    async let stopping: Void = app.stop()
    await began.wait()
    // The budget of the hook and no more: that of the stop is for the other.
    time.advance(by: .seconds(15))
    do {
      try await stopping
      Issue.record("the stop should have told of the hook")
    } catch let error as ContainerError {
      #expect(error.code == .stopTimedOut)
      #expect(error.description.contains("stop hook of `B` took longer than its budget of 15.0 s"))
    }
    #expect(journal.entries == ["A stopped"])
    gate.open()
  }

  @Test func `The whole start has a budget too`() async throws {
    let (time, gate) = (ManualClock(), Gate())
    var options = options(time)
    options.startTimeout = .seconds(4)
    let app = App(options) {
      Provide { () -> A in
        await gate.wait()
        return A()
      }
      Invoke { (_: A) in }
    }
    async let starting: Void = app.start()
    await time.sleepers(1)
    await passTime(time, until: app)
    do {
      try await starting
      Issue.record("the start should have failed")
    } catch let error as ContainerError {
      #expect(error.code == .startTimedOut)
      #expect(error.description.contains("building `A`"))
    }
    gate.open()
  }

  @Test func `The whole stop has a budget too, and what was not stopped is named`() async throws {
    let (time, gate, journal) = (ManualClock(), Gate(), Journal())
    var options = options(time)
    options.stopTimeout = .seconds(4)
    let app = App(options) {
      Provide { A() }.onStop { _ in journal.note("A stopped") }
      Provide { (_: A) in B() }.onStop { _ in await gate.wait() }
      Invoke { (_: B) in }
    }
    try await app.start()
    async let stopping: Void = app.stop()
    await time.sleepers(1)
    await passTime(time, until: app)
    do {
      try await stopping
      Issue.record("the stop should have told")
    } catch let error as ContainerError {
      #expect(error.code == .stopTimedOut)
      #expect(error.description.contains("not stopped: A"))
    }
    #expect(journal.entries == [])
    gate.open()
  }

  @Test(.timeLimit(.minutes(1))) func `A task that the stop has no time for is cancelled and left behind`() async throws
  {
    let (time, gate, cancelled) = (ManualClock(), Gate(), Gate())
    var options = options(time)
    options.order = .serial
    options.stopTimeout = .seconds(4)
    let app = App(options) {
      Run("late") {
        defer { cancelled.open() }
        try await Task.sleep(for: .seconds(600))
      }
      Provide { A() }.eager().onStop { _ in await gate.wait() }
    }
    try await app.start()
    let stopping = Task { try await app.stop() }
    await time.sleepers(1)
    await passTime(time, until: app)
    let error = await #expect(throws: ContainerError.self) { try await stopping.value }
    #expect(error?.code == .stopTimedOut)
    await cancelled.wait()
    gate.open()
    let afterlife = app.afterlife()
    while !afterlife().tasks.isEmpty { await Task.yield() }
  }

  @Test func `A task in its grace is cancelled when the stop has no time left for it`() async throws {
    let (time, cancelled) = (ManualClock(), Flag())
    var options = options(time)
    options.stopTimeout = .seconds(4)
    let app = App(options) {
      Run("late") {
        try? await Task.sleep(for: .seconds(600))
        cancelled.hit()
      }.grace(.seconds(60))
    }
    try await app.start()
    let stopping = Task { try await app.stop() }
    // The watch, and who waits for the end of the grace.
    await time.sleepers(2)
    time.advance(by: .seconds(4))
    let error = await #expect(throws: ContainerError.self) { try await stopping.value }
    #expect(error?.code == .stopTimedOut)
    // The clock stands still from here on, so that the grace has no end.
    #expect(await soon { cancelled.count == 1 })
    let afterlife = app.afterlife()
    #expect(await soon { afterlife().tasks.isEmpty })
  }

  @Test func `What takes long is reported by name, and again`() async throws {
    let (time, gate, events) = (ManualClock(), Gate(), EventRecorder())
    let app = App(options(time, events)) {
      Provide { A() }.onStart { _ in await gate.wait() }
      Invoke { (_: A) in }
    }
    async let starting: Void = app.start()
    await time.sleepers(1)
    time.advance(by: .seconds(5))
    let event = await events.first { if case .stragglers = $0 { true } else { false } }
    guard case .stragglers(let stragglers)? = event else { return }
    #expect(stragglers.map(\.origin.name) == ["A"])
    #expect(stragglers.map(\.activity) == [.starting(hook: nil)])
    gate.open()
    try await starting
    try await app.stop()
  }

  @Test func `Hooks that started before one that fails are stopped in the same value too`() async throws {
    let journal = Journal()
    let app = App {
      Provide { A() }
        .onStart { _ in journal.note("start one") }.onStop { _ in journal.note("stop one") }
        .onStart { _ in throw Boom() }.onStop { _ in journal.note("stop two") }
      Invoke { (_: A) in }
    }
    await #expect(throws: ContainerError.self) { try await app.start() }
    #expect(journal.entries == ["start one", "stop one"])
  }

  @Test func `A hook that returns after its time was up is reported as late`() async throws {
    let (time, gate, events) = (ManualClock(), Gate(), EventRecorder())
    let app = App(options(time, events)) {
      Provide { A() }.onStart(timeout: .seconds(3)) { _ in await gate.wait() }
      Invoke { (_: A) in }
    }
    let starting = Task { try await app.start() }
    await time.sleepers(1)
    await passTime(time, until: app)
    await #expect(throws: ContainerError.self) { try await starting.value }
    gate.open()
    let event = await events.first { if case .cameLate = $0 { true } else { false } }
    guard case .cameLate(let origin)? = event else { return }
    #expect(origin.name == "A")
  }

  @Test func `Without an interval for what takes long nothing is reported`() async throws {
    let (gate, wakes) = (Gate(), Journal())
    var options = App.Options()
    options.stragglerInterval = .zero
    options.clock = AppClock(
      now: { .zero },
      sleep: { until in
        wakes.note("\(until)")
        try await Task.sleep(for: .seconds(600))
      })
    let app = App(options) { Invoke { await gate.wait() } }
    let start = Task { try await app.start() }
    #expect(await soon { !wakes.entries.isEmpty })
    // The budget of the start, and nothing before.
    #expect(wakes.entries == ["\(options.startTimeout)"])
    gate.open()
    try await start.value
    try await app.stop()
  }
}
