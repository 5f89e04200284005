/// What a registry tells of itself: each appears on the page once there is something to tell.
struct OwnMetrics: Sendable {
  /// Uses of the series `other`, by metric.
  let overflows: CounterFamily
  /// Uses of the series `other` for a wrong number of label values, by metric.
  let mismatches: CounterFamily
  /// What was left out because it would have spoiled the page, by metric.
  let faults: CounterFamily
  /// Collectors that failed or were late, by collector and reason.
  let failures: CounterFamily
  /// The families as the registry reads them.
  let sources: [any MetricSource]

  init() {
    // These have a series for each metric or collector at most, so nothing overflows.
    let unused = Counter()
    var sources: [any MetricSource] = []
    func counter(_ name: String, _ labels: [String], _ help: String) -> CounterFamily {
      let (family, source) = CounterFamily.make(
        MetricDescriptor(name, .counter, help: help, labels: labels), maxSeries: .max, overflow: unused,
        mismatches: unused, make: { Counter() })
      sources.append(source)
      return family
    }
    overflows = counter(
      "metrics_series_overflow_total", ["metric"],
      "Uses of the series 'other' because a metric had too many series.")
    mismatches = counter(
      "metrics_label_mismatch_total", ["metric"],
      "Uses of the series 'other' for too few or too many label values.")
    faults = counter(
      "metrics_collector_faults_total", ["metric"],
      "Families and series of collectors that were left out of the page.")
    failures = counter(
      "metrics_collector_failures_total", ["collector", "reason"],
      "Collectors that were left out of a page because they failed or were late.")
    self.sources = sources
  }
}
