import Container
import ContainerTesting
import Synchronization
import Testing

@Suite struct TestAppTests {
  final class Engine: Sendable {}
  final class Car: Sendable {
    let engine: Engine
    init(engine: Engine) { self.engine = engine }
  }
  struct Failure: Error {}
  final class Order: Sendable {
    private let numbers = Mutex<[Int]>([])
    func note(_ number: Int) { numbers.withLock { $0.append(number) } }
    var entries: [Int] { numbers.withLock { $0 } }
  }

  @Test func `Waiting for sleepers ends when the test is cancelled`() async {
    let time = ManualClock()
    let test = Task { await time.sleepers(1) }
    test.cancel()
    await test.value
  }

  @Test func `The app is started, handed to the test, and stopped`() async throws {
    let stopped = Atomic(false)
    let answer = try await TestApp.run {
      Provide { Engine() }.onStop { _ in stopped.store(true, ordering: .relaxed) }
      Provide(Car.init(engine:))
      Invoke { (_: Car) in }
    } test: { app in
      #expect(app.app.state == .running)
      #expect(stopped.load(ordering: .relaxed) == false)
      _ = try await app.get(Car.self)
      #expect(app.events.events.contains { if case .built = $0 { true } else { false } })
      return 42
    }
    #expect(answer == 42)
    #expect(stopped.load(ordering: .relaxed) == true)
  }

  @Test func `An app that is invalid, or does not start, or does not stop, fails the test`() async throws {
    await #expect(throws: ContainerError.self) {
      try await TestApp.run {
        Invoke { (_: Engine) in }
      } test: { _ in
        Issue.record("must not be reached")
      }
    }
    await #expect(throws: ContainerError.self) {
      try await TestApp.run {
        Invoke { throw Failure() }
      } test: { _ in
        Issue.record("must not be reached")
      }
    }
    await #expect(throws: ContainerError.self) {
      try await TestApp.run {
        Provide { Engine() }.onStop { _ in throw Failure() }.eager()
      } test: { _ in
      }
    }
  }

  @Test func `The test's own error is thrown, and the app stopped`() async throws {
    let stopped = Atomic(false)
    await #expect(throws: Failure.self) {
      try await TestApp.run {
        Provide { Engine() }.onStop { _ in stopped.store(true, ordering: .relaxed) }.eager()
      } test: { _ in
        throw Failure()
      }
    }
    #expect(stopped.load(ordering: .relaxed) == true)
  }

  @Test func `An object that outlives the app is found`() async throws {
    let keeper = Mutex<Engine?>(nil)
    var check = TestApp.LeakCheck()
    check.patience = .milliseconds(20)
    let error = await #expect(throws: LeakError.self) {
      try await TestApp.run(leakCheck: check) {
        Provide { () -> Engine in
          let engine = Engine()
          keeper.withLock { $0 = engine }
          return engine
        }.eager()
      } test: { _ in
      }
    }
    #expect(error?.objects.map(\.name) == ["Engine"])
    check.ignoring = ["Engine"]
    try await TestApp.run(leakCheck: check) {
      Provide { () -> Engine in
        let engine = Engine()
        keeper.withLock { $0 = engine }
        return engine
      }.eager()
    } test: { _ in
    }
  }

  @Test func `A task that outlives the app is found`() async throws {
    let (stream, release) = AsyncStream.makeStream(of: Void.self)
    var check = TestApp.LeakCheck()
    check.patience = .milliseconds(20)
    var options = App.Options()
    options.stopTimeout = .milliseconds(20)
    let tasks = Mutex<[Origin]>([])
    do {
      try await TestApp.run(options, leakCheck: check) {
        Run("deaf") { await Task { for await _ in stream {} }.value }
      } test: { _ in
      }
      Issue.record("the stop should have failed")
    } catch let error as ContainerError {
      #expect(error.code == .stopTimedOut)
      tasks.withLock { $0 = error.origin.map { [$0] } ?? [] }
    }
    #expect(tasks.withLock { $0 }.map(\.name) == ["deaf"])
    release.finish()
  }

  @Test func `A manual clock wakes who has waited long enough, in order, and whoever is cancelled`() async throws {
    let time = ManualClock()
    let order = Order()
    let first = Task {
      try await time.clock.sleep(.seconds(1))
      order.note(1)
    }
    let second = Task {
      try await time.clock.sleep(.seconds(2))
      order.note(2)
    }
    let third = Task { try await time.clock.sleep(.seconds(9)) }
    await time.sleepers(3)
    time.advanceToNext()
    try await first.value
    #expect(order.entries == [1])
    #expect(time.now == .seconds(1))
    time.advance(by: .seconds(5))
    try await second.value
    third.cancel()
    await #expect(throws: CancellationError.self) { try await third.value }
  }
}
