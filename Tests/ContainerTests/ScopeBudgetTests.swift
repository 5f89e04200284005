import Container
import ContainerTesting
import Testing

/// How long the hooks of a scope may take.
@Suite(.timeLimit(.minutes(5))) struct ScopeBudgetTests {
  final class Session: Sendable {}

  /// Where a task begins at once: elsewhere every hook waits.
  @available(macOS 26, *)
  @Test func `A hook of a scope that waits for nothing has no timer`() async throws {
    var options = App.Options()
    options.clock.sleep = { _ in Issue.record("a timer") }
    let app = App(options) {
      Provide { Session() }.lifetime(.scoped).onStart { _ in }.onStop { _ in }
    }
    // Not started, for a start has a timer of its own.
    try await app.withScope { scope in _ = try await scope.get(Session.self) }
  }

  @Test func `A start hook of a scope sees that its task was cancelled, a stop hook does not`() async throws {
    let journal = Journal()
    let app = App {
      Provide { Session() }.lifetime(.scoped)
        .onStart { _ in journal.note("start: \(Task.isCancelled)") }
        .onStop { _ in journal.note("stop: \(Task.isCancelled)") }
    }
    try await app.start()
    try await Task {
      withUnsafeCurrentTask { $0?.cancel() }
      try await app.withScope { scope in _ = try await scope.get(Session.self) }
    }.value
    #expect(journal.entries == ["start: true", "stop: false"])
    try await app.stop()
  }

  @Test func `A hook of a scope that blocks its thread for too long is told afterwards`() async throws {
    let time = ManualClock()
    let events = EventRecorder()
    let journal = Journal()
    var options = App.Options()
    options.clock = time.clock
    options.hookTimeout = .seconds(2)
    options.observers = [events]
    struct Slow: Sendable {}
    let app = App(options) {
      Provide { Session() }.lifetime(.scoped).onStop { _ in time.advance(by: .seconds(3)) }
      Provide { Slow() }.lifetime(.scoped)
        .onStart { _ in time.advance(by: .seconds(3)) }.onStop { _ in journal.note("stop") }
    }
    let stop = await #expect(throws: ContainerError.self) {
      try await app.withScope { scope in _ = try await scope.get(Session.self) }
    }
    #expect(stop?.code == .stopTimedOut)
    let start = await #expect(throws: ContainerError.self) {
      try await app.withScope { scope in _ = try await scope.get(Slow.self) }
    }
    #expect(start?.code == .startTimedOut)
    // As after a timer: what did not start is not stopped.
    #expect(journal.entries.isEmpty)
    #expect(events.events.contains { if case .stopFailed = $0 { true } else { false } })
    #expect(events.events.contains { if case .startFailed = $0 { true } else { false } })
  }
}
