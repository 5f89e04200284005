/// How long a log may hold up whoever logs: so long at once, and a tenth of the time in the long run. A reader that is
/// slow, and not stopped, would make a server as slow as itself.
struct Patience {
  private let most: Duration
  private var rest: Duration
  private var asOf: ContinuousClock.Instant?

  init(_ most: Duration) { (self.most, rest) = (most, most) }

  /// What there is of it now.
  mutating func left(at now: ContinuousClock.Instant) -> Duration {
    if let asOf { rest = min(most, rest + (now - asOf) / 10) }
    asOf = now
    return rest
  }

  /// Takes what was spent on waiting since ``left(at:)``.
  mutating func spend(until now: ContinuousClock.Instant) {
    if let asOf { rest = max(.zero, rest - (now - asOf)) }
    asOf = now
  }
}
