/// Something in the registry that has the series of one metric.
protocol MetricSource: Sendable {
  var descriptor: MetricDescriptor { get }

  /// The series now.
  func collect(_ detail: MetricDetail) -> [Metric]

  /// Writes the series to a page, nothing when there are none.
  func write(to renderer: inout ExpositionRenderer)
}

/// A metric whose one series is read by a closure.
struct ClosureSource: MetricSource {
  let descriptor: MetricDescriptor
  let labels: MetricLabels
  let read: @Sendable () -> Double

  func collect(_ detail: MetricDetail) -> [Metric] {
    [Metric(.number(read()), labels: labels)]
  }

  func write(to renderer: inout ExpositionRenderer) {
    renderer.write(descriptor, collect(renderer.detail))
  }
}
