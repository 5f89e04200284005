import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Writes whole lines to a descriptor, one at a time: one `write` each, and several for one beyond `PIPE_BUF` that does
/// not go to a file.
///
/// A descriptor that is closed, full or broken costs lines, never the process. Also one that blocks: a reader that is
/// stopped would else stop whoever logs, and with the event loop the whole server.
final class LineWriter: Sendable {
  private struct State {
    var droppedLines = 0
    /// A line was cut by an error: the next one starts on a line of its own.
    var isTorn = false
    var patience: Patience
  }

  private let descriptor: Int32
  /// How much the system takes at once without blocking when it says that it takes something: POSIX promises as much
  /// for pipes. A file always takes what it is given.
  private let chunk: Int
  private let state: Mutex<State>

  /// Writes to standard error. There is one for the process, so that no two outputs mix their lines.
  static let standardError = LineWriter(descriptor: STDERR_FILENO)

  /// - Parameters:
  ///   - descriptor: Open for as long as the writer lives; not closed by it.
  ///   - patience: How long a full descriptor is waited for before a line is dropped.
  init(descriptor: Int32, patience: Duration = .milliseconds(100)) {
    self.descriptor = descriptor
    state = Mutex(State(patience: Patience(patience)))
    var status = stat()
    let isFile = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    chunk = isFile ? .max : Int(PIPE_BUF)
  }

  /// How many lines could not be written.
  var droppedLines: Int {
    state.withLock { $0.droppedLines }
  }

  func write(_ line: [UInt8]) {
    state.withLock { state in
      withBrokenPipeSignalBlocked {
        if state.isTorn {
          guard writeAll([UInt8(ascii: "\n")], &state) == 1 else {
            state.droppedLines += 1
            return
          }
          state.isTorn = false
        }
        let written = writeAll(line, &state)
        guard written < line.count else { return }
        state.droppedLines += 1
        state.isTorn = written > 0
      }
    }
  }

  /// Returns how many bytes were written: fewer than there are after an error or when patience ran out.
  private func writeAll(_ bytes: [UInt8], _ state: inout State) -> Int {
    bytes.withUnsafeBytes { buffer in
      var offset = 0
      while offset < buffer.count, waitUntilWritable(&state) {
        let count = systemWrite(descriptor, buffer[offset...].prefix(chunk))
        if count >= 0 {
          offset += count
        } else if errno != EINTR {
          return offset
        }
      }
      return offset
    }
  }

  private func waitUntilWritable(_ state: inout State) -> Bool {
    if chunk == .max || isWritable(within: 0) { return true }
    let rest = state.patience.left(at: .now)
    defer { state.patience.spend(until: .now) }
    return rest >= .milliseconds(1) && isWritable(within: Int32(clamping: Int(rest / .milliseconds(1))))
  }

  private func isWritable(within milliseconds: Int32) -> Bool {
    var descriptor = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    while true {
      let count = poll(&descriptor, 1, milliseconds)
      if count < 0, errno == EINTR { continue }
      return count > 0
    }
  }
}

private func systemWrite(_ descriptor: Int32, _ bytes: Slice<UnsafeRawBufferPointer>) -> Int {
  let buffer = UnsafeRawBufferPointer(rebasing: bytes)
  return write(descriptor, buffer.baseAddress, buffer.count)
}

#if canImport(Darwin)
  package func withBrokenPipeSignalBlocked(_ body: () -> Void) {
    body()
  }
#else
  /// Runs `body` so that writing to a pipe nobody reads fails with EPIPE instead of killing the process.
  ///
  /// The signal is blocked for this thread only, and one that `body` caused is taken off it: the process may have its
  /// own use for SIGPIPE, which a library must not change.
  package func withBrokenPipeSignalBlocked(_ body: () -> Void) {
    var brokenPipe = sigset_t()
    sigemptyset(&brokenPipe)
    sigaddset(&brokenPipe, SIGPIPE)
    var pending = sigset_t()
    sigpending(&pending)
    if sigismember(&pending, SIGPIPE) == 1 { return body() }
    var previous = sigset_t()
    pthread_sigmask(SIG_BLOCK, &brokenPipe, &previous)
    body()
    var immediately = timespec()
    sigpending(&pending)
    if sigismember(&pending, SIGPIPE) == 1 {
      while sigtimedwait(&brokenPipe, nil, &immediately) < 0, errno == EINTR {}
    }
    pthread_sigmask(SIG_SETMASK, &previous, nil)
  }
#endif
