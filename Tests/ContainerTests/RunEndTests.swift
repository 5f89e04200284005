import ContainerTesting
import Synchronization
import Testing

@testable import Container

/// How supervised tasks end with their app.
@Suite(.timeLimit(.minutes(5))) struct RunEndTests {
  @Test func `a Run whose failures are ignored does not fail the stop`() async throws {
    let app = App {
      Run("r") {
        try? await Task.sleep(for: .seconds(60)); throw Boom()
      }.onFailure(.ignore)
    }
    try await app.start()
    await pause(50)
    await #expect(throws: Never.self) { try await app.stop() }
  }

  @Test func `a Run whose failures are ignored is cancelled without a failure`() async throws {
    let recorder = EventRecorder()
    var o = App.Options()
    o.observers = [recorder]
    let app = App(o) { Run("r") { try await Task.sleep(for: .seconds(600)) }.onFailure(.ignore) }
    try await app.start()
    try await app.stop()
    #expect(!recorder.events.contains { if case .runFailed = $0 { true } else { false } })
  }

  @Test func `a Run that pauses before it is called again ends with the app`() async throws {
    let calls = Flag()
    var o = App.Options()
    // Nobody advances it: a pause by it has no end.
    o.clock = ManualClock().clock
    let app = App(o) {
      Run("r") { (_: ShutdownSignal) in
        calls.hit(); throw Boom()
      }
      .onFailure(.restart(Backoff(initial: .milliseconds(700), jitter: 0)))
    }
    try await app.start()
    #expect(await soon { calls.count == 1 })
    await pause(50)
    await #expect(throws: Never.self) { try await app.stop() }
    #expect(calls.count == 1)
  }

  @Test func `the stop tells the same when a Run that was left behind fails later`() async throws {
    let gate = Gate(); let done = Flag()
    var o = App.Options(); o.stopTimeout = .milliseconds(80)
    let app = App(o) {
      Run("r") {
        await gate.wait(); done.hit(); throw Boom()
      }
    }
    try await app.start()
    await pause(30)
    let first = await #expect(throws: ContainerError.self) { try await app.stop() }
    gate.open()
    await pause(100)
    let second = await #expect(throws: ContainerError.self) { try await app.stop() }
    #expect(first?.description == second?.description)
  }

  @Test func `a Run that is cancelled while a value is built for it has ended well`() async throws {
    let began = Flag()
    let app = App {
      Provide { () async throws -> X in
        began.hit()
        try await Task.sleep(for: .seconds(600))
        return X()
      }.lifetime(.scoped)
      Run("r") { (scopes: ScopeFactory) in
        try await scopes.withScope { scope in _ = try await scope.get(X.self) }
      }
    }
    try await app.start()
    #expect(await soon { began.count == 1 })
    await #expect(throws: Never.self) { try await app.stop() }
  }
}
