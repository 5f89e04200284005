import Synchronization

/// The metrics of a process, and the page that shows them.
///
/// A registry is a value that is handed to whoever measures; there is no global one.
///
/// ## Usage
///
/// ```swift
/// let registry = MetricsRegistry()
/// let requests = try registry.counter("http_requests_total", help: "Requests served.", labels: ["method"])
/// let latency = try registry.histogram("http_request_duration_seconds", help: "Time to answer.")
/// requests.with("GET").increment()
/// latency.observe(.milliseconds(3))
/// let page = await registry.render(.negotiate(accept: request.headers["accept"]))
/// ```
public final class MetricsRegistry: Sendable {
  /// How a registry behaves.
  public struct Options: Sendable {
    /// The most series that a metric with labels may have before further ones are counted as `other`.
    public var maxSeriesPerMetric = 1000

    /// Whether OpenMetrics pages tell when each counter, histogram and summary began to count. Off, since Prometheus
    /// before 3 stores these times as series of their own.
    public var createdSamples = false

    /// The defaults.
    public init() {}
  }

  let options: Options
  let own = OwnMetrics()
  let sharedGather = SharedGather()
  let state = Mutex(RegistryState())

  /// Makes a registry without metrics.
  public init(options: Options = Options()) {
    self.options = options
    state.withLock { state in
      for source in own.sources { state.append(source.descriptor, source) }
    }
  }

  /// Adds a collector.
  ///
  /// - Throws: When a descriptor breaks the conventions, or a metric of its name exists that is not the same.
  public func register(_ collector: some MetricsCollector) throws(MetricsError) {
    let descriptors = collector.descriptors
    for descriptor in descriptors { try MetricLint.check(descriptor) }
    try state.withLock { (state) throws(MetricsError) in
      try state.add(descriptors)
      state.collectors.append(collector)
    }
  }

  /// Adds a collector that has to wait for its values.
  ///
  /// - Throws: When a descriptor breaks the conventions, or a metric of its name exists that is not the same.
  public func register(_ collector: some AsyncMetricsCollector) throws(MetricsError) {
    let descriptors = collector.descriptors
    for descriptor in descriptors { try MetricLint.check(descriptor) }
    try state.withLock { (state) throws(MetricsError) in
      try state.add(descriptors)
      state.runners.append(CollectorRunner(collector))
    }
  }

  /// Adds a metric that has its own series.
  func add(_ source: any MetricSource) throws(MetricsError) {
    try MetricLint.check(source.descriptor)
    try state.withLock { (state) throws(MetricsError) in
      try state.checkIsNew(source.descriptor)
      state.append(source.descriptor, source)
    }
  }

  /// Adds a metric with labels.
  func family<Made: Instrument>(
    _ descriptor: MetricDescriptor, make: @escaping @Sendable () -> Made
  ) throws(MetricsError) -> LabeledFamily<Made> {
    // Checked before the series that count its faults exist, which a refused metric must not have.
    try MetricLint.check(descriptor)
    try state.withLock { (state) throws(MetricsError) in try state.checkIsNew(descriptor) }
    let (family, source) = LabeledFamily.make(
      descriptor, maxSeries: options.maxSeriesPerMetric, overflow: own.overflows.with(descriptor.name),
      mismatches: own.mismatches.with(descriptor.name), make: make)
    try add(source)
    return family
  }
}
