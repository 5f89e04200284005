internal import Container

/// How long the private server stays down before it is started again: not at all when it ends for the first time, and
/// then ever longer while it ends, or fails to start, soon after each start.
struct RestartPauses {
  private static let backoff = Backoff(initial: .seconds(1), maximum: .seconds(60), jitter: 0)
  private var ends = 0

  /// The pause before the next start. A long run begins the story anew.
  mutating func next(afterRunOf run: Duration) -> Duration {
    if run > Self.backoff.resetAfter { ends = 0 }
    defer { ends += 1 }
    return ends == 0 ? .zero : Self.backoff.pause(afterFailure: ends - 1, chance: 0) ?? .zero
  }
}
