internal import Synchronization

/// Lets a number of tasks through at once, the others in the order they came.
final class Turnstile: Sendable {
  private struct State {
    var free: Int
    var waiting: [CheckedContinuation<Void, Never>] = []
    var next = 0
  }

  private let state: Mutex<State>
  /// A task that is through may come again, for a second database: waiting for itself would be waiting for ever.
  @TaskLocal private static var isThrough = false

  init(places: Int) { state = Mutex(State(free: places)) }

  func pass<Result: Sendable>(
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
  ) async throws -> Result {
    if Self.isThrough { return try await body() }
    await enter()
    defer { leave() }
    try Task.checkCancellation()
    return try await Self.$isThrough.withValue(true, operation: body)
  }

  private func enter() async {
    await withCheckedContinuation { continuation in
      let isFree = state.withLock { state in
        if state.free > 0 {
          state.free -= 1
          return true
        }
        state.waiting.append(continuation)
        return false
      }
      if isFree { continuation.resume() }
    }
  }

  private func leave() {
    let next: CheckedContinuation<Void, Never>? = state.withLock { state in
      if state.waiting.isEmpty {
        state.free += 1
        return nil
      }
      return state.waiting.removeFirst()
    }
    next?.resume()
  }
}
