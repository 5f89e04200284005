/// Asks all checks at once, keeps the answers for a moment, and lets those who ask meanwhile share them.
public actor HealthMonitor {
  private let checks: [HealthCheck]
  private let maxAge: Duration
  private var last: (report: HealthReport, time: ContinuousClock.Instant)?
  private var underWay: Task<[HealthReport.Entry], Never>?
  private var obstacle: String? = "starting"

  /// - Parameters:
  ///   - checks: what is asked.
  ///   - maxAge: how long an answer is good for. Default 1 second.
  public init(_ checks: [HealthCheck], maxAge: Duration = .seconds(1)) {
    self.checks = checks
    self.maxAge = maxAge
  }

  private var isFinal = false

  /// From now on the checks alone decide; unless the process has begun to stop.
  public func becomeReady() {
    if !isFinal { obstacle = nil }
  }

  /// From now on and for good the process is unready, whatever the checks say.
  ///
  /// - Parameter reason: why, for the report.
  public func becomeUnready(_ reason: String) {
    obstacle = reason
    isFinal = true
  }

  /// What the checks answer now, or answered within the last moment.
  public func report() async -> HealthReport {
    if let last, ContinuousClock.now - last.time < maxAge {
      return HealthReport(entries: last.report.entries, obstacle: obstacle)
    }
    let asking =
      underWay
      ?? Task { [checks] in
        await withTaskGroup(of: (Int, HealthReport.Entry).self) { group in
          for (index, check) in checks.enumerated() { group.addTask { (index, await check.run()) } }
          return await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
        }
      }
    underWay = asking
    let entries = await asking.value
    // Others may have waited for the same answers and come here first.
    if underWay == asking { underWay = nil }
    let report = HealthReport(entries: entries, obstacle: obstacle)
    last = (report, .now)
    return report
  }
}
