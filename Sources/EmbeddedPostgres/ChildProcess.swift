import CSpawn
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A child process with a thread of its own, which spawns it, waits for it and reaps it.
///
/// One thread for all three because the death signal of ``ServerUser/command(_:)`` follows the spawning thread.
/// Signals are sent under the lock that guards reaping, so they never hit a stranger who got the process id next.
final class ChildProcess: Sendable {
  private enum State {
    /// Spawn has not returned.
    case starting
    /// Alive, or dead and not reaped: the process id is ours.
    case running(pid_t)
    /// posix_spawn failed with this errno.
    case notStarted(Int32)
    /// Reaped.
    case ended(ServerExit.Reason)
  }

  private let state = Mutex(State.starting)
  private let started: Gate
  private let ended: Gate
  private let onEnd: @Sendable (ServerExit.Reason) -> Void

  private init(started: Gate, ended: Gate, onEnd: @escaping @Sendable (ServerExit.Reason) -> Void) {
    self.started = started
    self.ended = ended
    self.onEnd = onEnd
  }

  /// Starts a process. The descriptors stay the caller's to close; `onEnd` is over before a wait for the end is.
  static func start(
    _ arguments: [String], input: Int32, output: Int32,
    onEnd: @escaping @Sendable (ServerExit.Reason) -> Void = { _ in }
  ) -> Result<ChildProcess, SpawnFailure> {
    guard let started = Gate(), let ended = Gate() else { return .failure(SpawnFailure(error: EMFILE)) }
    let child = ChildProcess(started: started, ended: ended, onEnd: onEnd)
    guard startThread({ child.run(arguments, input: input, output: output) }) else {
      return .failure(SpawnFailure(error: EAGAIN))
    }
    _ = started.wait(until: .never)
    if case .notStarted(let error) = child.state.withLock({ $0 }) {
      return .failure(SpawnFailure(error: error))
    }
    return .success(child)
  }

  /// The process id while the process is there.
  var processID: pid_t? {
    if case .running(let pid) = state.withLock({ $0 }) { pid } else { nil }
  }

  /// How it ended; nil while it runs.
  var exit: ServerExit.Reason? {
    if case .ended(let reason) = state.withLock({ $0 }) { reason } else { nil }
  }

  /// Sends a signal, if there is still anybody to get it.
  func signal(_ number: Int32) {
    state.withLock { state in
      if case .running(let pid) = state { _ = kill(pid, number) }
    }
  }

  /// Blocks the calling thread until the process has ended; false when the deadline came first.
  func waitForExit(until deadline: Deadline) -> Bool { ended.wait(until: deadline) }

  private func run(_ arguments: [String], input: Int32, output: Int32) {
    var pid: pid_t = 0
    let error = withCStrings(arguments) { argv in
      withCStrings(Self.environment) { envp in
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: 3) { stdio in
          _ = stdio.initialize(from: [input, output, output])
          // A buffer of three elements has a base address; `stdio` outlives the call.
          return stdio.baseAddress.map { keel_spawn(&pid, argv, envp, $0) } ?? EINVAL
        }
      }
    }
    let child = pid
    state.withLock { $0 = error == 0 ? .running(child) : .notStarted(error) }
    started.open()
    guard error == 0 else { return }

    var information = siginfo_t()
    while waitid(P_PID, id_t(child), &information, WEXITED | WNOWAIT) != 0 && errno == EINTR {}
    let reason = state.withLock { state in
      var status: Int32 = 0
      while waitpid(child, &status, 0) < 0 && errno == EINTR {}
      let signal = status & 0x7f
      let reason: ServerExit.Reason = signal == 0 ? .exited(code: (status >> 8) & 0xff) : .killed(signal: signal)
      state = .ended(reason)
      return reason
    }
    // Before anybody goes on who waited for the end: a restart begins with the next process at once, and what is told of
    // this one after that would count for it.
    onEnd(reason)
    ended.open()
  }

  /// Nothing of our own environment but what names the time zone: no PGDATA or LC_ALL may change what runs.
  private static var environment: [String] {
    var environment = ["PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/", "LC_ALL=C"]
    if let zone = FileSystem.environment("TZ") { environment.append("TZ=\(zone)") }
    return environment
  }
}

/// posix_spawn's errno.
struct SpawnFailure: Error {
  let error: Int32
}

/// Calls `body` with a null-terminated array of C strings.
private func withCStrings<R>(_ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> R) -> R {
  let copies = strings.map { strdup($0) }
  defer { for copy in copies { free(copy) } }
  return body(copies + [nil])
}
