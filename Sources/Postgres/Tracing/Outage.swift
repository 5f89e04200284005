/// What a log is to say of a server that cannot be reached: a line when it begins, one a minute while it lasts, and one when
/// it is over.
///
/// A server that lets in one connection and not the next begins an outage with every other connect. Of those in the minute
/// after a line nothing is said, unless they outlast it.
package struct Outage: Sendable {
  /// A line of the log.
  package enum Line: Hashable, Sendable {
    case begun
    case lasting(attempts: Int, for: Duration)
    case over(attempts: Int, after: Duration)
  }

  private static let interval = Duration.seconds(60)

  private var begin: ContinuousClock.Instant?
  private var attempts = 0
  private var isTold = false
  /// When a failure was told last, in this outage or an earlier one.
  private var lastLine: ContinuousClock.Instant?

  package init() {}

  /// A connect has failed.
  package mutating func failed(at now: ContinuousClock.Instant) -> Line? {
    let begin = begin ?? now
    self.begin = begin
    attempts += 1
    if let lastLine, now - lastLine < Self.interval { return nil }
    lastLine = now
    defer { isTold = true }
    return isTold ? .lasting(attempts: attempts, for: now - begin) : .begun
  }

  /// A connect has succeeded.
  package mutating func succeeded(at now: ContinuousClock.Instant) -> Line? {
    defer { (begin, attempts, isTold) = (nil, 0, false) }
    guard let begin, isTold else { return nil }
    return .over(attempts: attempts, after: now - begin)
  }
}
