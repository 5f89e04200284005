internal import AppConfiguration
internal import Container
internal import DatabaseModule
internal import FoundationEssentials
internal import Glibc
internal import Health
internal import Migrations
internal import Postgres
internal import ResourcePool
internal import StructuredLogging

/// The page at `/`: everything about the process on one page that needs nothing else. Rendered here, so that it works
/// without scripts; a script keeps it fresh.
struct DashboardPage {
  private let panel: AdminPanel

  init(_ panel: AdminPanel) { self.panel = panel }

  func html() async -> String {
    let report = await panel.monitor.report()
    let startup = await panel.monitor.startup()
    let state = report.isReady ? "ready" : report.obstacle ?? "unready"
    let name = HTML.escape(panel.program)
    let sections: [(id: String, title: String, body: String?)] = [
      ("health", "Health", health(report)), ("pool", "Connections", pool()), ("queries", "Queries", queries()),
      ("migrations", "Migrations", migrations()), ("start", "Start", start()), ("graph", "Graph", graph()),
      ("configuration", "Configuration", configuration()), ("log", "Log", log()), ("build", "Build", build()),
    ]
    let shown = sections.filter { $0.body != nil }
    let links = shown.map { "<a href=\"#\($0.id)\">\($0.title)</a>" }.joined(separator: "\n")
    let parts = shown.map { section in
      "<section id=\"\(section.id)\" aria-labelledby=\"h-\(section.id)\"><h2 id=\"h-\(section.id)\">\(section.title)</h2>\n"
        + "\(section.body ?? "")\n</section>"
    }
    let uptime = startup.hasStarted ? "up \(text(.now - panel.began)), started in \(text(startup.took))" : "starting"
    return """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <title>\(name): \(HTML.escape(state))</title>
      <noscript><meta http-equiv="refresh" content="10"></noscript>
      <style>\(DashboardStyle.css)</style>
      </head>
      <body>
      <a class="skip" href="#health">Skip to the content</a>
      <header>
        <h1>\(name) <small>\(HTML.escape(panel.version))</small></h1>
        <p id="state" class="badge \(report.isReady ? "good" : "bad")" role="status">\(HTML.escape(state))</p>
        <p id="uptime" class="soft">\(uptime)</p>
        <label id="live" hidden><input type="checkbox" checked> live</label>
        <nav aria-label="Sections">\(links)</nav>
      </header>
      <main>
      \(parts.joined(separator: "\n"))
      </main>
      <script>\(DashboardStyle.script)</script>
      </body>
      </html>

      """
  }

  private func text(_ duration: Duration) -> String { "\(LogValue.duration(duration))" }

  // MARK: Sections

  private func health(_ report: HealthReport) -> String {
    guard !report.entries.isEmpty else { return "<p class=\"soft\">No checks.</p>" }
    let rows = report.entries.map { entry in
      let tone = entry.status == "ok" ? "good" : entry.isFailing && entry.isCritical ? "bad" : "fair"
      let kind = entry.isCritical ? "critical" : "optional"
      return [
        HTML.escape(entry.name), "<b class=\"badge \(tone)\">\(entry.status)</b>\(Self.failures(entry))", kind,
        text(entry.duration), HTML.escape(entry.failure ?? ""),
      ]
    }
    return HTML.table("Health checks", ["check", "status", "kind", "took", "what is wrong"], numbers: [3], rows)
  }

  /// How many of those that it takes; once it fails, how many there have been.
  private static func failures(_ entry: HealthReport.Entry) -> String {
    guard entry.isFailing else { return entry.failures > 0 ? " (\(entry.failures) of \(entry.failureThreshold))" : "" }
    return entry.failures > 1 ? " (\(entry.failures) in a row)" : ""
  }

  private func pool() -> String? {
    guard let database = panel.database else { return nil }
    let stat = database.pool.stat()
    func gauge(_ value: Int, _ name: String, _ tone: String = "") -> String {
      "<div class=\"gauge \(tone)\"><dd>\(value)</dd><dt>\(name)</dt></div>"
    }
    let share = stat.max > 0 ? stat.acquired * 100 / stat.max : 0
    let wait = stat.acquireDuration.count > 0 ? stat.acquireDuration.sum / Double(stat.acquireDuration.count) : 0
    let holders = database.pool.holders().prefix(8).map { "<li><code>\(HTML.escape("\($0)"))</code></li>" }
    return """
      <dl class="gauges">
      \(gauge(stat.acquired, "in use", share >= 100 ? "bad" : share >= 80 ? "fair" : ""))
      \(gauge(stat.idle, "idle")) \(gauge(stat.constructing, "being made")) \(gauge(stat.max, "at most"))
      \(gauge(stat.waiting, "waiting", stat.waiting > 0 ? "bad" : ""))
      </dl>
      <figure>\(panel.history.svg(max: stat.max))
      <figcaption class="soft">Ten minutes: <i class="key used"></i>in use <i class="key open"></i>open
      <i class="key wait"></i>tasks waiting</figcaption></figure>
      <p class="soft">\(stat.acquireCount) acquires, \(text(.seconds(wait))) each on average; \(stat.emptyAcquireCount) waited,
      \(stat.canceledAcquireCount) gave up. \(stat.newCount) connections made, \(stat.maxLifetimeDestroyCount) closed for their
      age, \(stat.maxIdleDestroyCount) for idleness. Server: \(HTML.escape(database.kind)).</p>
      \(holders.isEmpty ? "" : "<h3>Held now</h3><ul>\(holders.joined())</ul>")
      """
  }

