extension MetricsRegistry {
  /// Makes a counter.
  ///
  /// - Parameters:
  ///   - name: In snake case, ending with `_total`; before that the unit, as in `sent_bytes_total`.
  ///   - help: What is counted, in a sentence.
  public func counter(_ name: String, help: String) throws(MetricsError) -> Counter {
    let counter = Counter()
    try add(InstrumentSource(MetricDescriptor(name, .counter, help: help), counter))
    return counter
  }

  /// Makes a counter with labels.
  public func counter(_ name: String, help: String, labels: [String]) throws(MetricsError) -> CounterFamily {
    try family(
      MetricDescriptor(name, .counter, help: help, labels: labels), make: { Counter() })
  }

  /// Makes a gauge.
  ///
  /// - Parameters:
  ///   - name: In snake case, with the unit at its end, as in `queue_size_bytes`.
  ///   - help: What is measured, in a sentence.
  public func gauge(_ name: String, help: String) throws(MetricsError) -> Gauge {
    let gauge = Gauge()
    try add(InstrumentSource(MetricDescriptor(name, .gauge, help: help), gauge))
    return gauge
  }

  /// Makes a gauge with labels.
  public func gauge(_ name: String, help: String, labels: [String]) throws(MetricsError) -> GaugeFamily {
    try family(
      MetricDescriptor(name, .gauge, help: help, labels: labels), make: { Gauge() })
  }

  /// Makes a gauge whose value is read at each scrape. `read` is called on the thread of the scrape and must not wait.
  public func gauge(
    _ name: String, help: String, read: @escaping @Sendable () -> Double
  ) throws(MetricsError) {
    try add(ClosureSource(descriptor: MetricDescriptor(name, .gauge, help: help), labels: .none, read: read))
  }

  /// Makes a histogram.
  ///
  /// - Parameters:
  ///   - name: In snake case, with the unit at its end, as in `request_duration_seconds`.
  ///   - help: What is observed, in a sentence.
  ///   - buckets: The upper bounds of its buckets, in the unit of the name.
  public func histogram(
    _ name: String, help: String, buckets: HistogramBuckets = .default
  ) throws(MetricsError) -> Histogram {
    try MetricLint.check(buckets, of: name)
    let histogram = Histogram(buckets: buckets)
    try add(InstrumentSource(MetricDescriptor(name, .histogram, help: help), histogram))
    return histogram
  }

  /// Makes a histogram with labels.
  public func histogram(
    _ name: String, help: String, labels: [String], buckets: HistogramBuckets = .default
  ) throws(MetricsError) -> HistogramFamily {
    try MetricLint.check(buckets, of: name)
    return try family(
      MetricDescriptor(name, .histogram, help: help, labels: labels), make: { Histogram(buckets: buckets) })
  }

  /// Makes a summary.
  ///
  /// - Parameters:
  ///   - name: In snake case, with the unit at its end, as in `request_duration_seconds`.
  ///   - help: What is observed, in a sentence.
  ///   - quantiles: The shares of observations whose values are shown, each 0 to 1.
  ///   - window: How far back the quantiles look.
  public func summary(
    _ name: String, help: String, quantiles: [Double] = [0.5, 0.9, 0.99], window: Duration = .seconds(600)
  ) throws(MetricsError) -> Summary {
    try MetricLint.check(quantiles: quantiles, of: name)
    let summary = Summary(quantiles: quantiles, window: window)
    try add(InstrumentSource(MetricDescriptor(name, .summary, help: help), summary))
    return summary
  }

  /// Makes a summary with labels.
  public func summary(
    _ name: String, help: String, labels: [String], quantiles: [Double] = [0.5, 0.9, 0.99],
    window: Duration = .seconds(600)
  ) throws(MetricsError) -> SummaryFamily {
    try MetricLint.check(quantiles: quantiles, of: name)
    return try family(
      MetricDescriptor(name, .summary, help: help, labels: labels),
      make: { Summary(quantiles: quantiles, window: window) })
  }

  /// Shows facts that do not change, as labels: `registry.info("build_info", help: …, ["version": "1.2"])`.
  public func info(_ name: String, help: String, _ facts: MetricLabels) throws(MetricsError) {
    let descriptor = MetricDescriptor(name, .info, help: help, labels: facts.pairs.map(\.name))
    try add(ClosureSource(descriptor: descriptor, labels: facts, read: { 1 }))
  }
}
