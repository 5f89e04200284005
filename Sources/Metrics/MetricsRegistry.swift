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
/// let page = await registry.render(.text)
/// ```
public final class MetricsRegistry: Sendable {
  /// How a registry behaves.
  public struct Options: Sendable {
    /// The most series that a metric with labels may have before further ones are counted as `other`.
    public var maxSeriesPerMetric = 1000

    /// The defaults.
    public init() {}
  }

  struct State {
    /// Where each name stands in `slots`.
    var slotByName: [String: Int] = [:]
    var slots: [Slot] = []
    var collectors: [any MetricsCollector] = []
    /// The size of the last page, a good guess for the next.
    var pageSize = 4096
  }

  /// A metric of the page, in the order of registration.
  struct Slot {
    let descriptor: MetricDescriptor
    /// Nil for the metrics of collectors.
    let source: (any MetricSource)?
  }

  let options: Options
  let state = Mutex(State())
  private let overflows: CounterFamily
  let collectorFaults: CounterFamily

  /// Makes a registry without metrics.
  public init(options: Options = Options()) {
    self.options = options
    let unlabelled = Counter()
    func ownFamily(_ name: String, _ help: String) -> CounterFamily {
      CounterFamily(
        MetricDescriptor(name, .counter, help: help, labels: ["metric"]), maxSeries: .max, overflow: unlabelled,
        make: { Counter() }, read: { .number($0.value) })
    }
    overflows = ownFamily(
      "metrics_series_overflow_total", "Uses of the series 'other' because a metric had too many series.")
    collectorFaults = ownFamily(
      "metrics_collector_faults_total", "Families and series of collectors that were left out of the page.")
    state.withLock { state in
      for family in [overflows, collectorFaults] {
        state.slotByName[family.descriptor.name] = state.slots.count
        state.slots.append(Slot(descriptor: family.descriptor, source: family))
      }
    }
  }

  /// Adds a collector.
  ///
  /// - Throws: When a descriptor breaks the conventions, or a metric of its name exists that is not the same.
  public func register(_ collector: some MetricsCollector) throws(MetricsError) {
    let descriptors = collector.descriptors
    for descriptor in descriptors { try MetricLint.check(descriptor) }
    try state.withLock { (state) throws(MetricsError) in
      for (index, descriptor) in descriptors.enumerated() {
        if descriptors[..<index].contains(where: { $0.name == descriptor.name }) {
          throw MetricsError(.duplicate, descriptor.name, "its collector declares it twice")
        }
        guard let slot = state.slotByName[descriptor.name].map({ state.slots[$0] }) else {
          try state.checkSeriesNames(of: descriptor)
          continue
        }
        guard slot.source == nil, slot.descriptor.isSame(as: descriptor) else {
          throw MetricsError(
            .duplicate, descriptor.name, "it is registered already, and not by a collector with the same description")
        }
      }
      for descriptor in descriptors where state.slotByName[descriptor.name] == nil {
        state.append(Slot(descriptor: descriptor, source: nil))
      }
      state.collectors.append(collector)
    }
  }

  /// Adds a metric that has its own series.
  func add<Source: MetricSource>(_ source: Source) throws(MetricsError) -> Source {
    let descriptor = source.descriptor
    try MetricLint.check(descriptor)
    try state.withLock { (state) throws(MetricsError) in
      guard state.slotByName[descriptor.name] == nil else {
        throw MetricsError(.duplicate, descriptor.name, "it is registered already: keep the instrument and hand it on")
      }
      try state.checkSeriesNames(of: descriptor)
      state.append(Slot(descriptor: descriptor, source: source))
    }
    return source
  }

  func family<Instrument>(
    _ descriptor: MetricDescriptor, make: @escaping @Sendable () -> Instrument,
    read: @escaping @Sendable (Instrument) -> Metric.Value
  ) throws(MetricsError) -> LabeledFamily<Instrument> {
    try add(
      LabeledFamily(
        descriptor, maxSeries: options.maxSeriesPerMetric, overflow: overflows.with(descriptor.name), make: make,
        read: read))
  }
}

extension MetricsRegistry.State {
  mutating func append(_ slot: MetricsRegistry.Slot) {
    slotByName[slot.descriptor.name] = slots.count
    slots.append(slot)
  }

  /// A histogram `x` has the series `x_sum`, `x_count` and `x_bucket`, which no other metric may have. Names with these
  /// suffixes are refused by the linter, so that nothing is left to check here but the base name.
  func checkSeriesNames(of descriptor: MetricDescriptor) throws(MetricsError) {
    guard descriptor.type == .counter else { return }
    let base = String(descriptor.name.dropLast("_total".count))
    if slotByName[base] != nil {
      throw MetricsError(
        .duplicate, descriptor.name, "OpenMetrics gives it the name '\(base)', which another metric has")
    }
  }
}
