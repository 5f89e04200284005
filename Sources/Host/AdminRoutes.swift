internal import HTTPServer
internal import Health
internal import PrometheusMetrics

/// The pages for Prometheus and for whoever decides whether the process gets traffic.
enum AdminRoutes {
  /// All of them.
  static func all(_ registry: MetricsRegistry, _ monitor: HealthMonitor) -> [Route] {
    [metrics(registry), liveness(), readiness(monitor), startup(monitor)]
  }

  /// `/metrics`: Prometheus' text format, or OpenMetrics for who asks for it.
  static func metrics(_ registry: MetricsRegistry) -> Route {
    Route(.get, "/metrics") { request in
      let format = ExpositionFormat.negotiate(accept: request.headers.values(for: "accept").joined(separator: ","))
      var response = HTTPResponse(await registry.render(format), contentType: format.contentType)
      // A cache in between is to keep the formats apart.
      response.headers["Vary"] = "Accept"
      return response
    }
  }

  /// `/livez`: the process answers. It touches nothing else, so that a database that is down restarts no process.
  static func liveness() -> Route {
    Route(.get, "/livez") { _ in json(#"{"status":"alive"}"#) }
  }

  /// `/readyz`: the process can do its work; 503 and the reasons while it cannot.
  static func readiness(_ monitor: HealthMonitor) -> Route {
    Route(.get, "/readyz") { _ in
      let report = await monitor.report()
      return json(report.json, report.isReady ? .ok : .serviceUnavailable)
    }
  }

  /// `/startupz`: the app has started, migrations included; 503 until then, 200 ever after.
  static func startup(_ monitor: HealthMonitor) -> Route {
    Route(.get, "/startupz") { _ in
      let (hasStarted, took) = await monitor.startup()
      let seconds = (took / .milliseconds(1)).rounded() / 1000
      return json(
        #"{"status":"\#(hasStarted ? "started" : "starting")","took_seconds":\#(seconds)}"#,
        hasStarted ? .ok : .serviceUnavailable)
    }
  }

  private static func json(_ text: String, _ status: HTTPStatus = .ok) -> HTTPResponse {
    var response = HTTPResponse(text, status: status, contentType: "application/json")
    // An answer about a moment is of no use in the next.
    response.headers["Cache-Control"] = "no-store"
    return response
  }
}
