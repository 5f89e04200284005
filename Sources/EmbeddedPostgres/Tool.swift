import CSpawn

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Runs a short-lived program (initdb, psql, cp, …) to its end and collects what it says. Blocks: off the pool only.
enum Tool {
  struct Outcome {
    let reason: ServerExit.Reason
    /// Standard output and error together, as they came.
    let output: String

    var succeeded: Bool { reason == .exited(code: 0) }
  }

  /// Runs `arguments` as `user`; the program is interrupted at the deadline or on cancellation.
  static func run(
    _ arguments: [String], as user: ServerUser, within limit: Duration = .seconds(60),
    cancellation: CancellationFlag = CancellationFlag()
  ) -> Result<Outcome, SpawnFailure> {
    run(command: user.command(arguments), within: limit, cancellation: cancellation)
  }

  /// Runs `arguments` with our own rights.
  static func run(
    command arguments: [String], within limit: Duration = .seconds(60),
    cancellation: CancellationFlag = CancellationFlag()
  ) -> Result<Outcome, SpawnFailure> {
    let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
    guard null >= 0 else { return .failure(SpawnFailure(error: errno)) }
    defer { close(null) }
    var ends: [Int32] = [-1, -1]
    guard keel_pipe(&ends) == 0 else { return .failure(SpawnFailure(error: errno)) }
    defer { close(ends[0]) }

    let started = ChildProcess.start(arguments, input: null, output: ends[1])
    close(ends[1])
    guard case .success(let child) = started else {
      return started.map { _ in Outcome(reason: .exited(code: 0), output: "") }
    }

    let output = collect(ends[0], from: child, until: .after(limit), cancellation: cancellation)
    if !child.waitForExit(until: .after(.milliseconds(500))) {
      child.signal(SIGKILL)
      _ = child.waitForExit(until: .never)
    }
    // The gate opens after the state is set, so there is an exit to read.
    return .success(Outcome(reason: child.exit ?? .killed(signal: SIGKILL), output: output))
  }

  /// Reads until the program closes its output; past the deadline it gets SIGTERM and a moment to tidy up.
  private static func collect(
    _ pipe: Int32, from child: ChildProcess, until deadline: Deadline, cancellation: CancellationFlag
  ) -> String {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    var deadline = deadline
    var isTerminated = false
    while true {
      var poller = pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)
      // In steps, so that a cancellation is seen soon.
      if poll(&poller, 1, min(deadline.remainingMilliseconds, 100)) > 0 {
        let count = read(pipe, &chunk, chunk.count)
        if count == 0 { break }
        if count > 0 { bytes += chunk[..<count] }
      }
      guard deadline.hasPassed || (cancellation.isSet && !isTerminated) else { continue }
      if isTerminated { break }
      child.signal(SIGTERM)
      isTerminated = true
      deadline = .after(.seconds(5))
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
