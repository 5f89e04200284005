/// A metric with the values that its series had at one moment.
public struct MetricFamily: Sendable {
  /// What the metric is.
  public let descriptor: MetricDescriptor
  /// Its series.
  public var metrics: [Metric]

  /// Makes a family of series.
  public init(_ descriptor: MetricDescriptor, _ metrics: [Metric]) {
    self.descriptor = descriptor
    self.metrics = metrics
  }

  /// Makes a family with one series that is a number: a counter, a gauge.
  public init(_ descriptor: MetricDescriptor, _ value: Double, labels: MetricLabels = .none) {
    self.init(descriptor, [Metric(.number(value), labels: labels)])
  }

  /// Makes a family with one series that is a whole number: a counter, a gauge.
  public init(_ descriptor: MetricDescriptor, _ value: some BinaryInteger, labels: MetricLabels = .none) {
    self.init(descriptor, Double(value), labels: labels)
  }
}
