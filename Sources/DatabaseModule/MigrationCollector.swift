internal import Migrations
internal import Postgres
internal import PrometheusMetrics

/// Where the schema stands, asked of the database at each scrape.
struct MigrationCollector: AsyncMetricsCollector {
  private let migrator: Migrator
  private let pool: PostgresPool

  init(_ migrator: Migrator, _ pool: PostgresPool) {
    self.migrator = migrator
    self.pool = pool
  }

  private static let version = MetricDescriptor(
    "keel_migration_version", .gauge, help: "The highest migration that is applied.", labels: ["set"])
  private static let pending = MetricDescriptor(
    "keel_migration_pending", .gauge, help: "Migrations of this program that are not applied.", labels: ["set"])
  private static let dirty = MetricDescriptor(
    "keel_migration_dirty", .gauge, help: "Whether a migration stopped half way.")
  private static let duration = MetricDescriptor(
    "keel_migration_duration_seconds", .gauge, help: "How long an applied migration took.",
    labels: ["set", "version", "title"])

  let descriptors = [version, pending, dirty, duration]

  func collect() async throws -> [MetricFamily] {
    guard !migrator.sets.isEmpty else { return [] }
    let status = try await migrator.status(on: pool)
    let durations = status.sets.flatMap(\.lines).compactMap { line -> Metric? in
      guard let record = line.record, let duration = record.duration else { return nil }
      let labels: MetricLabels = ["set": record.set, "version": "\(line.version)", "title": line.title]
      return Metric(.number(duration / .seconds(1)), labels: labels)
    }
    return [
      MetricFamily(
        Self.version, status.sets.map { Metric(.number(Double($0.version)), labels: ["set": $0.name]) }),
      MetricFamily(
        Self.pending, status.sets.map { Metric(.number(Double($0.pendingCount)), labels: ["set": $0.name]) }),
      MetricFamily(Self.dirty, status.isDirty ? 1 : 0),
      MetricFamily(Self.duration, durations),
    ]
  }
}
