import Container
import ContainerTesting
import Testing

/// What ends `run`, but for signals: those concern every app in the process, and are in SignalTests.swift.
@Suite struct AppRunTests {
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
