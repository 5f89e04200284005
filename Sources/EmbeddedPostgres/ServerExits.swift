import Synchronization

/// Tells everybody who waits how the server's process ended.
final class ServerExits: Sendable {
  /// What an end of the process would mean.
  enum Phase: Sendable {
    /// The start fails, and says so itself.
    case starting
    /// Nobody asked for it.
    case ready
    /// A stop of a server that was ready.
    case stopping
    /// A stop that it did not come to the end of in its time.
    case forced
  }

  private struct State {
    var phase = Phase.ready
    /// How the latest process ended; nil while one runs.
    var latest: ServerExit?
    var waiters: [Int: CheckedContinuation<ServerExit?, Never>] = [:]
    var nextWaiter = 0
  }

  private let state = Mutex(State())

  /// A new process is about to run.
  func begin() {
    state.withLock { state in
      state.phase = .starting
      state.latest = nil
    }
  }

  /// The process accepts connections, and must not end by itself from here on. False when it just has.
  func becomeReady() -> Bool {
    state.withLock { state in
      state.phase = .ready
      return state.latest == nil
    }
  }

  /// The process is about to be stopped.
  func expect() { state.withLock { if $0.phase == .ready { $0.phase = .stopping } } }

  /// The process is about to be stopped without its last checkpoint.
  func force() { state.withLock { if $0.phase == .stopping { $0.phase = .forced } } }

  /// The process has ended.
  ///
  /// - Returns: When that was.
  @discardableResult
  func finish(_ reason: ServerExit.Reason, log: String) -> Phase {
    let (exit, phase, waiters) = state.withLock { state in
      let exit = ServerExit(reason: reason, isExpected: state.phase != .ready, log: log)
      state.latest = exit
      defer { state.waiters = [:] }
      return (exit, state.phase, state.waiters)
    }
    for waiter in waiters.values { waiter.resume(returning: exit) }
    return phase
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
