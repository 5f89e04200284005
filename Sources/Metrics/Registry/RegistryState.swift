/// What is registered.
struct RegistryState {
  /// A metric of the page.
  struct Slot {
    let descriptor: MetricDescriptor
    /// Nil for the metrics of collectors.
    let source: (any MetricSource)?
  }

  /// The metrics in the order of registration.
  private(set) var slots: [Slot] = []
  /// Where each name stands in `slots`.
  private(set) var slotByName: [String: Int] = [:]
  /// The names that the metrics have in OpenMetrics, where `x_total` and `x` are the same.
  private var familyNames: Set<String> = []
  var collectors: [any MetricsCollector] = []
  var runners: [CollectorRunner] = []
  /// Collectors that took long in the last minute, and when they ran.
  var slowCollections: [(name: String, span: Range<ContinuousClock.Instant>)] = []
  /// The size of the last page, a good guess for the next.
  var pageSize = 4096

  mutating func append(_ descriptor: MetricDescriptor, _ source: (any MetricSource)?) {
    slotByName[descriptor.name] = slots.count
    familyNames.insert(descriptor.familyName)
    slots.append(Slot(descriptor: descriptor, source: source))
  }

  func checkIsNew(_ descriptor: MetricDescriptor) throws(MetricsError) {
    guard slotByName[descriptor.name] == nil else {
      throw MetricsError(.duplicate, descriptor.name, "it is registered already: keep the instrument and hand it on")
    }
    guard !familyNames.contains(descriptor.familyName) else {
      throw MetricsError(
        .duplicate, descriptor.name,
        "OpenMetrics knows it as '\(descriptor.familyName)', and so another metric that is registered")
    }
  }

  /// Takes in the metrics of a collector, all or none.
  mutating func add(_ descriptors: [MetricDescriptor]) throws(MetricsError) {
    var new = self
    for (index, descriptor) in descriptors.enumerated() {
      if descriptors[..<index].contains(where: { $0.name == descriptor.name }) {
        throw MetricsError(.duplicate, descriptor.name, "its collector declares it twice")
      }
      if let slot = slotByName[descriptor.name].map({ slots[$0] }) {
        guard slot.source == nil, slot.descriptor.isSame(as: descriptor) else {
          throw MetricsError(
            .duplicate, descriptor.name, "it is registered already, and not by a collector with the same description")
        }
      } else {
        try new.checkIsNew(descriptor)
        new.append(descriptor, nil)
      }
    }
    self = new
  }
}
