import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Tells whoever wants to know of signals: the only file of this library that calls the system.
///
/// A handler rather than an ignored or blocked signal, for those are inherited by child processes and a handler is not. The
/// handler may do next to nothing, so it writes the number to a pipe, which a thread of the trap's own reads: what is done
/// about one kind of signal does not keep the other waiting.
package final class SignalTrap: Sendable {
  /// SIGTERM and SIGINT, the wish that the process end. The second of them ends it in the handler itself, whatever state the
  /// rest of the program is in; those that come together are one: `timeout` signals the process and then its group.
  package static let ending = SignalTrap([SIGTERM, SIGINT], endingPipe)
  /// SIGHUP, by custom the wish that the configuration be read again.
  package static let hangUp = SignalTrap([SIGHUP], hangUpPipe)

  /// Ends the telling when it is no longer wanted.
  package struct Subscription: Sendable {
    fileprivate let trap: SignalTrap
    fileprivate let id: Int

    package func cancel() { trap.unsubscribe(id) }
  }

  private struct State {
    var subscribers: [Int: @Sendable (Int32) -> Void] = [:]
    var nextID = 0
    /// What the signals did before; it is put back when nobody listens any more.
    var previous: [Int32: sigaction] = [:]
    /// The pipe and its thread are made once and stay: a handler may be running that knows the descriptor.
    var hasThread = false
  }

  private let signals: [Int32]
  private let pipe: SignalPipe
  private let state = Mutex(State())

  private init(_ signals: [Int32], _ pipe: SignalPipe) {
    self.signals = signals
    self.pipe = pipe
  }

  /// `body` is called on the trap's thread, with the number of the signal.
  package func subscribe(_ body: @escaping @Sendable (Int32) -> Void) -> Subscription {
    state.withLock { state in
      if state.subscribers.isEmpty { install(&state) }
      state.nextID += 1
      state.subscribers[state.nextID] = body
      return Subscription(trap: self, id: state.nextID)
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
    pipe.first.store(0, ordering: .sequentiallyConsistent)
    for signal in signals {
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
    guard makePipe(&ends) == 0 else { return false }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    pipe.readEnd.store(ends[0], ordering: .sequentiallyConsistent)
    pipe.writeEnd.store(ends[1], ordering: .sequentiallyConsistent)
    #if canImport(Darwin)
      var thread: pthread_t?
    #else
      var thread = pthread_t()
    #endif
    // The traps are there for as long as the process is.
    let trap = Unmanaged.passUnretained(self).toOpaque()
    return pthread_create(&thread, nil, { runTrap($0) }, trap) == 0
  }

  fileprivate func readSignals() {
    let descriptor = pipe.readEnd.load(ordering: .sequentiallyConsistent)
    var number: UInt8 = 0
    while true {
      let count = read(descriptor, &number, 1)
      if count == 1 {
        let subscribers = state.withLock { Array($0.subscribers.values) }
        for subscriber in subscribers { subscriber(Int32(number)) }
      } else if count == 0 || errno != EINTR {
        return
      }
    }
  }
}

/// What a trap's thread runs.
private func runTrap(_ trap: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  if let trap { Unmanaged<SignalTrap>.fromOpaque(trap).takeUnretainedValue().readSignals() }
  return nil
}

/// What a handler knows of a trap: atomics, since it may run at any moment.
private final class SignalPipe: Sendable {
  let readEnd = Atomic<Int32>(-1)
  let writeEnd = Atomic<Int32>(-1)
  /// When the first signal came, in nanoseconds.
  let first = Atomic<Int64>(0)
}

// A trap is made with its own, before a handler is installed that reads it.
private let endingPipe = SignalPipe()
private let hangUpPipe = SignalPipe()

private func makePipe(_ ends: inout [Int32]) -> Int32 { pipe(&ends) }

/// How long signals that end the process count as one.
private let togetherness: Int64 = 200_000_000

/// The handler. Everything in it is safe inside a signal: atomics, `clock_gettime`, `write`, `_exit`.
private func noteSignal(_ signal: Int32) {
  let saved = errno
  let pipe = signal == SIGHUP ? hangUpPipe : endingPipe
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  let now = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  let (isFirst, first) = pipe.first.compareExchange(expected: 0, desired: now, ordering: .sequentiallyConsistent)
  if signal != SIGHUP, !isFirst, now - first > togetherness { _exit(128 + signal) }
  if signal == SIGHUP || isFirst {
    var number = UInt8(truncatingIfNeeded: signal)
    _ = write(pipe.writeEnd.load(ordering: .sequentiallyConsistent), &number, 1)
  }
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
