import Synchronization

extension MetricsRegistry {
  /// The values of all metrics now, in the order of registration; a metric without series is left out.
  public func gather() async -> [MetricFamily] {
    gatherNow().filter { !$0.metrics.isEmpty }
  }

  /// The page of all metrics now.
  public func render(_ format: ExpositionFormat = .text) async -> [UInt8] {
    let families = gatherNow()
    var renderer = ExpositionRenderer(capacity: state.withLock { $0.pageSize } + 256)
    for family in families { renderer.write(family.descriptor, family.metrics) }
    let page = renderer.page
    state.withLock { $0.pageSize = page.count }
    return page
  }

  private func gatherNow() -> [MetricFamily] {
    let (slots, slotByName, collectors) = state.withLock { ($0.slots, $0.slotByName, $0.collectors) }
    // Collectors come first: what they leave out is counted in a family of the same page.
    var collected: [[Metric]] = Array(repeating: [], count: slots.count)
    for collector in collectors {
      for family in collector.collect() {
        guard let index = slotByName[family.descriptor.name], slots[index].source == nil,
          slots[index].descriptor.isSame(as: family.descriptor)
        else {
          collectorFaults.with(family.descriptor.name).increment()
          continue
        }
        collected[index] += family.metrics
      }
    }
    for index in slots.indices where slots[index].source == nil {
      drop(faultyMetricsOf: slots[index].descriptor, in: &collected[index])
    }
    return zip(slots, collected).map { slot, metrics in
      MetricFamily(slot.descriptor, slot.source?.collect() ?? metrics)
    }
  }

  /// Leaves out what would make the page invalid: wrong labels, a value of another type, a series twice.
  private func drop(faultyMetricsOf descriptor: MetricDescriptor, in metrics: inout [Metric]) {
    var seen: Set<MetricLabels> = []
    let count = metrics.count
    metrics.removeAll { metric in
      guard metric.labels.haveNames(descriptor.labelNames), metric.value.fits(descriptor.type) else { return true }
      // A lone series has no twin.
      return count > 1 && !seen.insert(metric.labels).inserted
    }
    if metrics.count < count { collectorFaults.with(descriptor.name).increment(by: count - metrics.count) }
  }
}

extension Metric.Value {
  fileprivate func fits(_ type: MetricType) -> Bool {
    switch (self, type) {
    case (.histogram, .histogram): true
    case (.number, .counter), (.number, .gauge), (.number, .info), (.number, .unknown): true
    case (.histogram, _), (.number, .histogram), (.number, .summary): false
    }
  }
}
