import ResourcePool
import Synchronization

/// Makes numbers. Counts what is alive, fails when told, and holds makers back while its gate is shut.
final class FakeFactory: ResourceFactory {
  struct Refused: Error, Equatable, CustomStringConvertible {
    var isPermanent = false
    var description: String { "connection refused" }
  }

  private struct State {
    var made = 0
    var closed = 0
    var checks = 0
    var mostAlive = 0
    var failure: Refused?
    var isCheckSound = true
    var onEnd: [Int: @Sendable () -> Void] = [:]
    var isShut = false
    var heldBack: [CheckedContinuation<Void, Never>] = []
    var seenTaskLocals: [String] = []
  }

  @TaskLocal static var caller = "nobody"

  private let state = Mutex(State())

  func make(onEnd: @escaping @Sendable () -> Void) async throws -> Int {
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        if state.isShut { state.heldBack.append(continuation) }
        return !state.isShut
      }
      if isOpen { continuation.resume() }
    }
    return try state.withLock { state in
      state.seenTaskLocals.append(Self.caller)
      if let failure = state.failure { throw failure }
      state.made += 1
      state.mostAlive = max(state.mostAlive, state.made - state.closed)
      state.onEnd[state.made] = onEnd
      return state.made
    }
  }

  func check(_ resource: Int) async -> Bool {
    state.withLock { state in
      state.checks += 1
      return state.isCheckSound
    }
  }

  func close(_ resource: Int) async {
    state.withLock { state in
      state.closed += 1
      state.onEnd[resource] = nil
    }
  }

  func isPermanent(_ error: any Error) -> Bool { (error as? Refused)?.isPermanent ?? false }

  // MARK: For the test

  var made: Int { state.withLock(\.made) }
  var closed: Int { state.withLock(\.closed) }
  var checks: Int { state.withLock(\.checks) }
  var mostAlive: Int { state.withLock(\.mostAlive) }
  var heldBack: Int { state.withLock(\.heldBack.count) }
  var seenTaskLocals: [String] { state.withLock(\.seenTaskLocals) }

  func fail(with failure: Refused?) { state.withLock { $0.failure = failure } }
  func failChecks() { state.withLock { $0.isCheckSound = false } }
  func shut() { state.withLock { $0.isShut = true } }

  func open() {
    let heldBack = state.withLock { state in
      state.isShut = false
      defer { state.heldBack = [] }
      return state.heldBack
    }
    for continuation in heldBack { continuation.resume() }
  }

  /// The resource ends by itself.
  func end(_ resource: Int) { state.withLock { $0.onEnd[resource] }?() }
}

struct NeverCame: Error {
  let what: String
}

/// Lets others run until the condition holds; throws when it has not within ten seconds.
func eventually(_ what: String, _ condition: () -> Bool) async throws {
  let deadline = ContinuousClock.now + .seconds(60)
  while !condition() {
    guard ContinuousClock.now < deadline else { throw NeverCame(what: what) }
    await Task.yield()
  }
}

/// Makes numbers too, and is asked before it lends one: refuses, unless told otherwise.
final class RefusingFactory: ResourceFactory {
  private let numbers = FakeFactory()
  private let refuses: Bool

  init(refuses: Bool = true) { self.refuses = refuses }

  var made: Int { numbers.made }
  var hasLeaseHooks: Bool { true }

  func make(onEnd: @escaping @Sendable () -> Void) async throws -> Int { try await numbers.make(onEnd: onEnd) }
  func check(_ resource: Int) async -> Bool { true }
  func close(_ resource: Int) async { await numbers.close(resource) }
  func prepare(_ resource: Int) async -> Bool { !refuses }
}

/// Makes one number, and the next never: as a server that is silent.
final class EndlessFactory: ResourceFactory {
  private let calls = Mutex(0)

  /// The one that never comes was begun.
  var isMaking: Bool { calls.withLock { $0 } > 1 }

  func make(onEnd: @escaping @Sendable () -> Void) async throws -> Int {
    let call = calls.withLock { calls in
      calls += 1
      return calls
    }
    if call > 1 { try await Task.sleep(for: .seconds(3600)) }
    return call
  }

  func check(_ resource: Int) async -> Bool { true }
  func close(_ resource: Int) async {}
}
