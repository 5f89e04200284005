internal import Health
internal import PrometheusMetrics

/// What the checks answered last, for alerts. Asks nothing: a scrape is no reason to.
struct HealthCollector: AsyncMetricsCollector {
  private static let ready = MetricDescriptor(
    "health_ready", .gauge, help: "Whether the process says that it can do its work: 1 or 0.")
  private static let check = MetricDescriptor(
    "health_check_up", .gauge, help: "Whether a health check succeeds: 1 or 0.", labels: ["check", "critical"])

  let monitor: HealthMonitor

  var descriptors: [MetricDescriptor] { [Self.ready, Self.check] }

  func collect() async -> [MetricFamily] {
    let report = await monitor.lastReport
    let checks = report.entries.map { entry in
      Metric(
        .number(entry.isFailing ? 0 : 1),
        labels: ["check": entry.name, "critical": entry.isCritical ? "true" : "false"])
    }
    return [MetricFamily(Self.ready, report.isReady ? 1 : 0), MetricFamily(Self.check, checks)]
  }
}
