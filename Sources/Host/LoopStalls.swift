internal import PrometheusMetrics
internal import StructuredLogging
internal import Synchronization

/// Counts and logs the turns of the event loop that took too long, in which nobody else was served: a handler that blocks, or
/// a machine without processor time to give. The latter makes many, so that a line stands for all since the one before.
/// Of collectors of metrics, which the loop calls too, it knows the name.
final class LoopStalls: Sendable {
  private struct State {
    var nextLine: ContinuousClock.Instant?
    var count = 0
    var longest = Duration.zero
    /// What blocked for the longest.
    var collector: String?
  }

  private static let pause = Duration.seconds(10)

  private let logger: Logger
  /// Weak, for what it collects from holds the loop, which holds this.
  private weak let registry: MetricsRegistry?
  private let total: Counter
  private let state = Mutex(State())

  init(_ logger: Logger, _ registry: MetricsRegistry) throws {
    self.logger = logger
    self.registry = registry
    total = try registry.counter(
      "keel_event_loop_stalls_total", help: "Turns of the event loop that took 100 ms or longer.")
  }

  func note(_ length: Duration, at now: ContinuousClock.Instant = .now) {
    total.increment()
    let collector = registry?.collector(blocking: now.advanced(by: .zero - length)..<now)
    let line = state.withLock { state -> State? in
      state.count += 1
      if length > state.longest { (state.longest, state.collector) = (length, collector) }
      if let next = state.nextLine, now < next { return nil }
      defer { state = State(nextLine: now + Self.pause) }
      return state
    }
    guard let line else { return }
    var details: LogMetadata = ["for": .duration(line.longest), "times": .integer(line.count)]
    if let collector = line.collector { details["collector"] = .string(collector) }
    logger.warning(
      "the event loop was held up: a handler or a collector of metrics blocks, or the machine is busy", details)
  }
}
