internal import Glibc
internal import Synchronization

/// Tells whoever wants to know of SIGHUP, by custom the wish that the configuration be read again.
///
/// Like the container's trap for SIGTERM: a handler, for an ignored or blocked signal would be inherited by child
/// processes; it writes a byte to a pipe, which a thread reads.
final class HangUpTrap: Sendable {
  static let shared = HangUpTrap()

  struct Subscription: Sendable {
    fileprivate let id: Int

    func cancel() { HangUpTrap.shared.unsubscribe(id) }
  }

  private struct State {
    var subscribers: [Int: @Sendable () -> Void] = [:]
    var nextID = 0
    var previous = sigaction()
    /// Made once and kept: a handler may be running that knows the descriptor.
    var hasThread = false
  }

  private let state = Mutex(State())

  /// `body` is called on a thread of the trap's own, which waits for nothing else.
  func subscribe(_ body: @escaping @Sendable () -> Void) -> Subscription {
    state.withLock { state in
      if state.subscribers.isEmpty { install(&state) }
      state.nextID += 1
      state.subscribers[state.nextID] = body
      return Subscription(id: state.nextID)
    }
  }

  private func unsubscribe(_ id: Int) {
    state.withLock { state in
      guard state.subscribers.removeValue(forKey: id) != nil, state.subscribers.isEmpty, state.hasThread else { return }
      sigaction(SIGHUP, &state.previous, nil)
    }
  }

  private func install(_ state: inout State) {
    // Without a pipe (no descriptors left) the signal keeps its default effect, which is to end the process.
    guard state.hasThread || startThread() else { return }
    state.hasThread = true
    var action = sigaction()
    action.__sigaction_handler.sa_handler = noteHangUp
    action.sa_flags = Int32(SA_RESTART)
    sigaction(SIGHUP, &action, &state.previous)
  }

  private func startThread() -> Bool {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return false }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    hangUpReadEnd.store(ends[0], ordering: .sequentiallyConsistent)
    hangUpWriteEnd.store(ends[1], ordering: .sequentiallyConsistent)
    var thread = pthread_t()
    return pthread_create(&thread, nil, { _ in HangUpTrap.shared.readSignals() }, nil) == 0
  }

  private func readSignals() -> UnsafeMutableRawPointer? {
    let descriptor = hangUpReadEnd.load(ordering: .sequentiallyConsistent)
    var byte: UInt8 = 0
    while true {
      let count = read(descriptor, &byte, 1)
      if count == 1 {
        for subscriber in state.withLock({ Array($0.subscribers.values) }) { subscriber() }
      } else if count == 0 || errno != EINTR {
        return nil
      }
    }
  }
}

// The handler reads them, so they are atomics; the first subscription touches each before a handler is installed.
private let hangUpReadEnd = Atomic<Int32>(-1)
private let hangUpWriteEnd = Atomic<Int32>(-1)

/// The handler. `write` and atomics are all it may use.
private func noteHangUp(_ signal: Int32) {
  let saved = errno
  var byte: UInt8 = 1
  _ = write(hangUpWriteEnd.load(ordering: .sequentiallyConsistent), &byte, 1)
  errno = saved
}
