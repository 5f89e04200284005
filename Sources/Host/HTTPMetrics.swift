internal import HTTPServer
internal import PrometheusMetrics
internal import Synchronization

/// Counts what HTTP servers do. Requests are told apart by the route's path as declared, for targets are without number.
final class HTTPMetrics: HTTPServerObserver {
  /// What a series is found by.
  private struct Key: Hashable {
    var method: HTTPMethod
    var route: String?
    var status: HTTPStatus
  }

  private struct Series {
    var requests: Counter
    var duration: Histogram
  }

  /// From a page out of memory to a slow query.
  private static let buckets: HistogramBuckets = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  ]
  private static let knownMethods: Set<HTTPMethod> = [.get, .head, .post, .put, .patch, .delete, .options]

  private let requests: CounterFamily
  private let durations: HistogramFamily
  private let malformed: CounterFamily
  private let connections: Gauge
  /// The loop asks for the same few series again and again.
  private let series = Mutex<[Key: Series]>([:])

  init(_ registry: MetricsRegistry) throws {
    requests = try registry.counter(
      "http_server_requests_total",
      help:
        "Requests that are over, answered or given up; without an answer 499 for a client that left, 408 for a slow one.",
      labels: ["method", "route", "status"])
    durations = try registry.histogram(
      "http_server_request_duration_seconds",
      help: "From the end of a request's headers to the last byte of its answer.",
      labels: ["method", "route"], buckets: Self.buckets)
    malformed = try registry.counter(
      "http_server_malformed_requests_total",
      help: "Requests that broke the rules of HTTP and reached no handler, by the status they got.", labels: ["status"])
    connections = try registry.gauge("http_server_connections", help: "Connections that are open.")
  }

  func connectionOpened(remoteAddress: String) { connections.increment() }

  func connectionClosed(remoteAddress: String, requests: Int) { connections.decrement() }

  func requestFinished(_ record: HTTPRequestRecord) {
    // Clients choose methods and statuses are few, so that keys are as many as routes, times a handful.
    let method = Self.knownMethods.contains(record.method) ? record.method : HTTPMethod(rawValue: "other")
    let key = Key(method: method, route: record.route, status: record.status)
    let series = series.withLock { known in
      if let series = known[key] { return series }
      let route = key.route ?? "none"
      let made = Series(
        requests: requests.with(method.rawValue, route, "\(key.status)"),
        duration: durations.with(method.rawValue, route))
      known[key] = made
      return made
    }
    series.requests.increment()
    series.duration.observe(record.duration)
  }

  func requestMalformed(remoteAddress: String, status: HTTPStatus?) {
    malformed.with(status.map { "\($0)" } ?? "none").increment()
  }
}
