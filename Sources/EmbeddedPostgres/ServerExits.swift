import Synchronization

/// Tells everybody who waits how the server's process ended.
final class ServerExits: Sendable {
  private struct State {
    /// The end that comes is somebody's doing who knows of it: of a start that fails, or of a stop.
    var isExpected = false
    /// How the latest process ended; nil while one runs.
    var latest: ServerExit?
    var waiters: [Int: CheckedContinuation<ServerExit?, Never>] = [:]
    var nextWaiter = 0
  }

  private let state = Mutex(State())

  /// A new process is about to run.
  func begin() {
    state.withLock { state in
      state.isExpected = true
      state.latest = nil
    }
  }

  /// The process accepts connections, and must not end by itself from here on. False when it just has.
  func becomeReady() -> Bool {
    state.withLock { state in
      state.isExpected = false
      return state.latest == nil
    }
  }

  /// The process is about to be stopped.
  func expect() { state.withLock { $0.isExpected = true } }

  /// The process has ended.
  @discardableResult
  func finish(_ reason: ServerExit.Reason, log: String) -> ServerExit {
    let (exit, waiters) = state.withLock { state in
      let exit = ServerExit(reason: reason, isExpected: state.isExpected, log: log)
      state.latest = exit
      defer { state.waiters = [:] }
      return (exit, state.waiters)
    }
    for waiter in waiters.values { waiter.resume(returning: exit) }
    return exit
  }

  /// Waits for the end of the process; nil when the waiting task is cancelled first.
  func wait() async -> ServerExit? {
    let id = state.withLock { state in
      defer { state.nextWaiter += 1 }
      return state.nextWaiter
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let (exit, isSettled): (ServerExit?, Bool) = state.withLock { state in
          // A cancellation that came before this line found nobody to resume, so it is read here, under the lock.
          if let latest = state.latest { return (latest, true) }
          if Task.isCancelled { return (nil, true) }
          state.waiters[id] = continuation
          return (nil, false)
        }
        if isSettled { continuation.resume(returning: exit) }
      }
    } onCancel: {
      let waiter = state.withLock { $0.waiters.removeValue(forKey: id) }
      waiter?.resume(returning: nil)
    }
  }
}
