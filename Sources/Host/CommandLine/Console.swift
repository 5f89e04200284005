internal import Glibc

/// Where a command writes for people: what was asked for to standard output, what went wrong to standard error.
struct Console: Sendable {
  func write(_ text: String) { put(text, STDOUT_FILENO) }

  func complain(_ text: String) { put(text, STDERR_FILENO) }

  /// Not through C's buffers: a line that is written is seen, also by what reads a pipe.
  private func put(_ text: String, _ descriptor: Int32) {
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
