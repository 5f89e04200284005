internal import Glibc

/// Where a command writes for people: what was asked for to standard output, what went wrong to standard error.
struct Console: Sendable {
  private let output: @Sendable (String) -> Void
  private let errors: @Sendable (String) -> Void

  /// The process's own standard output and error.
  static let standard = Console(
    output: { put($0, STDOUT_FILENO) }, errors: { put($0, STDERR_FILENO) })

  init(output: @escaping @Sendable (String) -> Void, errors: @escaping @Sendable (String) -> Void) {
    self.output = output
    self.errors = errors
  }

  func write(_ text: String) { output(text) }

  func complain(_ text: String) { errors(text) }

  /// Not through C's buffers: a line that is written is seen, also by what reads a pipe.
  private static func put(_ text: String, _ descriptor: Int32) {
    var bytes = Array((text + "\n").utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if written < 0, errno == EINTR { continue }
      // A reader that is gone wants no more; there is nobody left to tell.
      guard written > 0 else { return }
      bytes = bytes.dropFirst(written)
    }
  }
}
