/// How a page of metrics is written.
public enum ExpositionFormat: Sendable, Hashable {
  /// Prometheus' text format, version 0.0.4.
  case text

  /// The value of the Content-Type header.
  public var contentType: String {
    switch self {
    case .text: "text/plain; version=0.0.4; charset=utf-8"
    }
  }
}
