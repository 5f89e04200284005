import Container
import ContainerTesting
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Signals concern every app that runs in the process, so these run one after the other, and no other test calls `run`.
@Suite(.serialized) struct AppRunTests {
  @Test(arguments: [SIGTERM, SIGINT]) func `A signal stops a running app in order`(signal: Int32) async throws {
    let (journal, ready) = (Journal(), Gate())
    let app = App {
      Provide { Cache() }.onStop { _ in journal.note("stopped") }.eager()
    }
    async let reason = app.run(onReady: { ready.open() })
    await ready.wait()
    kill(getpid(), signal)
    #expect(try await reason == .signal(signal))
    #expect(journal.entries == ["stopped"])
  }

  @Test func `A running app that is signalled winds down first, while everything still runs`() async throws {
    let (journal, ready) = (Journal(), Gate())
    let app = App {
      Provide { Cache() }.onStop { _ in journal.note("stopped") }.eager()
    }
    async let reason = app.run(
      onReady: { ready.open() }, beforeStop: { journal.note("\($0) while \(app.state.rawValue)") })
    await ready.wait()
    kill(getpid(), SIGTERM)
    #expect(try await reason == .signal(SIGTERM))
    #expect(journal.entries == ["signal SIGTERM while running", "stopped"])
  }

  @Test func `An app that stops by itself is not wound down, one whose task is cancelled is`() async throws {
    let journal = Journal()
    let app = App { Provide { Cache() }.eager() }
    let reason = try await app.run(
      onReady: { app.requestStop("enough") }, beforeStop: { journal.note("\($0)") })
    #expect(reason == .requested("enough") && journal.entries.isEmpty)

    let ready = Gate()
    let other = App { Provide { Cache() }.eager() }
    let running = Task { try await other.run(onReady: { ready.open() }, beforeStop: { journal.note("\($0)") }) }
    await ready.wait()
    running.cancel()
    #expect(try await running.value == .cancelled)
    #expect(journal.entries == ["cancelled"])
  }

  @Test func `A signal during the start calls it off and rolls back`() async throws {
    let (journal, entered) = (Journal(), Gate())
    let app = App {
      Provide { Cache() }.onStop { _ in journal.note("stopped") }
      Invoke { (_: Cache) in
        entered.open()
        try await Task.sleep(for: .seconds(60))
      }
    }
    async let reason = app.run()
    await entered.wait()
    kill(getpid(), SIGTERM)
    #expect(try await reason == .signal(SIGTERM))
    #expect(journal.entries == ["stopped"])
  }

  @Test func `After a run the signals mean what they meant before`() async throws {
    func handler(of signal: Int32) -> Int {
      var action = sigaction()
      sigaction(signal, nil, &action)
      #if canImport(Glibc)
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
      #else
        return unsafeBitCast(action.__sigaction_u.__sa_handler, to: Int.self)
      #endif
    }
    let before = handler(of: SIGTERM)
    let app = App { Invoke { (control: AppControl) in control.requestStop() } }
    try await app.run()
    #expect(handler(of: SIGTERM) == before)
  }

  @Test func `Run ends when a stop is requested and says why`() async throws {
    let ready = Gate()
    let app = App { Provide { Cache() }.eager() }
    async let reason = app.run(onReady: { ready.open() })
    await ready.wait()
    app.requestStop("enough")
    #expect(try await reason == .requested("enough"))
  }

  @Test func `A value can ask its app to stop`() async throws {
    let app = App {
      Invoke { (control: AppControl) in control.requestStop("no licence") }
    }
    #expect(try await app.run() == .requested("no licence"))
  }

  @Test func `A task that fails stops the app, and run throws its error`() async throws {
    let journal = Journal()
    let app = App {
      Provide { Cache() }.onStop { _ in journal.note("stopped") }
      Run("worker") { (_: Cache) in throw Boom() }
    }
    let error = await #expect(throws: ContainerError.self) { try await app.run() }
    #expect(error?.code == .runFailed)
    #expect(error?.cause is Boom)
    #expect(error?.origin?.name == "worker")
    #expect(journal.entries == ["stopped"])
    #expect(app.stopReason == .runEnded("worker"))
  }

  @Test func `A task is restarted with growing pauses until it has used up its attempts`() async throws {
    let (time, calls, events) = (ManualClock(), Journal(), EventRecorder())
    var options = App.Options()
    options.clock = time.clock
    options.observers = [events]
    let app = App(options) {
      Run("worker") {
        calls.note("call")
        throw Boom()
      }
      .onFailure(.restart(Backoff(initial: .seconds(1), jitter: 0, attempts: 3)))
    }
    let running = Task { try await app.run() }
    for pause in [1, 2, 4] {
      await events.first {
        if case .runFailed(_, _, .some(.seconds(pause))) = $0 { true } else { false }
      }
      await time.sleepers(1)
      time.advance(by: .seconds(pause))
    }
    await #expect(throws: ContainerError.self) { try await running.value }
    #expect(calls.count("call") == 4)
  }

  @Test func `A task that returns leaves the app alone, or stops it if told to`() async throws {
    let quiet = App { Run {} }
    try await quiet.start()
    #expect(quiet.state == .running)
    try await quiet.stop()
    let finite = App { Run("job") {}.onFinish(.shutdown) }
    #expect(try await finite.run() == .runEnded("job"))
  }
}
