/// Observations counted in buckets, such as the seconds that requests take.
///
/// Observing takes no lock: a few nanoseconds, on any number of threads. A scrape that meets an observation half way
/// may see it in its bucket and not yet in the sum.
public final class Histogram: Sendable {
  /// The bounds of the buckets.
  public let buckets: HistogramBuckets
  private let cells: ThreadCells
  private let sumCell: Int
  private let latest = LatestExemplars()
  let created: Double? = UnixTime.now()

  init(buckets: HistogramBuckets) {
    self.buckets = buckets
    sumCell = buckets.bounds.count + 1
    cells = ThreadCells(width: sumCell + 1)
  }

  /// Counts a value; one that is not a number is ignored, since it would spoil the sum for good.
  public func observe(_ value: Double) {
    guard !value.isNaN else { return }
    let bucket = buckets.index(of: value)
    cells.withCells { block, isOwned in
      block.addWhole(1, to: bucket, isOwned: isOwned)
      block.addFraction(value, to: sumCell, isOwned: isOwned)
    }
  }

  /// Counts a duration, in seconds.
  public func observe(_ duration: Duration) {
    observe(duration.inSeconds)
  }

  /// Counts a value and keeps what tells this observation, such as `["trace_id": …]`, for OpenMetrics to show.
  public func observe(_ value: Double, exemplar labels: MetricLabels) {
    guard !value.isNaN else { return }
    observe(value)
    latest.set(Exemplar(value, labels: labels), at: buckets.index(of: value), of: sumCell)
  }

  /// What was observed so far.
  public var snapshot: HistogramSnapshot {
    HistogramSnapshot(
      buckets: buckets, counts: (0..<sumCell).map { cells.whole($0) }, sum: cells.fraction(sumCell))
  }
}

extension Histogram: Instrument {
  var reading: Metric.Value { .histogram(snapshot) }
  var exemplars: [Exemplar?] { latest.all }
}
