import HTTPServer
import MetricsTesting
import PrometheusMetrics
import Testing

@testable import Host

@Suite struct HTTPMetricsTests {
  private func record(
    _ method: HTTPMethod, _ route: String?, _ status: HTTPStatus, _ duration: Duration = .milliseconds(500)
  ) -> HTTPRequestRecord {
    HTTPRequestRecord(
      method: method, target: "/users/7?secret=x", route: route, status: status, outcome: .answered, duration: duration,
      requestBytes: 0, responseBytes: 0, remoteAddress: "127.0.0.1", id: nil)
  }

  @Test func `requests are counted by method, route as declared, and status`() async throws {
    let registry = MetricsRegistry()
    let metrics = try HTTPMetrics(registry)
    metrics.requestFinished(record(.get, "/users/:id", .ok))
    metrics.requestFinished(record(.get, "/users/:id", .ok, .seconds(3)))
    metrics.requestFinished(record(.get, "/users/:id", .notFound))
    metrics.requestFinished(record(HTTPMethod(rawValue: "BREW"), nil, .notFound))
    metrics.requestMalformed(remoteAddress: "", status: .badRequest)
    metrics.requestMalformed(remoteAddress: "", status: nil)
    metrics.connectionOpened(remoteAddress: "")
    metrics.connectionOpened(remoteAddress: "")
    metrics.connectionClosed(remoteAddress: "", requests: 1)
    let page = try await registry.page()
    func requests(_ method: String, _ route: String, _ status: String) -> Double? {
      page.value("http_server_requests_total", ["method": method, "route": route, "status": status])
    }
    #expect(requests("GET", "/users/:id", "200") == 2)
    #expect(requests("GET", "/users/:id", "404") == 1)
    #expect(requests("other", "none", "404") == 1)
    let seconds = ["method": "GET", "route": "/users/:id"]
    #expect(page.value("http_server_request_duration_seconds_count", seconds) == 3)
    #expect(page.value("http_server_request_duration_seconds_sum", seconds) == 4)
    #expect(page.value("http_server_malformed_requests_total", ["status": "400"]) == 1)
    #expect(page.value("http_server_malformed_requests_total", ["status": "none"]) == 1)
    #expect(page.value("http_server_connections") == 1)
  }
}
