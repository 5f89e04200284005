/// Reads values at the moment of a scrape, for what keeps its own numbers: a pool, the process.
///
/// ```swift
/// struct QueueCollector: MetricsCollector {
///   static let length = MetricDescriptor("queue_length", .gauge, help: "Jobs that wait.", labels: ["queue"])
///   let queue: Queue
///   let labels: MetricLabels
///   var descriptors: [MetricDescriptor] { [Self.length] }
///   func collect() -> [MetricFamily] { [MetricFamily(Self.length, queue.count, labels: labels)] }
/// }
/// ```
///
/// Several collectors may share descriptors when their labels differ, as those of several queues do.
public protocol MetricsCollector: Sendable {
  /// Every metric that `collect` may return; checked when the collector is registered.
  var descriptors: [MetricDescriptor] { get }

  /// The values now. Called on the thread of the scrape: reads what is at hand and does not wait.
  ///
  /// A family that is not among the descriptors, a series with other labels than its descriptor has or with those of
  /// another series, and a value that its type does not have (a counter below 0, an info that is not 1, bounds that do
  /// not rise) are left out of the page and counted in `metrics_collector_faults_total`.
  func collect() -> [MetricFamily]
}
