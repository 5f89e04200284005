import Container
import ContainerTesting
import Synchronization
import Testing

@Suite struct EventTests {
  struct A: Sendable {}
  struct B: Sendable {}

  func options(_ recorder: EventRecorder) -> App.Options {
    var options = serial()
    options.observers = [recorder]
    return options
  }

  @Test func `Every event of a good life arrives, in order`() async throws {
    let recorder = EventRecorder()
    let app = App(options(recorder)) {
      Provide { A() }.onStart { _ in }.onStop { _ in }
      Run("job") { (_: A) in }
    }
    try await app.start()
    await recorder.first { if case .runFinished = $0 { true } else { false } }
    try await app.stop()
    let messages = recorder.events.map {
      [$0.record.message, $0.record.subject].compactMap { $0 }.joined(separator: " ")
    }
    #expect(
      messages.filter { $0 != "run finished job" } == [
        "provided A", "provided job", "state changed", "built A", "hook starting A", "hook started A", "built job",
        "state changed", "stop requested", "state changed", "hook stopping job", "hook stopped job", "hook stopping A",
        "hook stopped A", "state changed",
      ])
  }

  @Test func `Every event of a bad life arrives`() async throws {
    let recorder = EventRecorder()
    let app = App(options(recorder)) {
      Provide { A() }.onStop { _ in throw Boom() }
      Provide { (_: A) in B() }.onStart { _ in throw Boom() }
      Invoke { (_: B) in }
    }
    await #expect(throws: ContainerError.self) { try await app.start() }
    let failing = App(options(recorder)) { Invoke { throw Boom() } }
    await #expect(throws: ContainerError.self) { try await failing.start() }
    let messages = Set(recorder.events.map(\.record.message))
    #expect(
      messages.isSuperset(of: ["hook failed to start", "rolling back", "hook failed to stop", "build failed"]))
    #expect(recorder.events.contains { $0.record.isFailure })
  }

  /// Exhaustive, so that a new event is missed here until something makes it arrive.
  func kind(_ event: ContainerEvent) -> String {
    switch event {
    case .stateChanged: "stateChanged"
    case .provided: "provided"
    case .built: "built"
    case .buildFailed: "buildFailed"
    case .starting: "starting"
    case .started: "started"
    case .startFailed: "startFailed"
    case .runFinished: "runFinished"
    case .runFailed: "runFailed"
    case .stragglers: "stragglers"
    case .cameLate: "cameLate"
    case .scopesEnded: "scopesEnded"
    case .rollingBack: "rollingBack"
    case .stopRequested: "stopRequested"
    case .stopping: "stopping"
    case .stopped: "stopped"
    case .stopFailed: "stopFailed"
    }
  }

  @Test func `Each kind of event arrives, and tells whether it is a failure`() async throws {
    let (recorder, time, began, gate) = (EventRecorder(), ManualClock(), Gate(), Gate())
    var options = options(recorder)
    options.clock = time.clock
    options.stragglerInterval = .seconds(1)
    let good = App(options) {
      Provide { A() }.onStart { _ in }.onStop { _ in }
      Run("done") { (_: A) in }
      Run("failing") { (_: A) in throw Boom() }.onFailure(.ignore)
    }
    try await good.start()
    await recorder.first { if case .runFinished = $0 { true } else { false } }
    await recorder.first { if case .runFailed = $0 { true } else { false } }
    try await good.stop()
    let failing = App(options) { Invoke { throw Boom() } }
    await #expect(throws: ContainerError.self) { try await failing.start() }
    let bad = App(options) {
      Provide { A() }.onStop { _ in throw Boom() }
      Provide { (_: A) in B() }.onStart { _ in throw Boom() }
      Invoke { (_: B) in }
    }
    await #expect(throws: ContainerError.self) { try await bad.start() }
    let late = App(options) {
      Provide { A() }.eager().onStart(timeout: .seconds(3)) { _ in
        began.open()
        await gate.wait()
      }
    }
    let starting = Task { try await late.start() }
    await began.wait()
    await time.sleepers(1)
    // No more before that is told: the time of the hook must not be over first.
    time.advance(by: .seconds(1))
    await recorder.first { if case .stragglers = $0 { true } else { false } }
    while late.state != .stopped {
      time.advance(by: .seconds(1))
      await Task.yield()
    }
    await #expect(throws: ContainerError.self) { try await starting.value }
    let scoped = App(options) {}
    try await scoped.start()
    let (isInside, isOver) = (Gate(), Gate())
    let scope = Task {
      try await scoped.withScope { _ in
        isInside.open()
        await isOver.wait()
      }
    }
    await isInside.wait()
    let stopping = Task { try await scoped.stop() }
    while (try? await scoped.withScope { _ in }) != nil { await Task.yield() }
    isOver.open()
    try await scope.value
    try await stopping.value
    gate.open()
    await recorder.first { if case .cameLate = $0 { true } else { false } }

    #expect(
      Set(recorder.events.map(kind)) == [
        "stateChanged", "provided", "built", "buildFailed", "starting", "started", "startFailed", "runFinished",
        "runFailed", "stragglers", "cameLate", "scopesEnded", "rollingBack", "stopRequested", "stopping", "stopped",
        "stopFailed",
      ])
    #expect(
      Set(recorder.events.filter(\.record.isFailure).map(kind)) == [
        "buildFailed", "startFailed", "runFailed", "rollingBack", "stopFailed",
      ])
  }

  @Test func `Who waits for the start or the stop goes on once observers know of it`() async throws {
    let journal = Journal()
    let app = Mutex<App?>(nil)
    let waiters = Mutex<[Task<Void, any Error>]>([])
    var options = serial()
    options.observers = [
      ClosureObserver { event in
        guard case .stateChanged(let state) = event, let app = app.withLock({ $0 }) else { return }
        // Begins to wait before the observer comes back, and goes on at once if there is nothing to wait for.
        let waiter: Task<Void, any Error>? =
          switch state {
          case .running:
            Task.immediate {
              try await app.started()
              journal.note("has started")
            }
          case .stopped:
            Task.immediate {
              try await app.stopped()
              journal.note("has stopped")
            }
          case .built, .starting, .stopping: nil
          }
        if let waiter { waiters.withLock { $0.append(waiter) } }
        journal.note("\(state)")
      }
    ]
    let made = App(options) { Invoke {} }
    app.withLock { $0 = made }
    try await made.start()
    try await waiters.withLock { $0 }.last?.value
    try await made.stop()
    for waiter in waiters.withLock({ $0 }) { try await waiter.value }
    app.withLock { $0 = nil }
    #expect(journal.entries == ["starting", "running", "has started", "stopping", "stopped", "has stopped"])
  }

  @Test func `The console has one aligned line for each event that people read`() async throws {
    let journal = Journal()
    var options = serial()
    options.observers = [ConsoleObserver { journal.note($0) }]
    let app = App(options) {
      Provide { A() }.onStart { _ in }.onStop { _ in }
      Invoke { (_: A) in }
    }
    try await app.start()
    try await app.stop()
    let lines = journal.entries.map { $0.replacing(/\d+(\.\d+)? (µs|ms|s)$/, with: "•") }
    try expectGolden(lines.joined(separator: "\n") + "\n", "console.txt")
  }
}
