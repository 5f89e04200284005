import Container
import ContainerTesting
import Testing

/// The whole text of every error about time and background tasks, by a clock that the tests move: `Fixtures/*.txt`.
@Suite struct TimeOutTextTests {
  struct A: Sendable {}
  struct B: Sendable {}

  let time = ManualClock()
  let busy = Gate()
  let never = Gate()

  func options(_ change: (inout App.Options) -> Void = { _ in }) -> App.Options {
    var options = App.Options()
    options.clock = time.clock
    change(&options)
    return options
  }

  /// Compares what `body` throws, when `duration` passes once `busy` is open, with a golden text.
  func expectGoldenError(
    _ name: String, after duration: Duration, _ body: @escaping @Sendable () async throws -> Void
  ) async throws {
    let outcome = Task { await #expect(throws: ContainerError.self) { try await body() } }
    await busy.wait()
    await time.sleepers(1)
    time.advance(by: duration)
    try expectGolden(try #require(await outcome.value).description + "\n", name)
    never.open()
  }

  @Test func `A start hook over its budget`() async throws {
    let app = App(options()) {
      Provide { A() }.onStart { _ in }
      Provide { (_: A) in B() }.onStart(timeout: .seconds(3)) { [busy, never] _ in
        busy.open()
        await never.wait()
      }
      Invoke { (_: B) in }
    }
    try await expectGoldenError("time-out-start-hook.txt", after: .seconds(3)) { try await app.start() }
  }

  @Test func `A start over its budget`() async throws {
    let app = App(options { $0.startTimeout = .seconds(4) }) {
      Provide { A() }
      Provide { [busy] (_: A) async throws -> B in
        busy.open()
        // Ends by being cancelled.
        try await Task.sleep(for: .seconds(600))
        return B()
      }
      Invoke { (_: B) in }
    }
    try await expectGoldenError("time-out-start.txt", after: .seconds(4)) { try await app.start() }
  }

  func stuckInStop(_ options: App.Options) -> App {
    App(options) {
      Provide { A() }.onStop { _ in }
      Provide { (_: A) in B() }.onStop { [busy, never] _ in
        busy.open()
        await never.wait()
      }
      Invoke { (_: B) in }
    }
  }

  @Test func `A stop hook over its budget`() async throws {
    let app = stuckInStop(options())
    try await app.start()
    try await expectGoldenError("time-out-stop-hook.txt", after: .seconds(15)) { try await app.stop() }
  }

  @Test func `A stop over its budget`() async throws {
    let app = stuckInStop(options { $0.stopTimeout = .seconds(4) })
    try await app.start()
    try await expectGoldenError("time-out-stop.txt", after: .seconds(4)) { try await app.stop() }
  }

  @Test func `A background task that does not end`() async throws {
    let events = EventRecorder()
    let app = App(options { $0.observers = [events] }) {
      Run("worker") { [never] in await never.wait() }
    }
    try await app.start()
    let watching = Task { [busy] in
      await events.first { if case .stopping = $0 { true } else { false } }
      busy.open()
    }
    try await expectGoldenError("run-did-not-end.txt", after: .seconds(15)) { try await app.stop() }
    await watching.value
  }

  @Test func `A background task that fails`() async throws {
    let app = App {
      Run("worker") { [busy] in
        await busy.wait()
        throw Boom()
      }
    }
    try await app.start()
    busy.open()
    let error = try #require(await #expect(throws: ContainerError.self) { try await app.stopped() })
    try expectGolden(error.description + "\n", "run-failed.txt")
  }
}
