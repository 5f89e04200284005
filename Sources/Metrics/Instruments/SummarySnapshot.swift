/// What a summary held at one moment.
public struct SummarySnapshot: Sendable, Hashable {
  /// A share of the observations and the value that so many do not exceed.
  public struct Quantile: Sendable, Hashable {
    /// The share, 0 to 1.
    public let share: Double
    /// The value, not a number when nothing was observed lately.
    public let value: Double

    /// Makes a quantile.
    public init(_ share: Double, _ value: Double) {
      self.share = share
      self.value = value
    }
  }

  /// The quantiles of the recent past.
  public let quantiles: [Quantile]
  /// The number of all observations.
  public let count: UInt64
  /// The sum of all observations.
  public let sum: Double

  /// Makes a snapshot.
  public init(quantiles: [Quantile], count: UInt64, sum: Double) {
    self.quantiles = quantiles
    self.count = count
    self.sum = sum
  }
}
