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
    "event loop: \(call) failed: \(String(cString: strerror(errorNumber))) (errno \(errorNumber))"
  }
}
