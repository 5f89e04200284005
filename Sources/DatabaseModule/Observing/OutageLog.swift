internal import Postgres
internal import StructuredLogging
internal import Synchronization

/// Logs that the database cannot be reached once when it begins, once a minute while it lasts, and once when it is over:
/// a tracer of connects.
///
/// A server that lets in one connection and not the next begins an outage with every other connect. Of those in the minute
/// after a line nothing is said, unless they outlast it.
final class OutageLog: QueryTracer {
  enum Line: Hashable {
    case begun
    case lasting(attempts: Int, for: Duration)
    case over(attempts: Int, after: Duration)
  }

  private struct Outage {
    let begin: ContinuousClock.Instant
    var attempts = 0
    var isTold = false
  }

  private struct State {
    var outage: Outage?
    /// When a failure was told last, in this outage or an earlier one.
    var lastLine: ContinuousClock.Instant?
  }

  static let interval = Duration.seconds(60)

  private let logger: Logger
  private let state = Mutex(State())

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
    state.withLock { state in
      guard isFailure else {
        defer { state.outage = nil }
        guard let outage = state.outage, outage.isTold else { return nil }
        return .over(attempts: outage.attempts, after: now - outage.begin)
      }
      var outage = state.outage ?? Outage(begin: now)
      outage.attempts += 1
      defer { state.outage = outage }
      if let lastLine = state.lastLine, now - lastLine < Self.interval { return nil }
      state.lastLine = now
      guard outage.isTold else {
        outage.isTold = true
        return .begun
      }
      return .lasting(attempts: outage.attempts, for: now - outage.begin)
    }
  }
}
