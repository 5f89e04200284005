/// Something in the registry that has the series of one metric.
protocol MetricSource: Sendable {
  var descriptor: MetricDescriptor { get }
  func collect(_ detail: MetricDetail) -> [Metric]
}

/// A metric whose one series is an instrument.
struct InstrumentSource: MetricSource {
  let descriptor: MetricDescriptor
  let instrument: any Instrument

  func collect(_ detail: MetricDetail) -> [Metric] {
    [instrument.metric(labels: .none, detail)]
  }
}

/// A metric whose one series is read by a closure.
struct ClosureSource: MetricSource {
  let descriptor: MetricDescriptor
  let labels: MetricLabels
  let read: @Sendable () -> Double

  func collect(_ detail: MetricDetail) -> [Metric] {
    [Metric(.number(read()), labels: labels)]
  }
}
