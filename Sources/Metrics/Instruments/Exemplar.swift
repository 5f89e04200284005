/// One observation told in full, such as the trace behind it: OpenMetrics shows it beside the number it went into.
public struct Exemplar: Sendable, Hashable {
  /// The most characters that names and values of the labels may have together (OpenMetrics' limit).
  static let maxLabelCharacters = 128

  /// What tells the observation, such as `trace_id`.
  public let labels: MetricLabels
  /// The value observed.
  public let value: Double
  /// When, in seconds since 1970.
  public let timestamp: Double

  /// Makes an exemplar of this moment; nil when the labels are not allowed: a name that is not snake_case or stands
  /// twice, more than 128 characters together (OpenMetrics), or a zero byte (Prometheus takes it for the page's end).
  public init?(_ value: Double, labels: MetricLabels) {
    let length = labels.pairs.reduce(0) { $0 + $1.name.unicodeScalars.count + $1.value.unicodeScalars.count }
    let names = labels.pairs.map(\.name)
    guard length <= Self.maxLabelCharacters, !labels.pairs.contains(where: { $0.value.utf8.contains(0) }),
      names.allSatisfy(MetricLint.isWellFormed),
      Set(names).count == names.count
    else { return nil }
    self.labels = labels
    self.value = value
    timestamp = UnixTime.now()
  }
}
