import EventLoop
import Glibc
import HTTPServer
import PrometheusMetrics

/// The server that `Benchmarks/http` measures. Prints its port and serves until it is killed.
///
/// - `/livez`: a few bytes.
/// - `/metrics12`: what a pool has, eleven numbers and a histogram.
/// - `/metrics`: the same and a thousand series.
///
/// With the argument `gzip` it compresses for those who ask, with `host` it has all the middleware that `Host` puts
/// around its handlers.
@main struct HTTPBench {
  static func main() async throws {
    let small = try pool()
    let large = try pool()
    let requests = try large.counter(
      "http_requests_total", help: "Requests served.", labels: ["method", "path", "status"])
    for number in 0..<1000 { requests.with("GET", "/some/path/\(number)", "200").increment(by: number * 31) }

    let routes = [
      Route(.get, "/livez") { _ in HTTPResponse(#"{"status":"alive"}"#, contentType: "application/json") },
      page("/metrics12", small),
      page("/metrics", large),
    ]
    let middleware: [any HTTPMiddleware] =
      switch CommandLine.arguments.dropFirst().first {
      case "gzip": [GzipMiddleware()]
      case "host": [RequestIDMiddleware(), SecurityHeadersMiddleware(), GzipMiddleware()]
      default: []
      }
    let server = try HTTPServer(
      configuration: HTTPServerConfiguration(address: .ip(host: "127.0.0.1", port: 0)), routes: routes,
      middleware: middleware, loop: try EventLoop())
    let address = try await server.start()
    // Not through a buffer: whoever waits for it reads a file.
    let line = Array("\(address.port ?? 0)\n".utf8)
    write(STDOUT_FILENO, line, line.count)
    try await Task.sleep(for: .seconds(24 * 3600))
  }

  private static func page(_ path: String, _ registry: MetricsRegistry) -> Route {
    Route(.get, path) { request in
      let format = ExpositionFormat.negotiate(accept: request.headers["accept"])
      return HTTPResponse(await registry.render(format), contentType: format.contentType)
    }
  }

  private static func pool() throws -> MetricsRegistry {
    let registry = MetricsRegistry()
    for number in 0..<11 {
      try registry.gauge("pool_figure_\(number)", help: "A figure of the pool.").set(number)
    }
    let wait = try registry.histogram("pool_acquire_seconds", help: "Wait for a connection.")
    for number in 0..<1000 { wait.observe(Double(number) / 1000) }
    return registry
  }
}
