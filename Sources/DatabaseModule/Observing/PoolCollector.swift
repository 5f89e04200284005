internal import Postgres
internal import PrometheusMetrics
internal import ResourcePool

/// The twelve metrics of each pool, read from one snapshot per scrape. Their names and meanings are those that pgxpool's
/// users know.
struct PoolCollector: MetricsCollector {
  private let pools: [(pool: PostgresPool, labels: MetricLabels)]

  /// - Parameter pools: each with the name that tells it from the others.
  init(_ pools: [(name: String, pool: PostgresPool)]) {
    self.pools = pools.map { ($0.pool, ["pool": $0.name]) }
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
    let snapshots = pools.map { (stat: $0.pool.stat(), labels: $0.labels) }
    func family(_ descriptor: MetricDescriptor, _ value: (PoolStatistics) -> Metric.Value) -> MetricFamily {
      MetricFamily(descriptor, snapshots.map { Metric(value($0.stat), labels: $0.labels) })
    }
    func number(_ value: some BinaryInteger) -> Metric.Value { .number(Double(value)) }
    return [
      family(Self.acquires) { number($0.acquireCount) },
      family(Self.canceledAcquires) { number($0.canceledAcquireCount) },
      family(Self.emptyAcquires) { number($0.emptyAcquireCount) },
      family(Self.newConns) { number($0.newCount) },
      family(Self.lifetimeDestroys) { number($0.maxLifetimeDestroyCount) },
      family(Self.idleDestroys) { number($0.maxIdleDestroyCount) },
      family(Self.acquired) { number($0.acquired) },
      family(Self.constructing) { number($0.constructing) },
      family(Self.idle) { number($0.idle) },
      family(Self.total) { number($0.total) },
      family(Self.max) { number($0.max) },
      family(Self.acquireDuration) { stat in
        let durations = stat.acquireDuration
        return .histogram(HistogramSnapshot(buckets: Self.buckets, counts: durations.counts, sum: durations.sum))
      },
    ]
  }

  private static let buckets = HistogramBuckets(DurationHistogram.bounds)
}
