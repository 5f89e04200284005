internal import EventLoop
internal import Glibc
internal import StructuredLogging
internal import Synchronization

/// Where a command writes for people: what was asked for to standard output, what went wrong to standard error.
struct Console: Sendable {
  private let output: @Sendable (String) -> Void
  private let errors: @Sendable (String) -> Void
  private let answer: (@Sendable () async -> String?)?
  /// Why what was asked for could not be written, if it could not.
  let outputFailure: @Sendable () -> String?
  /// How results may look.
  let style: TerminalStyle
  /// Rewrites the last line of standard error, where that is a terminal that can; an empty text takes the line away.
  let liveLine: (@Sendable (String) -> Void)?

  /// The process's own standard output and error.
  static let standard = Console(
    output: { text in
      let error = put(text + "\n", STDOUT_FILENO)
      if error != 0 { outputError.store(error, ordering: .relaxed) }
    },
    errors: { StandardErrorOutput.write($0 + "\n") }, answer: isatty(STDIN_FILENO) == 1 ? lineOfInput : nil,
    outputFailure: {
      let error = outputError.load(ordering: .relaxed)
      return error == 0 ? nil : String(cString: strerror(error))
    },
    style: .of(STDOUT_FILENO),
    liveLine: TerminalStyle.hasEscapes(STDERR_FILENO) ? rewriteLine : nil)
  private static let outputError = Atomic<Int32>(0)

  init(
    output: @escaping @Sendable (String) -> Void, errors: @escaping @Sendable (String) -> Void,
    answer: (@Sendable () async -> String?)? = nil, outputFailure: @escaping @Sendable () -> String? = { nil },
    style: TerminalStyle = TerminalStyle(isColored: false),
    liveLine: (@Sendable (String) -> Void)? = nil
  ) {
    self.output = output
    self.errors = errors
    self.answer = answer
    self.outputFailure = outputFailure
    self.style = style
    self.liveLine = liveLine
  }

  func write(_ text: String) { output(text) }

  func complain(_ text: String) { errors(text) }

  /// Whether somebody is there to answer.
  var canAsk: Bool { answer != nil }

  /// Asks whoever sits at the terminal; true for yes.
  func confirm(_ question: String) async -> Bool {
    guard let answer else { return false }
    errors(question)
    return ["y", "yes"].contains(await answer()?.lowercased())
  }

  /// A text wider than the terminal is cut off at its margin: of one that goes on below, only the last row would be rewritten.
  @Sendable private static func rewriteLine(_ text: String) {
    StandardErrorOutput.write("\r\u{1B}[K" + (text.isEmpty ? "" : "\u{1B}[?7l\(text)\u{1B}[?7h"))
  }

  /// Reads on a thread of its own: a person may take minutes, for which no thread of the pool is to be held.
  @Sendable private static func lineOfInput() async -> String? {
    await withCheckedContinuation { continuation in
      do {
        try startThread { continuation.resume(returning: readLine()) }
      } catch {
        continuation.resume(returning: nil)
      }
    }
  }

  /// Not through C's buffers: a line that is written is seen, also by what reads a pipe.
  ///
  /// - Returns: The error that kept the rest from being written, or 0.
  private static func put(_ text: String, _ descriptor: Int32) -> Int32 {
    var error: Int32 = 0
    withBrokenPipeSignalBlocked { error = putAll(text, descriptor) }
    return error
  }

  private static func putAll(_ text: String, _ descriptor: Int32) -> Int32 {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if written > 0 {
        bytes = bytes.dropFirst(written)
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN:
        // Somebody else who has the pipe or terminal made it non-blocking. Whoever reads it may take their time.
        var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&ready, 1, -1)
      // A reader that is gone wants no more.
      case EPIPE: return 0
      default: return errno
      }
    }
    return 0
  }
}
