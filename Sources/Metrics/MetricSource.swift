/// Something in the registry that has the series of one metric.
protocol MetricSource: Sendable {
  var descriptor: MetricDescriptor { get }
  func collect() -> [Metric]
}

/// A metric with one series, read by a closure.
struct SingleSource: MetricSource {
  let descriptor: MetricDescriptor
  let labels: MetricLabels
  let read: @Sendable () -> Metric.Value

  init(
    _ descriptor: MetricDescriptor, labels: MetricLabels = .none, read: @escaping @Sendable () -> Metric.Value
  ) {
    self.descriptor = descriptor
    self.labels = labels
    self.read = read
  }

  func collect() -> [Metric] {
    [Metric(read(), labels: labels)]
  }
}
