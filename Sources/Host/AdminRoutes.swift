internal import HTTPServer
internal import Health
internal import PrometheusMetrics

/// The pages for Prometheus and for whoever decides whether the process gets traffic.
enum AdminRoutes {
  /// `/metrics`: Prometheus' text format, or OpenMetrics for who asks for it.
  static func metrics(_ registry: MetricsRegistry) -> Route {
    Route(.get, "/metrics") { request in
      let format = ExpositionFormat.negotiate(accept: request.headers["accept"])
      return HTTPResponse(await registry.render(format), contentType: format.contentType)
    }
  }

  /// `/livez`: the process answers. It touches nothing else, so that a database that is down restarts no process.
  static func liveness() -> Route {
    Route(.get, "/livez") { _ in HTTPResponse(#"{"status":"alive"}"#, contentType: "application/json") }
  }

  /// `/readyz`: the process can do its work; 503 and the reasons while it cannot.
  static func readiness(_ monitor: HealthMonitor) -> Route {
    Route(.get, "/readyz") { _ in
      let report = await monitor.report()
      return HTTPResponse(
        report.json, status: report.isReady ? .ok : .serviceUnavailable, contentType: "application/json")
    }
  }
}
