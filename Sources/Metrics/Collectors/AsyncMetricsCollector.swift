/// A collector that has to wait for its values, such as those of a database or another service.
///
/// Scrapes that overlap share one call. A collector that fails or takes longer than its time is left out of the page
/// and counted in `metrics_collector_failures_total`; the other metrics are not held up.
public protocol AsyncMetricsCollector: Sendable {
  /// Every metric that `collect` may return; checked when the collector is registered.
  var descriptors: [MetricDescriptor] { get }

  /// How long a scrape waits; 1 s unless the collector says otherwise.
  var timeout: Duration { get }

  /// The values now. Cancelled when its time is up, and never called again before it has returned.
  func collect() async throws -> [MetricFamily]
}

extension AsyncMetricsCollector {
  /// One second: Prometheus itself waits ten.
  public var timeout: Duration { .seconds(1) }
}
