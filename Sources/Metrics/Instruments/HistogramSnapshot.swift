/// What a histogram held at one moment.
public struct HistogramSnapshot: Sendable, Hashable {
  /// The bounds of its buckets.
  public let buckets: HistogramBuckets
  /// Observations in each bucket alone (not cumulative), and last those above every bound.
  public let counts: [UInt64]
  /// The sum of all observations.
  public let sum: Double

  /// Makes a snapshot; missing counts are 0.
  public init(buckets: HistogramBuckets, counts: [UInt64], sum: Double) {
    self.buckets = buckets
    let missing = buckets.bounds.count + 1 - counts.count
    self.counts =
      missing == 0
      ? counts
      : Array(
        (counts + Array(repeating: 0, count: max(missing, 0)))
          .prefix(buckets.bounds.count + 1))
    self.sum = sum
  }

  /// The number of observations.
  public var count: UInt64 {
    counts.reduce(0, &+)
  }
}
