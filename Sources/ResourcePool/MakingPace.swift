internal import MonotonicTime

/// How fast resources may be made: as many as are wanted, until one cannot be made; then one at a time, none before a
/// pause is over that grows with each failure; and twice as many at once with each success.
struct MakingPace: Sendable {
  typealias Instant = MonotonicInstant

  /// After a failure to make a resource: one attempt at a time, none before `notBefore`.
  struct Backoff: Sendable {
    /// Failures in a row; those of one burst are one.
    var attempts: Int
    var notBefore: Instant
    var error: any Error
  }

  private(set) var backoff: Backoff?
  /// How many may be made at once.
  private var limit = Int.max
  /// Resources in a row that ended by themselves as soon as they were made.
  private var briefLives = 0
  private let configuration: PoolConfiguration
  private let random: @Sendable () -> Double

  init(_ configuration: PoolConfiguration, random: @escaping @Sendable () -> Double) {
    self.configuration = configuration
    self.random = random
  }

  /// Whether there is no pause to keep.
  func allows(_ now: Instant) -> Bool { backoff.map { now >= $0.notBefore } ?? true }

  /// How many more may be begun beside those that are being made.
  func room(beside making: Int, _ now: Instant) -> Int { allows(now) ? limit - min(making, limit) : 0 }

  mutating func succeeded() {
    backoff = nil
    let (doubled, isUnlimited) = limit.multipliedReportingOverflow(by: 2)
    limit = isUnlimited || doubled >= configuration.maxSize ? .max : doubled
  }

  mutating func failed(_ error: any Error, _ now: Instant) {
    limit = 1
    if allows(now) {
      pause((backoff?.attempts ?? 0) + 1, error, now)
    } else {
      // Begun before the failure that set the pause: the same burst.
      backoff?.error = error
    }
  }

  /// A resource ended by itself before anybody had it. From the second in a row on that did so as soon as it was made, that
  /// counts as a failure to make one: who lets in and hangs up would be asked again without end.
  mutating func ended(bornAt birth: Instant, _ now: Instant) {
    guard now - birth < configuration.retryDelay else {
      briefLives = 0
      return
    }
    // Those that end together were made together.
    guard allows(now) else { return }
    briefLives += 1
    guard briefLives > 1 else { return }
    limit = 1
    pause(
      briefLives - 1, PoolError(.unavailable, "resources end by themselves as soon as they are made"), now)
  }

  /// Time has passed: what was made lasts, unless there is a pause just now.
  mutating func forgetBriefLives() {
    if backoff == nil { briefLives = 0 }
  }

  /// Between half and all of the pause, so that the processes of a fleet do not return in step.
  private mutating func pause(_ attempts: Int, _ error: any Error, _ now: Instant) {
    let pause = configuration.retryPause(afterAttempts: attempts) * (0.5 + 0.5 * random())
    backoff = Backoff(attempts: attempts, notBefore: now + pause, error: error)
  }
}

extension PoolConfiguration {
  /// Doubled with each attempt that failed.
  func retryPause(afterAttempts attempts: Int) -> Duration {
    var pause = retryDelay
    var doublings = attempts - 1
    while doublings > 0, pause < maxRetryDelay {
      pause *= 2
      doublings -= 1
    }
    return min(pause, maxRetryDelay)
  }
}
