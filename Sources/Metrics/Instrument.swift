/// Something that is measured with, as the registry sees it.
protocol Instrument: AnyObject, Sendable {
  /// The value now.
  var reading: Metric.Value { get }
  /// Observations behind the value.
  var exemplars: [Exemplar?] { get }
  /// When it began to count, in seconds since 1970; nil for what does not count.
  var created: Double? { get }
}

extension Instrument {
  var exemplars: [Exemplar?] { [] }
  var created: Double? { nil }

  func metric(labels: MetricLabels, _ detail: MetricDetail) -> Metric {
    var metric = Metric(reading, labels: labels)
    if detail.exemplars { metric.exemplars = exemplars }
    if detail.created { metric.created = created }
    return metric
  }
}

/// What is read of a series beside its value.
struct MetricDetail {
  var exemplars = false
  var created = false
}
