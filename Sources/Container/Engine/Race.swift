import Synchronization

/// Whatever comes first: work that ends, or its time.
final class Race: Sendable {
  enum Ending: Sendable {
    case finished
    case failed(any Error)
    case timedOut
  }

  private struct State {
    var ending: Ending?
    var waiter: CheckedContinuation<Ending, Never>?
  }

  private let state = Mutex(State())

  /// Says how it ended; only the first counts. Returns whether this is it.
  @discardableResult
  func end(_ ending: Ending) -> Bool {
    let (isFirst, waiter) = state.withLock { state -> (Bool, CheckedContinuation<Ending, Never>?) in
      guard state.ending == nil else { return (false, nil) }
      state.ending = ending
      defer { state.waiter = nil }
      return (true, state.waiter)
    }
    waiter?.resume(returning: ending)
    return isFirst
  }

  /// How it ended, if it has.
  var ended: Ending? { state.withLock { $0.ending } }

  /// Waits for the end. For one caller.
  func ending() async -> Ending {
    await withCheckedContinuation { continuation in
      let ending = state.withLock { state in
        if state.ending == nil { state.waiter = continuation }
        return state.ending
      }
      if let ending { continuation.resume(returning: ending) }
    }
  }
}
