import Container
import ContainerTesting
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
