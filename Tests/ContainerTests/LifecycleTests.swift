import Container
import ContainerTesting
import Testing

@Suite struct LifecycleTests {
  struct A: Sendable {}
  struct B: Sendable {}
  struct C: Sendable {}

  /// C needs B, B needs A.
  func chain(_ journal: Journal, failing: String? = nil, options: App.Options = .init()) -> App {
    return App(options) {
      Provide { A() }.onStart { _ in try note("start A") }.onStop { _ in try note("stop A") }
      Provide { (_: A) in B() }.onStart { _ in try note("start B") }.onStop { _ in try note("stop B") }
      Provide { (_: B) in C() }.onStart { _ in try note("start C") }.onStop { _ in try note("stop C") }
      Invoke { (_: C) in try note("invoke") }
    }
    @Sendable func note(_ line: String) throws {
      journal.note(line)
      if line == failing { throw Boom() }
    }
  }

  @Test func `Start follows the dependencies, stop is the reverse`() async throws {
    let journal = Journal()
    let app = chain(journal)
    try await app.start()
    #expect(app.state == .running)
    try await app.stop()
    #expect(app.state == .stopped)
    #expect(
      journal.entries == ["start A", "start B", "start C", "invoke", "stop C", "stop B", "stop A"])
  }

  @Test func `When a start fails, what had started is stopped, and nothing else`() async throws {
    let journal = Journal()
    let app = chain(journal, failing: "start B")
    let error = await #expect(throws: ContainerError.self) { try await app.start() }
    #expect(error?.code == .startFailed)
    #expect(error?.cause is Boom)
    #expect(error?.origin?.name == "B")
    #expect(journal.entries == ["start A", "start B", "stop A"])
    #expect(app.state == .stopped)
    #expect(app.stopReason == .startFailed)
  }

  @Test func `Errors of the roll-back are kept beside the cause`() async throws {
    let journal = Journal()
    let app = App {
      Provide { A() }.onStop { _ in throw Boom() }
      Provide { (_: A) throws -> B in throw Boom() }
      Invoke { (_: B) in journal.note("invoke") }
    }
    let error = await #expect(throws: ContainerError.self) { try await app.start() }
    #expect(error?.code == .constructionFailed)
    #expect(error?.related.map(\.code) == [.stopFailed])
    #expect(journal.entries == [])
  }

  @Test func `A stop hook that throws does not keep the others from running`() async throws {
    let journal = Journal()
    let app = chain(journal, failing: "stop C")
    try await app.start()
    let error = await #expect(throws: ContainerError.self) { try await app.stop() }
    #expect(error?.code == .stopFailed)
    #expect(journal.entries.suffix(3) == ["stop C", "stop B", "stop A"])
  }

  @Test func `Stop before start leaves an app that cannot start`() async throws {
    let journal = Journal()
    let app = chain(journal)
    try await app.stop()
    #expect(app.state == .stopped)
    let error = await #expect(throws: ContainerError.self) { try await app.start() }
    #expect(error?.code == .invalidState)
    #expect(journal.entries == [])
  }

  @Test func `A second start is an error, a second stop is not`() async throws {
    let app = chain(Journal())
    try await app.start()
    let error = await #expect(throws: ContainerError.self) { try await app.start() }
    #expect(error?.code == .invalidState)
    try await app.stop()
    try await app.stop()
  }

  @Test func `Several that stop at once wait for the one stop and are told the same`() async throws {
    let (journal, entered, gate) = (Journal(), Gate(), Gate())
    let app = App {
      Provide { A() }.eager().onStop { _ in
        journal.note("stop A")
        entered.open()
        await gate.wait()
        throw Boom()
      }
    }
    try await app.start()
    let stops = (1...8).map { _ in Task { try await app.stop() } }
    await entered.wait()
    #expect(app.state == .stopping)
    // One more that comes while the hook runs, and one that asks without waiting.
    let last = Task { try await app.stop() }
    app.requestStop()
    gate.open()
    for stop in stops + [last] {
      let error = await #expect(throws: ContainerError.self) { try await stop.value }
      #expect(error?.code == .stopFailed)
    }
    #expect(journal.entries == ["stop A"])
  }

  @Test func `Stop during start calls it off and rolls back`() async throws {
    let (journal, entered) = (Journal(), Gate())
    let app = App {
      Provide { A() }.onStop { _ in journal.note("stop A") }
      Provide { (_: A) in B() }
        .onStart { _ in
          entered.open()
          try await Task.sleep(for: .seconds(60))
        }
        .onStop { _ in journal.note("stop B") }
      Invoke { (_: B) in journal.note("invoke") }
    }
    async let starting: Void = app.start()
    await entered.wait()
    try await app.stop()
    #expect(app.state == .stopped)
    do {
      try await starting
      Issue.record("the start should have been called off")
    } catch let error as ContainerError {
      #expect(error.code == .startCancelled)
    }
    #expect(journal.entries == ["stop A"])
  }

  @Test func `What has not been begun when the start is called off is not built`() async throws {
    let (journal, handle) = (Journal(), Catch<App>())
    let app = App {
      for _ in 0..<100 {
        Invoke {
          handle.value?.requestStop()
          journal.note("built")
        }
      }
    }
    handle.put(app)
    let error = await #expect(throws: ContainerError.self) { try await app.start() }
    #expect(error?.code == .startCancelled)
    // Those that had been handed out by then to other threads, and no more.
    #expect(journal.entries.count < 50)
  }

  @Test func `Cancelling the task calls the start off`() async throws {
    let entered = Gate()
    let app = App {
      Invoke {
        entered.open()
        try await Task.sleep(for: .seconds(60))
      }
    }
    let task = Task { try await app.start() }
    await entered.wait()
    task.cancel()
    await #expect(throws: ContainerError.self) { try await task.value }
    #expect(app.stopReason == .cancelled)
  }

  @Test func `Stop inside a hook is an error that says what to do`() async throws {
    let (found, handle) = (Catch<ContainerError>(), Catch<App>())
    let app = App {
      Invoke {
        do { try await handle.value?.stop() } catch let error as ContainerError { found.put(error) }
      }
    }
    handle.put(app)
    try await app.start()
    #expect(found.value?.code == .stopInsideHook)
    try await app.stop()
  }

  @Test func `A task that a hook began may stop the app once the hook has ended`() async throws {
    let (handle, entered, stopped) = (Catch<App>(), Gate(), Catch<Task<Void, any Error>>())
    // Serial, so that the same worker goes on to the next node.
    let app = App(serial()) {
      Provide { A() }.onStart { _ in
        stopped.put(
          Task {
            await entered.wait()
            try await handle.value?.stop()
          })
      }
      Invoke { (_: A) in
        entered.open()
        try await Task.sleep(for: .seconds(60))
      }
    }
    handle.put(app)
    let error = await #expect(throws: ContainerError.self) { try await app.start() }
    #expect(error?.code == .startCancelled)
    try await stopped.value?.value
    #expect(app.state == .stopped)
  }

  @Test func `A task that a Run began may stop the app once the Run has ended`() async throws {
    let (handle, ended, stopped) = (Catch<App>(), Gate(), Catch<Task<Void, any Error>>())
    let recorder = EventRecorder()
    var options = App.Options()
    options.observers = [recorder]
    let app = App(options) {
      Run("job") {
        stopped.put(
          Task {
            await ended.wait()
            try await handle.value?.stop()
          })
      }
    }
    handle.put(app)
    try await app.start()
    await recorder.first { if case .runFinished = $0 { true } else { false } }
    ended.open()
    try await stopped.value?.value
    #expect(app.state == .stopped)
  }

  @Test func `A task of a hook is refused as the hook is, but for one that inherits nothing`() async throws {
    let (refused, stopped, handle) = (Catch<ContainerError>(), Gate(), Catch<App>())
    let app = App {
      Invoke {
        let inheriting = Task { try await handle.value?.stop() }
        do { try await inheriting.value } catch let error as ContainerError { refused.put(error) }
        Task.detached {
          defer { stopped.open() }
          try await handle.value?.stop()
        }
      }
    }
    handle.put(app)
    // The detached task may be quick enough to call the start off.
    do { try await app.start() } catch { #expect(error.code == .startCancelled) }
    await stopped.wait()
    #expect(refused.value?.code == .stopInsideHook)
    #expect(app.state == .stopped)
  }

  @Test func `Independent values start at the same time`() async throws {
    let (left, right) = (Gate(), Gate())
    let app = App {
      Provide { A() }.onStart { _ in
        left.open()
        await right.wait()
      }
      Provide { B() }.onStart { _ in
        right.open()
        await left.wait()
      }
      Invoke { (_: A, _: B) in }
    }
    try await app.start()
    try await app.stop()
  }

  /// Two values that do not need each other, and that call `meet` when they are built and when they are stopped.
  func pair(_ options: App.Options = .init(), meet: @escaping @Sendable (String) async -> Void) -> App {
    App(options) {
      Provide { () -> A in
        await meet("build A")
        return A()
      }
      .onStop { _ in await meet("stop A") }
      Provide { () -> B in
        await meet("build B")
        return B()
      }
      .onStop { _ in await meet("stop B") }
      Invoke { (_: A, _: B) in }
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `Independent values are built at the same time, and stopped at the same time`() async throws {
    let gates = ["build A": Gate(), "build B": Gate(), "stop A": Gate(), "stop B": Gate()]
    let others = ["build A": "build B", "build B": "build A", "stop A": "stop B", "stop B": "stop A"]
    // Each waits until the other has begun too, so neither would end if they came one after the other.
    let app = pair { name in
      gates[name]?.open()
      if let other = others[name] { await gates[other]?.wait() }
    }
    try await app.start()
    try await app.stop()
  }

  @Test func `In serial order independent values are built and stopped one at a time`() async throws {
    let journal = Journal()
    let app = pair(serial()) { name in
      journal.note(name)
      // Time enough for another to begin, if one may.
      for _ in 0..<3 { await Task.yield() }
      journal.note("end of \(name)")
    }
    try await app.start()
    try await app.stop()
    #expect(
      journal.entries == [
        "build A", "end of build A", "build B", "end of build B", "stop B", "end of stop B", "stop A", "end of stop A",
      ])
  }

  @Test func `An injected lifecycle takes hooks, named and in order`() async throws {
    let journal = Journal()
    let app = App {
      Provide { (lifecycle: Lifecycle) in
        for name in ["one", "two"] {
          lifecycle.append(
            Hook(name, onStart: { journal.note("start \(name)") }, onStop: { journal.note("stop \(name)") }))
        }
        return A()
      }
      Invoke { (_: A) in }
    }
    try await app.start()
    try await app.stop()
    #expect(journal.entries == ["start one", "start two", "stop two", "stop one"])
  }

  @Test func `Hooks survive a change of type and take further dependencies`() async throws {
    let journal = Journal()
    let app = App {
      Supply(Config(url: "u"), Logger())
      Provide { (config: Config) in Pool(url: config.url) }
      Provide(PgUsers.init(pool:))
        .onStart { users in journal.note("before \(users.pool.url)") }
        .as((any Users).self) { $0 }
        .onStart { (users: any Users, log: Logger) in journal.note("after \(users.find()) \(log.path[0])") }
      Invoke { (_: any Users) in }
    }
    try await app.start()
    try await app.stop()
    #expect(journal.entries == ["before u", "after user of u root"])
  }

  @Test func `The states stream tells each state once and ends`() async throws {
    let app = chain(Journal())
    let states = app.states
    let collected = Task { await states.reduce(into: [AppState]()) { $0.append($1) } }
    try await app.start()
    try await app.started()
    try await app.stop()
    #expect(await collected.value == [.built, .starting, .running, .stopping, .stopped])
  }

  @Test(arguments: [App.Options(), serial()]) func `Both orders start a diamond once`(options: App.Options) async throws
  {
    let journal = Journal()
    let app = App(options) {
      Provide { A() }.onStart { _ in journal.note("A") }
      Provide { (_: A) in B() }.onStart { _ in journal.note("B") }
      Provide { (_: A) in C() }.onStart { _ in journal.note("C") }
      Invoke { (_: B, _: C) in journal.note("end") }
    }
    try await app.start()
    try await app.stop()
    #expect(journal.entries.first == "A" && journal.entries.last == "end" && journal.entries.count == 4)
  }

  @Test func `A cancellation of the start that comes when everything has started does not stop the app`() async throws {
    let starting = Catch<Task<Void, any Error>>()
    let gate = Gate()
    var options = App.Options()
    options.observers = [
      ClosureObserver { event in
        if case .stateChanged(.running) = event { starting.value?.cancel() }
      }
    ]
    let app = App(options) { Invoke { await gate.wait() } }
    let task = Task { try await app.start() }
    starting.put(task)
    gate.open()
    try await task.value
    #expect(app.state == .running)
    try await app.stop()
    #expect(app.stopReason == .requested(nil))
  }

  @Test(arguments: [Lifetime.singleton, .scoped])
  func `A stop hook of its own runs though the start hook before it failed`(lifetime: Lifetime) async throws {
    let journal = Journal()
    let app = App {
      Provide { A() }.lifetime(lifetime)
        .onStart { _ in }.onStop { _ in journal.note("first") }
        .onStart { _ in throw Boom() }.onStop { _ in journal.note("failed") }
        .onStart { _ in journal.note("start") }.onStop { _ in journal.note("not started") }
        .onStop { _ in journal.note("alone") }
    }
    try await app.start()
    await #expect(throws: ContainerError.self) {
      try await app.withScope { scope in _ = try await scope.get(A.self) }
    }
    try await app.stop()
    #expect(journal.entries == ["alone", "first"])
  }

  @Test func `A stop hook of its own runs though the start hook before it took too long`() async throws {
    let (journal, time, began, gate) = (Journal(), ManualClock(), Gate(), Gate())
    var options = App.Options()
    options.clock = time.clock
    let app = App(options) {
      Provide { A() }
        .onStart { _ in
          began.open()
          await gate.wait()
        }
        .onStop { _ in journal.note("late") }
        .onStop { _ in journal.note("alone") }
      Invoke { (_: A) in }
    }
    let start = Task { try await app.start() }
    await began.wait()
    await time.sleepers(1)
    time.advance(by: options.hookTimeout)
    await #expect(throws: ContainerError.self) { try await start.value }
    #expect(journal.entries == ["alone"])
    gate.open()
  }
}
