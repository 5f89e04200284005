import MetricsTesting
import PrometheusMetrics
import Testing

@Suite struct OpenMetricsReaderTests {
  @Test func `a name that does not quite end with a unit has none`() async throws {
    let registry = MetricsRegistry()
    _ = try registry.gauge("wait_seconds_", help: "Wait.")
    _ = try registry.counter("sent_bytes__total", help: "Sent.")
    let page = try await registry.page(.openMetrics)
    #expect(page.families.map(\.name) == ["wait_seconds_", "sent_bytes_"])
    #expect(page.families.allSatisfy { $0.unit == nil })
  }

  @Test func `what a registry writes is read back, exemplars and units too`() async throws {
    var options = MetricsRegistry.Options()
    options.createdSamples = true
    let registry = MetricsRegistry(options: options)
    try registry.info("build_info", help: "The \"build\".", ["version": "1.2"])
    try registry.counter("sent_bytes_total", help: "Bytes sent.").increment(by: 3, exemplar: ["trace_id": "a\"b"])
    let wait = try registry.histogram("wait_seconds", help: "Waits.", buckets: [0.1, 1])
    wait.observe(0.5, exemplar: ["trace_id": "xyz"])
    try registry.histogram("drift_seconds", help: "Drift.", buckets: [-1, 1]).observe(0.5)
    try registry.summary("size_bytes", help: "Sizes.", quantiles: [0.5]).observe(4)
    let page = try await registry.page(.openMetrics)
    #expect(page.family("build")?.type == "info")
    #expect(page.value("build_info", ["version": "1.2"]) == 1)
    #expect(page.family("sent_bytes")?.unit == "bytes")
    let sent = try #require(page.samples.first { $0.name == "sent_bytes_total" })
    #expect(sent.exemplar?.labels == ["trace_id": "a\"b"])
    #expect(sent.exemplar?.value == 3)
    #expect((sent.exemplar?.timestamp ?? 0) > 1_700_000_000)
    #expect(page.samples.compactMap(\.exemplar).count == 2)
    #expect(page.family("wait_seconds")?.samples.count == 6)
    #expect(page.family("drift_seconds")?.samples.count == 4)
  }

  @Test(arguments: ExpositionFormat.allCases)
  func `help is read back as it was written, quotation marks and escapes included`(
    format: ExpositionFormat
  ) async throws {
    let registry = MetricsRegistry()
    for help in [#"Says "hello" to all."#, "One\nline, one \\ stroke.", #"Ends with ""#] {
      let name = "m\(help.utf8.count)"
      try registry.gauge(name, help: help).set(1)
      #expect(try await registry.page(format).family(name)?.help == help)
    }
  }

  @Test(arguments: [
    ("# TYPE a gauge\na 1\n", "line 2: the page does not end with # EOF"),
    ("# EOF\na 1\n", "line 2: something follows # EOF"),
    ("# a comment\n# EOF\n", "line 1: OpenMetrics has no such comment: '# a comment'"),
    ("# TYPE a untyped\n# EOF\n", "line 1: 'untyped' is not a type"),
    ("# TYPE a gauge\n\na 1\n# EOF\n", "line 2: OpenMetrics has no empty lines"),
    ("# TYPE a counter\na_sum 1\n# EOF\n", "line 2: 'a_sum' has no suffix of a counter"),
    (
      "# TYPE a_seconds gauge\n# UNIT a_seconds bytes\n# EOF\n",
      "line 2: 'a_seconds' does not end with its unit 'bytes'"
    ),
    ("# TYPE a gauge\na 1 # {x=\"y\"} 1\n# EOF\n", "line 2: 'a' may have no exemplar"),
    ("# TYPE a counter\na_total 1 # {x=\"y\"}\n# EOF\n", "line 2: an exemplar has a value"),
    (
      "# TYPE a counter\na_total 1 # {x=\"\(String(repeating: "y", count: 128))\"} 1\n# EOF\n",
      "line 2: the labels of an exemplar have 128 characters at most"
    ),
  ])
  func `what breaks the format is named with its line`(text: String, message: String) {
    let error = #expect(throws: ExpositionPageError.self) {
      try ExpositionPage(Array(text.utf8), format: .openMetrics)
    }
    #expect(error?.description == message)
  }
}
