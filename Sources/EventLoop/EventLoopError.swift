internal import Glibc

/// The kernel refused the loop something.
public struct EventLoopError: Error, Sendable, CustomStringConvertible {
  /// The system call, and on what.
  public let call: String
  /// The `errno` it left.
  public let errorNumber: Int32

  init(_ call: String, errno errorNumber: Int32) {
    self.call = call
    self.errorNumber = errorNumber
  }

  /// The call and the system's word for what went wrong.
  public var description: String {
    let advice = DescriptorLimit.advice(forErrno: errorNumber).map { "; \($0)" } ?? ""
    return "event loop: \(call) failed: \(String(cString: strerror(errorNumber))) (errno \(errorNumber))\(advice)"
  }
}

/// What to do where the system gives no more descriptors.
package enum DescriptorLimit {
  /// nil where that was not what failed.
  package static func advice(forErrno cause: Int32) -> String? {
    switch cause {
    case EMFILE: "raise the limit of open files (ulimit -n in a shell, LimitNOFILE in a unit)"
    case ENFILE: "the whole machine has no more open files to give (fs.file-max), whatever ulimit -n allows"
    default: nil
    }
  }

  /// The same for a text in which the system's word for it stands.
  package static func advice(for text: String) -> String? {
    // That of the machine begins with that of the process.
    [ENFILE, EMFILE].first { text.contains(String(cString: strerror($0))) }.flatMap(advice(forErrno:))
  }
}
