/// Where log entries go.
///
/// `write` is called on whatever thread logs, at once from several, and should return soon.
public protocol LogOutput: Sendable {
  /// Takes one entry. Trouble is the output's own: logging never fails.
  func write(_ entry: LogEntry)
}

/// Takes entries and keeps none.
struct DiscardingLogOutput: LogOutput {
  func write(_ entry: LogEntry) {}
}
