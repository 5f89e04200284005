internal import PrometheusMetrics
internal import StructuredLogging
internal import Synchronization

/// Counts and logs the turns of the event loop that took too long, in which nobody else was served: a handler that blocks, or
/// a machine without processor time to give. The latter makes many, so that a line stands for all since the one before.
final class LoopStalls: Sendable {
  private struct State {
    var nextLine: ContinuousClock.Instant?
    var count = 0
    var longest = Duration.zero
  }

  private static let pause = Duration.seconds(10)

  private let logger: Logger
  private let total: Counter
  private let state = Mutex(State())

  init(_ logger: Logger, _ registry: MetricsRegistry) throws {
    self.logger = logger
    total = try registry.counter(
      "keel_event_loop_stalls_total", help: "Turns of the event loop that took 100 ms or longer.")
  }

  func note(_ length: Duration, at now: ContinuousClock.Instant = .now) {
    total.increment()
    let line = state.withLock { state -> (count: Int, longest: Duration)? in
      state.count += 1
      state.longest = max(state.longest, length)
      if let next = state.nextLine, now < next { return nil }
      defer { state = State(nextLine: now + Self.pause) }
      return (state.count, state.longest)
    }
    guard let line else { return }
    logger.warning(
      "the event loop was held up: a handler blocks, or the machine is busy",
      ["for": .duration(line.longest), "times": .integer(line.count)])
  }
}
