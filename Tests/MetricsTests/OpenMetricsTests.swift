import PrometheusMetrics
import Testing

@Suite struct OpenMetricsTests {
  /// The page with every time of day replaced, which differs from run to run.
  private func render(_ registry: MetricsRegistry) async -> String {
    String(decoding: await registry.render(.openMetrics), as: UTF8.self)
      .replacing(#/\b1[6-9]\d{8}(\.\d+)?$/#.anchorsMatchLineEndings(), with: "NOW")
  }

  @Test func `the page is OpenMetrics to the byte`() async throws {
    var options = MetricsRegistry.Options()
    options.createdSamples = true
    let registry = MetricsRegistry(options: options)
    try registry.info("build_info", help: "The \"build\".", ["version": "1.2"])
    try registry.counter("sent_bytes_total", help: "Bytes sent.").increment(by: 3, exemplar: ["trace_id": "a\"b"])
    try registry.gauge("temperature_celsius", help: "It's warm.").set(-1.25)
    let wait = try registry.histogram("wait_seconds", help: "Waits.", buckets: [0.1, 1])
    wait.observe(0.5, exemplar: ["trace_id": "xyz"])
    wait.observe(.seconds(2))
    try registry.summary("size_bytes", help: "Sizes.", quantiles: [0.5, 1]).observe(4)

    #expect(
      await render(registry) == #"""
        # HELP build The \"build\".
        # TYPE build info
        build_info{version="1.2"} 1
        # HELP sent_bytes Bytes sent.
        # TYPE sent_bytes counter
        # UNIT sent_bytes bytes
        sent_bytes_total 3 # {trace_id="a\"b"} 3 NOW
        sent_bytes_created NOW
        # HELP temperature_celsius It's warm.
        # TYPE temperature_celsius gauge
        # UNIT temperature_celsius celsius
        temperature_celsius -1.25
        # HELP wait_seconds Waits.
        # TYPE wait_seconds histogram
        # UNIT wait_seconds seconds
        wait_seconds_bucket{le="0.1"} 0
        wait_seconds_bucket{le="1.0"} 1 # {trace_id="xyz"} 0.5 NOW
        wait_seconds_bucket{le="+Inf"} 2
        wait_seconds_sum 2.5
        wait_seconds_count 2
        wait_seconds_created NOW
        # HELP size_bytes Sizes.
        # TYPE size_bytes summary
        # UNIT size_bytes bytes
        size_bytes{quantile="0.5"} 4.03125
        size_bytes{quantile="1.0"} 4.03125
        size_bytes_sum 4
        size_bytes_count 1
        size_bytes_created NOW
        # EOF

        """#)
  }

  @Test func `an empty registry is a page that only ends`() async {
    #expect(await render(MetricsRegistry()) == "# EOF\n")
  }

  @Test func `the text format shows neither exemplars nor times of creation`() async throws {
    var options = MetricsRegistry.Options()
    options.createdSamples = true
    let registry = MetricsRegistry(options: options)
    try registry.counter("sent_bytes_total", help: "Bytes sent.").increment(by: 3, exemplar: ["trace_id": "x"])
    #expect(String(decoding: await registry.render(.text), as: UTF8.self).hasSuffix("\nsent_bytes_total 3\n"))
  }

  @Test(
    arguments: [
      ["trace_id": String(repeating: "x", count: 121)], ["Trace": "x"], ["a": "1", "b": "2", "a": "3"],
    ] as [MetricLabels])
  func `an exemplar that OpenMetrics does not allow is left out`(labels: MetricLabels) async throws {
    #expect(Exemplar(1, labels: labels) == nil)
    let registry = MetricsRegistry()
    try registry.counter("sent_bytes_total", help: "Bytes sent.").increment(by: 3, exemplar: labels)
    #expect(await render(registry).hasSuffix("\nsent_bytes_total 3\n# EOF\n"))
  }

  @Test func `a sum that may fall is left out together with the count`() async throws {
    let registry = MetricsRegistry()
    try registry.histogram("drift_seconds", help: "Drift.", buckets: [-1, 1]).observe(0.5)
    #expect(await render(registry).hasSuffix("drift_seconds_bucket{le=\"+Inf\"} 1\n# EOF\n"))
  }
}
