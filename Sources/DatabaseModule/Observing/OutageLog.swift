internal import Postgres
internal import StructuredLogging
internal import Synchronization

/// Logs that the database cannot be reached once when it begins, once a minute while it lasts, and once when it is over:
/// a tracer of connects.
final class OutageLog: QueryTracer {
  enum Line: Hashable {
    case begun
    case lasting(attempts: Int, for: Duration)
    case over(attempts: Int, after: Duration)
  }

  private struct Outage {
    let begin: ContinuousClock.Instant
    var attempts = 1
    var lastLine: ContinuousClock.Instant
  }

  static let interval = Duration.seconds(60)

  private let logger: Logger
  private let outage = Mutex<Outage?>(nil)

  init(_ logger: Logger) { self.logger = logger }

  func record(_ event: TraceEvent) {
    guard case .connectEnded(_, let outcome) = event else { return }
    var error: (any Error)?
    if case .failure(let failure) = outcome { error = failure }
    // A connect that is called off says nothing of the server.
    if error is CancellationError { return }
    guard let line = note(isFailure: error != nil, at: .now) else { return }
    switch line {
    case .begun: logger.warning("cannot connect", ["error": .string("\(error.map { "\($0)" } ?? "")")])
    case .lasting(let attempts, let time):
      logger.warning(
        "still cannot connect",
        ["for": .duration(time), "attempts": .integer(attempts), "error": .string("\(error.map { "\($0)" } ?? "")")])
    case .over(let attempts, let time):
      logger.notice("connected again", ["after": .duration(time), "failed_attempts": .integer(attempts)])
    }
  }

  /// What there is to say of a connect that succeeded or failed.
  func note(isFailure: Bool, at now: ContinuousClock.Instant) -> Line? {
    outage.withLock { outage in
      guard isFailure else {
        defer { outage = nil }
        return outage.map { .over(attempts: $0.attempts, after: now - $0.begin) }
      }
      guard var current = outage else {
        outage = Outage(begin: now, lastLine: now)
        return .begun
      }
      current.attempts += 1
      let isDue = now - current.lastLine >= Self.interval
      if isDue { current.lastLine = now }
      outage = current
      return isDue ? .lasting(attempts: current.attempts, for: now - current.begin) : nil
    }
  }
}
