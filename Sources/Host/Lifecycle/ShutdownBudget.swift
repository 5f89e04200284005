/// How the time for a graceful stop is divided, so that its parts never add up to more than the whole: whoever sent the
/// signal sends SIGKILL after that. Half a second more is for a handler that blocks.
struct ShutdownBudget: Sendable, Hashable {
  /// Everything together.
  let total: Duration
  /// Serving on, unready.
  let drain: Duration

  /// Letting requests under way finish.
  var requests: Duration { (total - drain) / 2 }

  /// Ending Run tasks and stopping what was started.
  var app: Duration { total - drain - requests }
}
