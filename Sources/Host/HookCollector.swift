internal import Container
internal import PrometheusMetrics
internal import Synchronization

/// How long the start hooks of the app's values took: what a slow start was slow for.
final class HookCollector: MetricsCollector {
  private static let duration = MetricDescriptor(
    "keel_hook_duration_seconds", .gauge, help: "Time that the start hooks of a value took.", labels: ["hook"])

  private let control: AppControl
  /// The start is over when the app runs; what it took is not worked out again at each scrape.
  private let known = Mutex<[MetricFamily]?>(nil)

  init(_ control: AppControl) { self.control = control }

  let descriptors = [duration]

  func collect() -> [MetricFamily] {
    if let known = known.withLock({ $0 }) { return known }
    guard let graph = control.graph else { return [] }
    var durations: [String: Duration] = [:]
    for node in graph.nodes {
      guard let timing = node.timing, let began = timing.hooksBegan, let started = timing.started else { continue }
      durations[node.origin.name, default: .zero] += started - began
    }
    let metrics = durations.sorted { $0.key < $1.key }
      .map { Metric(.number($0.value / .seconds(1)), labels: ["hook": $0.key]) }
    let families = [MetricFamily(Self.duration, metrics)]
    if control.state == .running { known.withLock { $0 = families } }
    return families
  }
}
