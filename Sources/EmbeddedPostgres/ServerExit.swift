/// The end of a server process.
public struct ServerExit: Sendable {
  /// How a process can end.
  public enum Reason: Hashable, Sendable {
    /// It returned this exit code; a server that was told to stop returns 0.
    case exited(code: Int32)
    /// A signal ended it.
    case killed(signal: Int32)
  }

  /// How it ended.
  public let reason: Reason
  /// True after ``EmbeddedPostgres/stop()`` or ``EmbeddedPostgres/restart()``; false when the server ended by itself
  /// or somebody else stopped it.
  public let isExpected: Bool
  /// The last lines of the server's log.
  public let log: String
}

extension ServerExit.Reason: CustomStringConvertible {
  /// For messages: "exit code 1", "signal 9".
  public var description: String {
    switch self {
    case .exited(let code): "exit code \(code)"
    case .killed(let signal): "signal \(signal)"
    }
  }
}
