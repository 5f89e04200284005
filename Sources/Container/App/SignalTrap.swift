import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Tells whoever wants to know of SIGTERM and SIGINT: the only file of this library that calls the system.
///
/// A handler rather than an ignored or blocked signal, for those are inherited by child processes and a handler is not. The
/// handler may do next to nothing, so it writes the number to a pipe, which a thread reads. The second signal ends the process
/// in the handler itself, whatever state the rest of the program is in.
final class SignalTrap: Sendable {
  static let shared = SignalTrap()

  /// Ends the telling when it is no longer wanted.
  struct Subscription: Sendable {
    fileprivate let id: Int

    func cancel() { SignalTrap.shared.unsubscribe(id) }
  }

  private static let signals = [SIGTERM, SIGINT]

  private struct State {
    var subscribers: [Int: @Sendable (Int32) -> Void] = [:]
    var nextID = 0
    /// What the signals did before; it is put back when nobody listens any more.
    var previous: [Int32: sigaction] = [:]
    /// The pipe and its thread are made once and stay: a handler may be running that knows the descriptor.
    var hasThread = false
  }

  private let state = Mutex(State())

  func subscribe(_ body: @escaping @Sendable (Int32) -> Void) -> Subscription {
    state.withLock { state in
      if state.subscribers.isEmpty { install(&state) }
      state.nextID += 1
      state.subscribers[state.nextID] = body
      return Subscription(id: state.nextID)
    }
  }

  private func unsubscribe(_ id: Int) {
    state.withLock { state in
      guard state.subscribers.removeValue(forKey: id) != nil, state.subscribers.isEmpty else { return }
      for (signal, var action) in state.previous { sigaction(signal, &action, nil) }
      state.previous = [:]
    }
  }

  private func install(_ state: inout State) {
    // Without a pipe (no descriptors left) signals keep their default effect, which is to end the process.
    guard state.hasThread || startThread() else { return }
    state.hasThread = true
    signalCount.store(0, ordering: .sequentiallyConsistent)
    for signal in SignalTrap.signals {
      var action = sigaction()
      #if canImport(Darwin)
        action.__sigaction_u.__sa_handler = noteSignal
      #else
        action.__sigaction_handler.sa_handler = noteSignal
      #endif
      action.sa_flags = Int32(SA_RESTART)
      var previous = sigaction()
      sigaction(signal, &action, &previous)
      state.previous[signal] = previous
    }
  }

  private func startThread() -> Bool {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return false }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    signalReadEnd.store(ends[0], ordering: .sequentiallyConsistent)
    signalWriteEnd.store(ends[1], ordering: .sequentiallyConsistent)
    #if canImport(Darwin)
      var thread: pthread_t?
    #else
      var thread = pthread_t()
    #endif
    let status = pthread_create(&thread, nil, { _ in SignalTrap.shared.readSignals() }, nil)
    return status == 0
  }

  private func readSignals() -> UnsafeMutableRawPointer? {
    let descriptor = signalReadEnd.load(ordering: .sequentiallyConsistent)
    var number: UInt8 = 0
    while true {
      let count = read(descriptor, &number, 1)
      if count == 1 {
        let subscribers = state.withLock { Array($0.subscribers.values) }
        for subscriber in subscribers { subscriber(Int32(number)) }
      } else if count == 0 || errno != EINTR {
        return nil
      }
    }
  }
}

// The handler reads these, so they are atomics; the first subscription touches each before a handler is installed.
private let signalReadEnd = Atomic<Int32>(-1)
private let signalWriteEnd = Atomic<Int32>(-1)
private let signalCount = Atomic<Int>(0)

/// The handler. Everything in it is safe inside a signal: atomics, `write`, `_exit`.
private func noteSignal(_ signal: Int32) {
  let saved = errno
  if signalCount.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue > 1 { _exit(128 + signal) }
  var number = UInt8(truncatingIfNeeded: signal)
  _ = write(signalWriteEnd.load(ordering: .sequentiallyConsistent), &number, 1)
  errno = saved
}

/// Signals by name, for people.
enum SignalName {
  static func of(_ number: Int32) -> String {
    switch number {
    case SIGTERM: "SIGTERM"
    case SIGINT: "SIGINT"
    default: "\(number)"
    }
  }
}
