import Synchronization

extension MetricsRegistry {
  /// The values of all metrics now, in the order of registration; a metric without series is left out.
  public func gather() async -> [MetricFamily] {
    let (slots, collected) = await collect()
    return zip(slots, collected).compactMap { slot, metrics in
      let metrics = slot.source?.collect(MetricDetail(exemplars: true, created: true)) ?? metrics
      return metrics.isEmpty ? nil : MetricFamily(slot.descriptor, metrics)
    }
  }

  /// The page of all metrics now.
  public func render(_ format: ExpositionFormat = .text) async -> [UInt8] {
    let (slots, collected) = await collect()
    let capacity = state.withLock { $0.pageSize } + 256
    var renderer = ExpositionRenderer(format, createdSamples: options.createdSamples, capacity: capacity)
    for (slot, metrics) in zip(slots, collected) {
      if let source = slot.source { source.write(to: &renderer) } else { renderer.write(slot.descriptor, metrics) }
    }
    let page = renderer.finish()
    state.withLock { $0.pageSize = page.count }
    return page
  }

  /// The metrics, and beside each what collectors have for it. Done before any instrument is read, since what is left
  /// out here is counted on the same page.
  private func collect() async -> (slots: [RegistryState.Slot], collected: [[Metric]]) {
    let waited = await waitForCollectors()
    // A copy, since a collector may register something.
    let state = state.withLock { $0 }
    var collected: [[Metric]] = Array(repeating: [], count: state.slots.count)
    func sort(_ families: [MetricFamily]) {
      for family in families {
        guard let index = state.slotByName[family.descriptor.name], state.slots[index].source == nil,
          state.slots[index].descriptor.isSame(as: family.descriptor)
        else {
          own.faults.with(family.descriptor.name).increment()
          continue
        }
        collected[index] += family.metrics
      }
    }
    for collector in state.collectors { sort(timed(collector)) }
    for families in waited { sort(families) }
    for index in collected.indices { collected[index] = sound(collected[index], state.slots[index].descriptor) }
    return (state.slots, collected)
  }

  /// What the collector has, and a note of its name if it took long.
  private func timed(_ collector: any MetricsCollector) -> [MetricFamily] {
    let start = ContinuousClock.now
    let families = collector.collect()
    let end = ContinuousClock.now
    if end - start >= .milliseconds(20) {
      state.withLock { state in
        state.slowCollections.removeAll { $0.span.upperBound < end - .seconds(60) }
        state.slowCollections.append((String(describing: type(of: collector)), start..<end))
      }
    }
    return families
  }

  /// The collector that took at least half of a time in which others could not go on, in one page or in several; nil when it
  /// was none.
  package func collector(blocking span: Range<ContinuousClock.Instant>) -> String? {
    var taken: [String: Duration] = [:]
    for slow in state.withLock({ $0.slowCollections }) {
      let part = slow.span.clamped(to: span)
      taken[slow.name, default: .zero] += part.upperBound - part.lowerBound
    }
    guard let most = taken.max(by: { $0.value < $1.value }), !span.isEmpty else { return nil }
    return most.value * 2 >= span.upperBound - span.lowerBound ? most.key : nil
  }

  private func waitForCollectors() async -> [[MetricFamily]] {
    let runners = state.withLock { $0.runners }
    return zip(runners, await sharedGather.run(runners)).compactMap { runner, outcome in
      switch outcome {
      case .families(let families): return families
      case .failed: own.failures.with(runner.name, "error").increment()
      case .timedOut: own.failures.with(runner.name, "timeout").increment()
      }
      return nil
    }
  }

  /// Leaves out what would make the page invalid: wrong labels, a value that the type does not have, a series twice.
  private func sound(_ metrics: [Metric], _ descriptor: MetricDescriptor) -> [Metric] {
    if metrics.isEmpty { return metrics }
    var seen: Set<MetricLabels> = []
    let sound = metrics.filter { metric in
      guard metric.labels.haveNames(descriptor.labelNames), metric.value.fits(descriptor.type) else { return false }
      // A lone series has no twin.
      return metrics.count == 1 || seen.insert(metric.labels).inserted
    }
    if sound.count < metrics.count {
      own.faults.with(descriptor.name).increment(by: metrics.count - sound.count)
    }
    return sound
  }
}

extension Metric.Value {
  fileprivate func fits(_ type: MetricType) -> Bool {
    switch (self, type) {
    case (.histogram(let snapshot), .histogram): MetricLint.fault(in: snapshot.buckets) == nil
    case (.summary(let snapshot), .summary): MetricLint.fault(in: snapshot.quantiles.map(\.share)) == nil
    case (.number(let value), .counter): value >= 0
    case (.number(let value), .info): value == 1
    case (.number(let value), .stateSet): value == 0 || value == 1
    case (.number, .gauge), (.number, .unknown): true
    case (.histogram, _), (.summary, _), (.number, .histogram), (.number, .summary): false
    }
  }
}
