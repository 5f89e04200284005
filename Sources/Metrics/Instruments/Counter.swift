/// A sum that only grows, such as requests served.
///
/// Adding takes no lock: a few nanoseconds, on any number of threads.
public final class Counter: Sendable {
  private static let wholeCell = 0
  private static let fractionCell = 1

  private let cells = ThreadCells(width: 2)
  private let latest = LatestExemplars()
  let created: Double? = UnixTime.now()

  init() {}

  /// Adds 1.
  public func increment() {
    cells.withCells { $0.addWhole(1, to: Self.wholeCell, isOwned: $1) }
  }

  /// Adds a whole number; one below 0 is ignored, since a counter never falls.
  public func increment(by amount: Int) {
    guard amount > 0 else { return }
    cells.withCells { $0.addWhole(UInt64(amount), to: Self.wholeCell, isOwned: $1) }
  }

  /// Adds a number; one below 0 or not finite is ignored, since a counter never falls.
  public func increment(by amount: Double) {
    guard amount > 0, amount.isFinite else { return }
    cells.withCells { $0.addFraction(amount, to: Self.fractionCell, isOwned: $1) }
  }

  /// Adds a number and keeps what tells this addition, such as `["trace_id": …]`, for OpenMetrics to show.
  public func increment(by amount: Double, exemplar labels: MetricLabels) {
    guard amount > 0, amount.isFinite else { return }
    increment(by: amount)
    latest.set(Exemplar(amount, labels: labels), at: 0, of: 1)
  }

  /// The sum so far.
  public var value: Double {
    Double(cells.whole(Self.wholeCell)) + cells.fraction(Self.fractionCell)
  }
}

extension Counter: Instrument {
  var reading: Metric.Value { .number(value) }
  var number: Double? { value }
  var exemplars: [Exemplar?] { latest.all }
}
