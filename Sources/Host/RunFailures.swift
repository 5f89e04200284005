internal import Container
internal import PrometheusMetrics
internal import Synchronization

/// Counts how often background tasks failed: one that is restarted for ever leaves the program ready, and its work undone.
final class RunFailures: ContainerObserver, MetricsCollector {
  private static let total = MetricDescriptor(
    "keel_background_task_failures_total", .counter,
    help: "Errors that ended background tasks, for a restart or for good.",
    labels: ["task"])

  private let counts = Mutex<[String: Int]>([:])

  let descriptors = [total]

  func observe(_ event: ContainerEvent) {
    guard case .runFailed(let origin, _, _) = event else { return }
    counts.withLock { $0[origin.name, default: 0] += 1 }
  }

  func collect() -> [MetricFamily] {
    let counts = counts.withLock { $0 }.sorted { $0.key < $1.key }
    return [MetricFamily(Self.total, counts.map { Metric(.number(Double($0.value)), labels: ["task": $0.key]) })]
  }
}
