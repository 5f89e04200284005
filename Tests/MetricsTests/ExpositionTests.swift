import MetricsTesting
import PrometheusMetrics
import Testing

@Suite struct ExpositionTests {
  private let registry = MetricsRegistry()

  private func render(_ registry: MetricsRegistry) async -> String {
    String(decoding: await registry.render(.text), as: UTF8.self)
  }

  @Test func `the page is the text format to the byte`() async throws {
    let requests = try registry.counter("http_requests_total", help: "Requests \\ served\nby us.", labels: ["path"])
    requests.with("a\"b\\c\nd").increment(by: 3)
    try registry.gauge("temperature_celsius", help: "It's warm.").set(-1.25)
    let latency = try registry.histogram(
      "wait_seconds", help: "Waits.", labels: ["queue"], buckets: [0.005, 1, 1e6, 1e-7].sorted(by: <).asBuckets)
    latency.with("mail").observe(0.5)
    latency.with("mail").observe(2)
    try registry.histogram("size_bytes", help: "Sizes.", buckets: [10]).observe(3)

    #expect(
      await render(registry) == #"""
        # HELP metrics_series_overflow_total Uses of the series 'other' because a metric had too many series.
        # TYPE metrics_series_overflow_total counter
        metrics_series_overflow_total{metric="http_requests_total"} 0
        metrics_series_overflow_total{metric="wait_seconds"} 0
        # HELP metrics_label_mismatch_total Uses of the series 'other' for too few or too many label values.
        # TYPE metrics_label_mismatch_total counter
        metrics_label_mismatch_total{metric="http_requests_total"} 0
        metrics_label_mismatch_total{metric="wait_seconds"} 0
        # HELP http_requests_total Requests \\ served\nby us.
        # TYPE http_requests_total counter
        http_requests_total{path="a\"b\\c\nd"} 3
        # HELP temperature_celsius It's warm.
        # TYPE temperature_celsius gauge
        temperature_celsius -1.25
        # HELP wait_seconds Waits.
        # TYPE wait_seconds histogram
        wait_seconds_bucket{queue="mail",le="1e-07"} 0
        wait_seconds_bucket{queue="mail",le="0.005"} 0
        wait_seconds_bucket{queue="mail",le="1.0"} 1
        wait_seconds_bucket{queue="mail",le="1000000.0"} 2
        wait_seconds_bucket{queue="mail",le="+Inf"} 2
        wait_seconds_sum{queue="mail"} 2.5
        wait_seconds_count{queue="mail"} 2
        # HELP size_bytes Sizes.
        # TYPE size_bytes histogram
        size_bytes_bucket{le="10.0"} 1
        size_bytes_bucket{le="+Inf"} 1
        size_bytes_sum 3
        size_bytes_count 1

        """#)
  }

  @Test(
    arguments: [
      (0, "0"), (-0.0, "0"), (1, "1"), (-42, "-42"), (0.1, "0.1"), (1e15, "1000000000000000"),
      (999_999_999_999_999, "999999999999999"),
      (1e300, "1e+300"), (.leastNonzeroMagnitude, "5e-324"), (.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"),
      (1.0 / 3, "0.3333333333333333"), (1e16, "1e+16"),
    ] as [(Double, String)])
  func `a number is written shortest`(value: Double, expected: String) async throws {
    try registry.gauge("x", help: "X.").set(value)
    #expect(await render(registry).hasSuffix("\nx \(expected)\n"))
  }

  @Test func `any number and any label value survive being written and read`() async throws {
    let family = try registry.gauge("x", help: "X.", labels: ["v"])
    var expected: [String: UInt64] = [:]
    for _ in 0..<500 {
      let scalars = (0..<Int.random(in: 0...12)).compactMap { _ in
        Bool.random()
          ? Unicode.Scalar(UInt32.random(in: 1...0x10FFFF)) : "\\\"\n {},=\r\t#".unicodeScalars.randomElement()
      }
      let label = String(String.UnicodeScalarView(scalars))
      let value = Double(bitPattern: .random(in: .min ... .max))
      family.with(label).set(value)
      expected[label] = value.isNaN ? Double.nan.bitPattern : value.bitPattern
    }
    let page = try await registry.page()
    for (label, bits) in expected {
      let value = try #require(page.value("x", ["v": label]))
      #expect(value.isNaN ? Double(bitPattern: bits).isNaN : value == Double(bitPattern: bits))
    }
  }

  @Test func `the parser of the kit refuses what breaks the format`() {
    for (text, message) in [
      ("a 1", "line 0: the page does not end with a newline"),
      ("a 1\na 2\n", "line 2: the series 'a 2' stands twice"),
      ("a 1\nb 1\na{x=\"1\"} 1\n", "line 3: the metric 'a' stands in two places"),
      ("a 1\n\nb one\n", "line 3: 'one' is not a number"),
      ("1a 1\n", "line 1: a sample begins with a name, found '1a 1'"),
      ("a{1x=\"y\"} 1\n", "line 1: a label is name=\"value\""),
      ("a one\n", "line 1: 'one' is not a number"),
      ("a{x=1} 1\n", "line 1: a label is name=\"value\""),
      ("a{x=\"\\q\"} 1\n", "line 1: the value of 'x' does not end or escapes wrongly"),
      ("# TYPE a colour\n", "line 1: 'colour' is not a type"),
      ("# TYPE a gauge\na 1\n# HELP a A\n", "line 3: HELP of 'a' follows its samples"),
      (
        "# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n",
        "line 4: histogram 'a': its last bucket is not +Inf"
      ),
    ] {
      #expect(throws: ExpositionPageError.self) { try ExpositionPage(Array(text.utf8)) }
      do { _ = try ExpositionPage(Array(text.utf8)) } catch { #expect(error.description == message) }
    }
  }
}

extension [Double] {
  fileprivate var asBuckets: HistogramBuckets { HistogramBuckets(self) }
}
