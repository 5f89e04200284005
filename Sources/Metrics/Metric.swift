/// One series of a metric: its labels and its value at one moment.
public struct Metric: Sendable {
  /// What a series holds.
  public enum Value: Sendable, Hashable {
    /// The number of a counter, gauge, info or metric of unknown type.
    case number(Double)
    /// The state of a histogram.
    case histogram(HistogramSnapshot)
  }

  /// What tells the series from its siblings.
  public var labels: MetricLabels
  /// What it holds.
  public var value: Value

  /// Makes a series.
  public init(_ value: Value, labels: MetricLabels = .none) {
    self.labels = labels
    self.value = value
  }
}
