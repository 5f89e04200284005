/// How a page of metrics is written.
public enum ExpositionFormat: Sendable, Hashable, CaseIterable {
  /// Prometheus' text format, version 0.0.4.
  case text
  /// OpenMetrics 1.0: with units, exemplars and, if wanted, the time each series began.
  case openMetrics

  /// The value of the Content-Type header.
  public var contentType: String {
    switch self {
    case .text: "text/plain; version=0.0.4; charset=utf-8"
    case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
    }
  }
}