  private func queries() -> String? {
    guard let statistics = panel.database?.statistics else { return nil }
    let lines = statistics.slowest(12)
    guard !lines.isEmpty else { return "<p class=\"soft\">None has run yet.</p>" }
    let rows = lines.map { line in
      [
        "<code>\(HTML.escape(line.name))</code>", text(line.mean), text(line.longest), text(line.total),
        "\(line.count)",
        line.failures > 0 ? "<b class=\"badge bad\">\(line.failures)</b>" : "0", "\(line.rows)",
      ]
    }
    return "<p class=\"soft\">The slowest on average, by name.</p>"
      + HTML.table(
        "Queries by name", ["query", "mean", "longest", "total", "count", "failed", "rows"],
        numbers: [1, 2, 3, 4, 5, 6], rows)
  }

  private func migrations() -> String? {
    guard panel.database?.migrator != nil else { return nil }
    guard let schema = panel.schema else { return "<p class=\"soft\">Not read yet.</p>" }
    let age = "<p class=\"soft\">Read \(text(.now - schema.read)) ago.</p>"
    switch schema.outcome {
    case .failure(let error): return "<p class=\"badge bad\">unknown</p> <p>\(HTML.escape("\(error)"))</p>\(age)"
    case .success(let status):
      let tone = status.isDirty ? "bad" : status.pendingCount > 0 ? "fair" : "good"
      let word =
        status.isDirty ? "stopped half way" : status.pendingCount > 0 ? "\(status.pendingCount) pending" : "current"
      let rows = status.sets.flatMap { set in
        set.lines.reversed().map { line in
          [
            HTML.escape(set.name), "\(line.version)", HTML.escape(line.title),
            line.state.rawValue + (line.isChanged ? ", file changed" : ""),
            line.record?.appliedAt.map { HTML.escape($0.formatted(.iso8601)) } ?? "",
            HTML.escape(line.record?.appliedBy ?? ""),
          ]
        }
      }
      return """
        <p><b class="badge \(tone)">\(word)</b> version \(status.version) of \(status.latestVersion)</p>
        <details><summary>All migrations</summary>
        \(HTML.table("Migrations", ["set", "version", "title", "state", "applied at", "by"], numbers: [1], rows))
        </details>\(age)
        """
    }
  }

  private func start() -> String? { panel.graph?.timelineHTML() }

  private func graph() -> String? {
    guard let graph = panel.graph else { return nil }
    return """
      <p class="soft">\(graph.nodes.count) elements in \(graph.modules.count - 1) modules; what is on the left is started
      first. <a href="/debug/graph">On a page of its own</a>, with a search.</p>
      <div class="scroll" tabindex="0" role="region" aria-label="Dependency graph">\(graph.svg())</div>
      """
  }

  private func configuration() -> String {
    do {
      let rows = try panel.configuration.effective(panel.catalogs).map { row in
        let value = row.value == "null" ? "<span class=\"soft\">none</span>" : "<code>\(HTML.escape(row.value))</code>"
        let source = row.source == .default ? "<span class=\"soft\">default</span>" : HTML.escape("\(row.source)")
        return [
          "<span title=\"\(HTML.escape(row.setting.summary))\">\(HTML.escape(row.setting.path))</span>", value, source,
        ]
      }
      return HTML.table("Settings", ["setting", "value", "from"], rows)
    } catch {
      return "<p>\(HTML.escape("\(error)"))</p>"
    }
  }

  private func log() -> String {
    let current = panel.levelControl.level
    let options = Logger.Level.allCases.map { level in
      "<option\(level == current ? " selected" : "")>\(level.rawValue)</option>"
    }
    return """
      <form method="post" action="/debug/log-level">
      <label>Level <select name="level">\(options.joined())</select></label> <button>Set</button>
      <span class="soft">until the process ends or is told otherwise</span>
      </form>
      """
  }

  private func build() -> String {
    #if DEBUG
      let kind = "debug"
    #else
      let kind = "release"
    #endif
    let rows = [
      ["program", HTML.escape("\(panel.program) \(panel.version)")], ["build", kind],
      ["process", "\(getpid())"], ["app", panel.appState.rawValue],
    ]
    return HTML.table("Build and process", ["what", "value"], rows)
      + "<p><a href=\"/metrics\">/metrics</a> <a href=\"/livez\">/livez</a> <a href=\"/readyz\">/readyz</a> "
      + "<a href=\"/startupz\">/startupz</a> <a href=\"/debug/config\">/debug/config</a> "
      + "<a href=\"/debug/pool\">/debug/pool</a> <a href=\"/debug/queries\">/debug/queries</a></p>"
  }
}
