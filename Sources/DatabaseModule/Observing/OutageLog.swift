internal import Postgres
internal import StructuredLogging
internal import Synchronization

/// Logs that the database cannot be reached, and that it can again, as `Outage` has it: a tracer of connects.
final class OutageLog: QueryTracer {
  private let logger: Logger
  private let outage = Mutex(Outage())

  init(_ logger: Logger) { self.logger = logger }

  func record(_ event: TraceEvent) {
    guard case .connectEnded(_, let outcome) = event else { return }
    var error: (any Error)?
    if case .failure(let failure) = outcome { error = failure }
    // A connect that is called off says nothing of the server.
    if error is CancellationError { return }
    let line = outage.withLock { error == nil ? $0.succeeded(at: .now) : $0.failed(at: .now) }
    switch line {
    case nil: break
    case .begun: logger.warning("cannot connect", ["error": .string("\(error.map { "\($0)" } ?? "")")])
    case .lasting(let attempts, let time):
      logger.warning(
        "still cannot connect",
        ["for": .duration(time), "attempts": .integer(attempts), "error": .string("\(error.map { "\($0)" } ?? "")")])
    case .over(let attempts, let time):
      logger.notice("connected again", ["after": .duration(time), "failed_attempts": .integer(attempts)])
    }
  }
}
