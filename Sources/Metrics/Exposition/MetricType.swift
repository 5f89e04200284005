/// What a metric measures.
public enum MetricType: Sendable, Hashable, CaseIterable {
  /// A sum that only grows.
  case counter
  /// A number that goes up and down.
  case gauge
  /// Observations counted in buckets.
  case histogram
  /// Observations with quantiles computed in the process.
  case summary
  /// Facts as labels, with the value 1.
  case info
  /// Which of several states something is in: 1 for the present one, 0 for the others.
  case stateSet
  /// A number of a kind that is not known.
  case unknown

  /// Whether series begin to count at some time, which OpenMetrics may tell.
  var counts: Bool {
    switch self {
    case .counter, .histogram, .summary: true
    case .gauge, .info, .stateSet, .unknown: false
    }
  }

  /// The word of the text format, which has fewer types.
  var textName: StaticString {
    switch self {
    case .counter: "counter"
    case .gauge, .info, .stateSet: "gauge"
    case .histogram: "histogram"
    case .summary: "summary"
    case .unknown: "untyped"
    }
  }

  /// The word of OpenMetrics, also used in errors.
  var openMetricsName: StaticString {
    switch self {
    case .counter: "counter"
    case .gauge: "gauge"
    case .histogram: "histogram"
    case .summary: "summary"
    case .info: "info"
    case .stateSet: "stateset"
    case .unknown: "unknown"
    }
  }
}
