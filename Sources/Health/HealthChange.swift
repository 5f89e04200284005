/// Something about the health of a process that was otherwise a moment ago: for logs.
public enum HealthChange: Sendable {
  /// A check began to fail.
  case failing(HealthReport.Entry)
  /// A check succeeds again, after it failed for this long.
  case recovered(HealthReport.Entry, after: Duration)
  /// The process was ready and is not any more, for these reasons.
  case unready([String])
  /// The process is ready again, after it was not for this long.
  case readyAgain(after: Duration)
}
