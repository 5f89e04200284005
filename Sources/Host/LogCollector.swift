internal import PrometheusMetrics
internal import StructuredLogging

/// What became of the log: a full disk, or a reader that is stopped, costs lines without a word in the log itself.
struct LogCollector: MetricsCollector {
  private static let dropped = MetricDescriptor(
    "keel_log_lines_dropped_total", .counter, help: "Lines of the log that standard error did not take.")

  let descriptors = [dropped]

  func collect() -> [MetricFamily] { [MetricFamily(Self.dropped, Double(StandardErrorOutput.droppedLines))] }
}
