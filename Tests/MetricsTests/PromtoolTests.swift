import PrometheusMetrics
import Testing

/// Prometheus' own tool judges our pages. It comes with the package `prometheus`, which CI installs.
@Suite struct PromtoolTests {
  /// What `promtool check metrics` says of a page: nothing when it is clean.
  private func check(_ page: [UInt8]) throws -> (output: String, status: Int32) {
    try Judge.run("promtool check metrics", page)
  }

  @Test func `promtool finds nothing in a page with every kind of metric`() async throws {
    let registry = MetricsRegistry()
    try registry.register(ProcessCollector())
    try registry.register(BuildInfoCollector(name: "test", version: "1.0", revision: "abc"))
    let requests = try registry.counter("http_requests_total", help: "Requests \\ served\nby us.", labels: ["path"])
    let latency = try registry.histogram("http_request_duration_seconds", help: "Latency.", labels: ["path"])
    for value in ["/", "a\"b", "back\\slash", "new\nline", "grüße", "\u{0}\u{7f}", "{}=,", "", "日本"] {
      requests.with(value).increment(by: 0.25)
      latency.with(value).observe(0.2)
    }
    let sizes = try registry.summary("size_bytes", help: "Sizes.", labels: ["path"])
    sizes.with("/").observe(3)
    let extremes = try registry.gauge("extremes", help: "Extremes.", labels: ["of"])
    for value in [Double.nan, .infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude, -0.0] {
      extremes.with("\(value)").set(value)
    }
    let page = await registry.render(.text)
    let (output, status) = try check(page)
    #expect(output == "" && status == 0, "\(output)\n\(String(decoding: page, as: UTF8.self))")
  }

  @Test func `promtool finds nothing with random label values`() async throws {
    let registry = MetricsRegistry()
    let family = try registry.counter("things_total", help: "Things.", labels: ["a", "b"])
    for _ in 0..<500 {
      let values = (0..<2).map { _ in
        String(
          String.UnicodeScalarView((0..<8).compactMap { _ in Unicode.Scalar(UInt32.random(in: 0...0x2FF)) }))
      }
      family.with(values).increment()
    }
    let (output, status) = try check(await registry.render(.text))
    #expect(output == "" && status == 0, "\(output)")
  }

  @Test func `promtool does find what is wrong`() throws {
    #expect(try check(Array("a{ 1\n".utf8)).status != 0)
  }
}
