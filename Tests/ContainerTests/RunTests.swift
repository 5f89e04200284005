import Container
import ContainerTesting
import Testing

@Suite struct RunTests {
  @Test func `A background task runs beside the app and ends with it, before what it needs`() async throws {
    let (journal, running) = (Journal(), Gate())
    let app = App {
      Provide { Cache() }.onStop { _ in journal.note("cache stopped") }
      Run("worker") { (_: Cache) in
        running.open()
        do { try await Task.sleep(for: .seconds(600)) } catch { journal.note("cancelled") }
        journal.note("worker ended")
      }
    }
    try await app.start()
    await running.wait()
    try await app.stop()
    #expect(journal.entries == ["cancelled", "worker ended", "cache stopped"])
  }

  @Test func `A task that asks for the shutdown signal ends by itself, uncancelled`() async throws {
    let journal = Journal()
    let app = App {
      Run { (shutdown: ShutdownSignal) in
        await shutdown.wait()
        journal.note("told, cancelled: \(Task.isCancelled)")
      }
    }
    try await app.start()
    try await app.stop()
    #expect(journal.entries == ["told, cancelled: false"])
  }

  @Test func `A pause between rounds ends with its time, at once with the stop, and throws when the task is cancelled`()
    async throws
  {
    let (time, journal) = (ManualClock(), Journal())
    var options = App.Options()
    options.clock = time.clock
    let app = App(options) {
      Run { (shutdown: ShutdownSignal) in
        while !shutdown.isRequested {
          journal.note("round")
          try await shutdown.sleep(for: .seconds(60))
        }
        journal.note("done, cancelled: \(Task.isCancelled)")
      }
      Run("impatient") { (shutdown: ShutdownSignal) in
        let pause = Task { try await shutdown.sleep(for: .seconds(600)) }
        pause.cancel()
        await #expect(throws: CancellationError.self) { try await pause.value }
        journal.note("called off")
      }
    }
    try await app.start()
    #expect(await soon { journal.count("called off") == 1 })
    await time.sleepers(1)
    time.advance(by: .seconds(60))
    #expect(await soon { journal.count("round") == 2 })
    try await app.stop()
    #expect(Array(journal.entries.suffix(1)) == ["done, cancelled: false"])
    #expect(journal.count("round") == 2)
  }

  @Test func `A task that does not listen is cancelled when its grace is over`() async throws {
    let (time, journal) = (ManualClock(), Journal())
    var options = App.Options()
    options.clock = time.clock
    let app = App(options) {
      Run("deaf") {
        try? await Task.sleep(for: .seconds(600))
        journal.note("cancelled")
      }.grace(.seconds(3))
    }
    try await app.start()
    async let stopping: Void = app.stop()
    await time.sleepers(2)
    #expect(journal.entries == [])
    time.advance(by: .seconds(3))
    try await stopping
    #expect(journal.entries == ["cancelled"])
  }

  @Test func `A task that fails during the start is what fails it, also with a cancellation of its own`() async throws {
    func app() -> App {
      App {
        Run("bad") { throw CancellationError() }
        Invoke { try await Task.sleep(for: .seconds(600)) }
      }
    }
    let error = await #expect(throws: ContainerError.self) { try await app().start() }
    #expect(error?.code == .runFailed)
    #expect(error?.origin?.name == "bad")
    let run = await #expect(throws: ContainerError.self) { try await app().run() }
    #expect(run?.code == .runFailed)
  }

  @Test func `A failure can be ignored`() async throws {
    let events = EventRecorder()
    var options = App.Options()
    options.observers = [events]
    let app = App(options) { Run("worker") { throw Boom() }.onFailure(.ignore) }
    try await app.start()
    await events.first { if case .runFailed = $0 { true } else { false } }
    #expect(app.state == .running)
    try await app.stop()
  }

  @Test func `A task that does not end is reported by name, and the stop goes on`() async throws {
    let (time, told, gate, journal) = (ManualClock(), Gate(), Gate(), Journal())
    var options = App.Options()
    options.clock = time.clock
    let app = App(options) {
      Provide { Cache() }.onStop { _ in journal.note("cache stopped") }
      Run("stuck") { (_: Cache) in
        await withTaskCancellationHandler {
          await gate.wait()
        } onCancel: {
          told.open()
        }
      }
    }
    try await app.start()
    async let stopping: Void = app.stop()
    await told.wait()
    // The budget of the task and no more: that of the stop is for what it uses.
    time.advance(by: .seconds(15))
    do {
      try await stopping
      Issue.record("the stop should have told of the task")
    } catch let error as ContainerError {
      #expect(error.code == .stopTimedOut)
      #expect(error.description.contains("stuck"))
    }
    gate.open()
    #expect(journal.entries == ["cache stopped"])
  }

  @Test func `Pauses grow to a maximum, with jitter on both sides`() {
    let backoff = Backoff(initial: .seconds(1), factor: 3, maximum: .seconds(10), jitter: 0.5, attempts: 4)
    #expect(backoff.pause(afterFailure: 0, chance: 0.5) == .seconds(1))
    #expect(backoff.pause(afterFailure: -1, chance: 0.5) == .seconds(1))
    #expect(backoff.pause(afterFailure: 1, chance: 0.5) == .seconds(3))
    #expect(backoff.pause(afterFailure: 3, chance: 0.5) == .seconds(10))
    #expect(backoff.pause(afterFailure: 1, chance: 0) == .milliseconds(1500))
    #expect(backoff.pause(afterFailure: 1, chance: 1) == .milliseconds(4500))
    #expect(backoff.pause(afterFailure: 4, chance: 0.5) == nil)
  }

  @Test(arguments: [1e30, .infinity, .nan, -1, 0])
  func `Factors and jitters that no duration can hold give pauses between none and twice the longest`(number: Double) {
    let backoffs = [
      Backoff(factor: number), Backoff(jitter: number), Backoff(factor: number, maximum: .seconds(Int64.max)),
    ]
    for backoff in backoffs {
      for chance in [0, 0.5, 1] {
        let pause = backoff.pause(afterFailure: 3, chance: chance)
        #expect(pause.map { $0 >= .zero && $0 <= backoff.maximum * 2 } == true)
      }
    }
  }
}
