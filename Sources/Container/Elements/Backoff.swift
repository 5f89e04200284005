/// How long to wait before trying again: longer each time, and never quite the same, so that many do not try at once.
public struct Backoff: Sendable, Hashable {
  /// The first pause; 100 ms.
  public var initial = Duration.milliseconds(100)

  /// What each pause is multiplied by for the next; 2.
  public var factor = 2.0

  /// The longest pause, before chance has its part of it; 30 s.
  public var maximum = Duration.seconds(30)

  /// How much of a pause is left to chance, from 0 to 1; 0.2 is ± 20 %.
  public var jitter = 0.2

  /// How often to try again before giving up, which stops the app; no limit.
  public var attempts: Int?

  /// After so long without failure the pauses begin anew; 60 s.
  public var resetAfter = Duration.seconds(60)

  /// The defaults, or others.
  public init(
    initial: Duration = .milliseconds(100), factor: Double = 2, maximum: Duration = .seconds(30), jitter: Double = 0.2,
    attempts: Int? = nil, resetAfter: Duration = .seconds(60)
  ) {
    self.initial = initial
    self.factor = factor
    self.maximum = maximum
    self.jitter = jitter
    self.attempts = attempts
    self.resetAfter = resetAfter
  }

  /// The pause after failure number `attempt`, counted from zero; nil if that was one too many.
  ///
  /// - Parameter chance: A number between 0 and 1.
  public func pause(afterFailure attempt: Int, chance: Double) -> Duration? {
    if let attempts, attempt >= attempts { return nil }
    var pause = initial
    for _ in 0..<max(attempt, 0) where pause < maximum {
      // Asked of numbers first: a duration traps on what it cannot hold.
      let isLess = pause / .seconds(1) * factor < maximum / .seconds(1)
      pause = isLess ? pause * max(factor, 0) : maximum
    }
    return min(pause, maximum) * (1 + (jitter > 0 ? min(jitter, 1) : 0) * (2 * chance - 1))
  }
}
