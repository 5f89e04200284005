/// A metric whose one series is an instrument.
struct InstrumentSource: MetricSource {
  private let series: Series

  init(_ descriptor: MetricDescriptor, _ instrument: any Instrument) {
    series = Series(descriptor, .none, instrument)
  }

  var descriptor: MetricDescriptor { series.descriptor }

  func collect(_ detail: MetricDetail) -> [Metric] {
    [series.metric(detail)]
  }

  func write(to renderer: inout ExpositionRenderer) {
    renderer.begin(descriptor)
    renderer.write(series)
  }
}
