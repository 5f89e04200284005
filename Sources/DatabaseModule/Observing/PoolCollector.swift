internal import Postgres
internal import PrometheusMetrics
internal import ResourcePool

/// The twelve metrics of a pool, read from one snapshot per scrape. Their names and meanings are those that pgxpool's
/// users know.
struct PoolCollector: MetricsCollector {
  private let pool: PostgresPool
  private let labels: MetricLabels

  init(_ pool: PostgresPool, name: String) {
    self.pool = pool
    labels = ["pool": name]
  }

  private static let acquires = counter("acquire", "Connections acquired, shared ones included.")
  private static let canceledAcquires = counter("canceled_acquire", "Acquires given up or timed out.")
  private static let emptyAcquires = counter("empty_acquire", "Acquires that waited because no connection was free.")
  private static let newConns = counter("new_conns", "Connections opened.")
  private static let lifetimeDestroys = counter("max_lifetime_destroy", "Connections closed for their age.")
  private static let idleDestroys = counter("max_idle_destroy", "Connections closed because nobody used them.")
  private static let acquired = gauge("acquired", "Connections in use.")
  private static let constructing = gauge("constructing", "Connections being opened.")
  private static let idle = gauge("idle", "Connections free to use.")
  private static let total = gauge("total", "Connections in use, free and being opened.")
  private static let max = gauge("max", "The most connections the pool may hold.")
  private static let acquireDuration = MetricDescriptor(
    "db_pool_acquire_duration_seconds", .histogram, help: "Time that successful acquires took.", labels: ["pool"])

  private static func counter(_ what: String, _ help: String) -> MetricDescriptor {
    MetricDescriptor("db_pool_\(what)_total", .counter, help: help, labels: ["pool"])
  }

  private static func gauge(_ what: String, _ help: String) -> MetricDescriptor {
    MetricDescriptor("db_pool_\(what)_conns", .gauge, help: help, labels: ["pool"])
  }

  let descriptors = [
    acquires, canceledAcquires, emptyAcquires, newConns, lifetimeDestroys, idleDestroys, acquired, constructing, idle,
    total, max, acquireDuration,
  ]

  func collect() -> [MetricFamily] {
    let stat = pool.stat()
    let histogram = HistogramSnapshot(
      buckets: Self.buckets, counts: stat.acquireDuration.counts, sum: stat.acquireDuration.sum)
    return [
      MetricFamily(Self.acquires, stat.acquireCount, labels: labels),
      MetricFamily(Self.canceledAcquires, stat.canceledAcquireCount, labels: labels),
      MetricFamily(Self.emptyAcquires, stat.emptyAcquireCount, labels: labels),
      MetricFamily(Self.newConns, stat.newCount, labels: labels),
      MetricFamily(Self.lifetimeDestroys, stat.maxLifetimeDestroyCount, labels: labels),
      MetricFamily(Self.idleDestroys, stat.maxIdleDestroyCount, labels: labels),
      MetricFamily(Self.acquired, stat.acquired, labels: labels),
      MetricFamily(Self.constructing, stat.constructing, labels: labels),
      MetricFamily(Self.idle, stat.idle, labels: labels),
      MetricFamily(Self.total, stat.total, labels: labels),
      MetricFamily(Self.max, stat.max, labels: labels),
      MetricFamily(Self.acquireDuration, [Metric(.histogram(histogram), labels: labels)]),
    ]
  }

  private static let buckets = HistogramBuckets(DurationHistogram.bounds)
}
