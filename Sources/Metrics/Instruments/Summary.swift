import Synchronization

/// Observations with quantiles of the recent past, computed in the process.
///
/// Quantiles of several processes cannot be added up; prefer a ``Histogram`` unless one process is looked at alone.
/// Observing takes a short lock. A quantile is right to 1 % of its value.
public final class Summary: Sendable {
  /// Into how many parts the window of time is cut; as the oldest part is dropped, the window moves on.
  private static let partCount = 5

  private struct State {
    var parts: [QuantileSketch] = Array(repeating: QuantileSketch(), count: Summary.partCount)
    var current = 0
    var nextTurn: ContinuousClock.Instant
    var count: UInt64 = 0
    var sum = 0.0
  }

  private let quantiles: [Double]
  private let partLength: Duration
  private let now: @Sendable () -> ContinuousClock.Instant
  private let state: Mutex<State>
  let created: Double? = UnixTime.now()

  init(
    quantiles: [Double], window: Duration, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
  ) {
    self.quantiles = quantiles
    self.now = now
    partLength = max(window / Self.partCount, .milliseconds(1))
    state = Mutex(State(nextTurn: now() + partLength))
  }

  /// Counts a value; one that is not a number is ignored.
  public func observe(_ value: Double) {
    guard !value.isNaN else { return }
    let now = now()
    state.withLock { state in
      turn(&state, to: now)
      state.parts[state.current].add(value)
      state.count += 1
      state.sum += value
    }
  }

  /// Counts a duration, in seconds.
  public func observe(_ duration: Duration) {
    observe(duration.inSeconds)
  }

  /// What was observed so far: count and sum of all time, quantiles of the window.
  public var snapshot: SummarySnapshot {
    let now = now()
    let (parts, count, sum) = state.withLock { state in
      turn(&state, to: now)
      return (state.parts, state.count, state.sum)
    }
    var window = QuantileSketch()
    for part in parts { window.add(part) }
    let values = window.values(at: quantiles)
    return SummarySnapshot(
      quantiles: zip(quantiles, values).map { SummarySnapshot.Quantile($0, $1) }, count: count, sum: sum)
  }

  /// Drops the parts that the window has left behind.
  private func turn(_ state: inout State, to now: ContinuousClock.Instant) {
    guard now >= state.nextTurn else { return }
    if now - state.nextTurn >= partLength * Self.partCount {
      state.parts = Array(repeating: QuantileSketch(), count: Self.partCount)
      state.nextTurn = now + partLength
      return
    }
    while now >= state.nextTurn {
      state.current = (state.current + 1) % Self.partCount
      state.parts[state.current] = QuantileSketch()
      state.nextTurn += partLength
    }
  }
}

extension Summary: Instrument {
  var reading: Metric.Value { .summary(snapshot) }
}
