/// One series of a metric: its labels and its value at one moment.
public struct Metric: Sendable {
  /// What a series holds.
  public enum Value: Sendable, Hashable {
    /// The number of a counter, gauge, info or metric of unknown type.
    case number(Double)
    /// The state of a histogram.
    case histogram(HistogramSnapshot)
    /// The state of a summary.
    case summary(SummarySnapshot)
  }

  /// What tells the series from its siblings.
  public var labels: MetricLabels
  /// What it holds.
  public var value: Value
  /// Observations behind it: none, or one place for a counter and one for each bucket of a histogram. No other type
  /// shows them.
  public var exemplars: [Exemplar?] = []
  /// When it began to count, in seconds since 1970, if that is known. Shown for what counts, where
  /// ``MetricsRegistry/Options/createdSamples`` is on.
  public var created: Double?

  /// Makes a series.
  public init(_ value: Value, labels: MetricLabels = .none) {
    self.labels = labels
    self.value = value
  }
}
