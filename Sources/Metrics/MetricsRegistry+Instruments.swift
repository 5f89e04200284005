extension MetricsRegistry {
  /// Makes a counter.
  ///
  /// - Parameters:
  ///   - name: In snake case, ending with `_total`; before that the unit, as in `sent_bytes_total`.
  ///   - help: What is counted, in a sentence.
  public func counter(_ name: String, help: String) throws(MetricsError) -> Counter {
    let counter = Counter()
    _ = try add(SingleSource(MetricDescriptor(name, .counter, help: help)) { .number(counter.value) })
    return counter
  }

  /// Makes a counter with labels.
  public func counter(_ name: String, help: String, labels: [String]) throws(MetricsError) -> CounterFamily {
    try family(
      MetricDescriptor(name, .counter, help: help, labels: labels), make: { Counter() }, read: { .number($0.value) })
  }

  /// Makes a gauge.
  ///
  /// - Parameters:
  ///   - name: In snake case, with the unit at its end, as in `queue_size_bytes`.
  ///   - help: What is measured, in a sentence.
  public func gauge(_ name: String, help: String) throws(MetricsError) -> Gauge {
    let gauge = Gauge()
    _ = try add(SingleSource(MetricDescriptor(name, .gauge, help: help)) { .number(gauge.value) })
    return gauge
  }

  /// Makes a gauge with labels.
  public func gauge(_ name: String, help: String, labels: [String]) throws(MetricsError) -> GaugeFamily {
    try family(
      MetricDescriptor(name, .gauge, help: help, labels: labels), make: { Gauge() }, read: { .number($0.value) })
  }

  /// Makes a gauge whose value is read at each scrape. `read` is called on the thread of the scrape and must not wait.
  public func gauge(
    _ name: String, help: String, read: @escaping @Sendable () -> Double
  ) throws(MetricsError) {
    _ = try add(SingleSource(MetricDescriptor(name, .gauge, help: help)) { .number(read()) })
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
    _ = try add(SingleSource(MetricDescriptor(name, .histogram, help: help)) { .histogram(histogram.snapshot) })
    return histogram
  }

  /// Makes a histogram with labels.
  public func histogram(
    _ name: String, help: String, labels: [String], buckets: HistogramBuckets = .default
  ) throws(MetricsError) -> HistogramFamily {
    try MetricLint.check(buckets, of: name)
    return try family(
      MetricDescriptor(name, .histogram, help: help, labels: labels), make: { Histogram(buckets: buckets) },
      read: { .histogram($0.snapshot) })
  }
}
