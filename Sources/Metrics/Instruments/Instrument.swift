/// Something that is measured with, as the registry sees it.
protocol Instrument: AnyObject, Sendable {
  /// The value now.
  var reading: Metric.Value { get }
  /// The value now, if the instrument is a mere number: the cheaper way to read it.
  var number: Double? { get }
  /// Observations behind the value.
  var exemplars: [Exemplar?] { get }
  /// When it began to count, in seconds since 1970; nil for what does not count.
  var created: Double? { get }
}

extension Instrument {
  var number: Double? { nil }
  var exemplars: [Exemplar?] { [] }
  var created: Double? { nil }
}
