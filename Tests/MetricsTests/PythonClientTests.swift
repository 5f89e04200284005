import Foundation
import PrometheusMetrics
import Testing

/// The strict OpenMetrics parser of PyPI's `prometheus_client` judges our pages, in a Python that `scripts/test-python`
/// makes.
@Suite struct PythonClientTests {
  private enum Phase: String, CaseIterable { case starting, running }

  @Test(arguments: [false, true])
  func `the strict parser accepts a page with every kind of metric`(created: Bool) async throws {
    var options = MetricsRegistry.Options()
    options.createdSamples = created
    let registry = MetricsRegistry(options: options)
    try registry.register(ProcessCollector())
    try registry.register(BuildInfoCollector(name: "test", version: "1.0", revision: "abc"))
    let sent = try registry.counter("sent_bytes_total", help: "Bytes \\ sent\n\"here\".", labels: ["path"])
    let wait = try registry.histogram("wait_seconds", help: "Waits.", labels: ["path"])
    let size = try registry.summary("size_bytes", help: "Sizes.", labels: ["path"])
    _ = try registry.stateSet("app_phase", help: "Phase.", initially: Phase.running)
    for value in ["/", "a\"b", "back\\slash", "new\nline", "{}=,# 1", "", "日本", "\u{0}\r\u{85}\u{2028}"] {
      // This parser cannot read braces and quotes in the labels of exemplars, where the standard allows them.
      let exemplar: MetricLabels = ["trace_id": value.filter { !"{}\"\\".contains($0) }]
      sent.with(value).increment(by: 0.25, exemplar: exemplar)
      wait.with(value).observe(0.2, exemplar: exemplar)
      wait.with(value).observe(1e9, exemplar: exemplar)
      size.with(value).observe(3)
    }
    try registry.histogram("drift_seconds", help: "Drift.", buckets: [-1, 0, 1e-7, 1e22]).observe(-3)
    _ = try registry.summary("unused_seconds", help: "Unused.")
    let extremes = try registry.gauge("extremes", help: "Extremes.", labels: ["of"])
    for value in [Double.nan, .infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude, -0.0] {
      extremes.with("\(value)").set(value)
    }
    let samples = try PythonClient.parse(await registry.render(.openMetrics))
    #expect(samples.contains { $0.name == "sent_bytes_total" && $0.labels == ["path": "a\"b"] })
    #expect(samples.contains { $0.name == "wait_seconds_created" } == created)
  }

  @Test func `fuzzed label values survive the strict parser`() async throws {
    let registry = MetricsRegistry()
    let family = try registry.counter("things_total", help: "Things.", labels: ["a", "b"])
    var expected: Set<[String: String]> = []
    for _ in 0..<800 {
      let values = (0..<2).map { _ in
        let scalars = (0..<Int.random(in: 0...8)).compactMap { _ in
          Bool.random()
            ? Unicode.Scalar(UInt32.random(in: 1...0x10FFFF)) : "\\\"\n{}=, #_\r\t".unicodeScalars.randomElement()
        }
        return String(String.UnicodeScalarView(scalars))
      }
      family.with(values).increment()
      expected.insert(["a": values[0], "b": values[1]])
    }
    let samples = try PythonClient.parse(await registry.render(.openMetrics))
    #expect(Set(samples.filter { $0.name == "things_total" }.map(\.labels)) == expected)
  }

  @Test func `the strict parser does find what is wrong`() {
    #expect(throws: PythonClient.Refusal.self) { try PythonClient.parse(Array("a 1\n".utf8)) }
  }
}

/// Python's Prometheus client, run as a program.
private enum PythonClient {
  struct Sample: Decodable {
    var name: String
    var labels: [String: String]
  }

  struct Refusal: Error {
    var output: String
  }

  static func parse(_ page: [UInt8]) throws -> [Sample] {
    let script = """
      import io, json, sys
      from prometheus_client.openmetrics.parser import text_fd_to_metric_families as parse
      page = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", newline="\\n")
      samples = [{"name": s.name, "labels": s.labels} for f in parse(page) for s in f.samples]
      print(json.dumps(samples))
      """
    let root = URL(filePath: #filePath).resolvingSymlinksInPath()
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let command = "\"$('\(root.path)/scripts/test-python')\" -c '\(script)'"
    let (output, status) = try Judge.run(command, page)
    guard status == 0 else { throw Refusal(output: output) }
    return try JSONDecoder().decode([Sample].self, from: Data(output.utf8))
  }
}
