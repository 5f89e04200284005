import MetricsTesting
import PrometheusMetrics
import Testing

@Suite struct RegistryTests {
  private let registry = MetricsRegistry()

  private func fault(_ body: () throws(MetricsError) -> Void) -> String? {
    do {
      try body()
      return nil
    } catch {
      return error.description
    }
  }

  @Test(arguments: [
    ("jobs", MetricType.counter, "the name of a counter ends with '_total': 'jobs_total'"),
    ("jobs_total", .gauge, "'_total' is for counters; this is a gauge"),
    ("jobs_count", .gauge, "the suffix '_count' is reserved for the series of histograms and summaries"),
    ("jobsRunning", .gauge, "a name is snake_case: lower-case letters, digits and '_', a letter first"),
    ("jobs:running", .gauge, "a name is snake_case: lower-case letters, digits and '_', a letter first"),
    ("", .gauge, "a name is snake_case: lower-case letters, digits and '_', a letter first"),
    ("9_lives", .gauge, "a name is snake_case: lower-case letters, digits and '_', a letter first"),
    ("wait_milliseconds", .histogram, "use the base unit 'seconds' in place of 'milliseconds'"),
    ("wait_ms_total", .counter, "use the base unit 'seconds' in place of 'ms'"),
    ("wait_duration", .histogram, "use the base unit 'seconds' in place of 'duration'"),
    ("jobs_gauge", .gauge, "leave the type out of the name: 'gauge' is said by TYPE"),
    ("build", .info, "the name of an info ends with '_info'"),
    ("build_info", .gauge, "'_info' is for infos"),
  ])
  func `a name that breaks the conventions is refused`(name: String, type: MetricType, message: String) {
    struct Collector: MetricsCollector {
      let descriptors: [MetricDescriptor]
      func collect() -> [MetricFamily] { [] }
    }
    let collector = Collector(descriptors: [MetricDescriptor(name, type, help: "Help.")])
    #expect(fault { () throws(MetricsError) in try registry.register(collector) } == "metric '\(name)': \(message)")
  }

  @Test func `help, labels and buckets are checked`() {
    #expect(
      fault { () throws(MetricsError) in _ = try registry.gauge("a", help: " ") }
        == "metric 'a': help is missing: say in a sentence what is measured")
    for label in ["", "Method", "__name__", "a-b", "ä"] {
      #expect(
        fault { () throws(MetricsError) in _ = try registry.gauge("a", help: "A.", labels: [label]) }
          == "metric 'a': the label '\(label)' is not snake_case: lower-case letters, digits and '_', a letter first")
    }
    #expect(
      fault { () throws(MetricsError) in _ = try registry.gauge("a", help: "A.", labels: ["b", "b"]) }
        == "metric 'a': the label 'b' stands twice")
    #expect(
      fault { () throws(MetricsError) in _ = try registry.histogram("a", help: "A.", labels: ["le"]) }
        == "metric 'a': the label 'le' is the histogram's own")
    #expect(
      fault { () throws(MetricsError) in _ = try registry.histogram("a", help: "A.", buckets: [1, 1]) }
        == "metric 'a': bounds must rise: 1.0 follows 1.0")
    #expect(
      fault { () throws(MetricsError) in _ = try registry.histogram("a", help: "A.", buckets: []) }
        == "metric 'a': a histogram needs at least one bound")
    #expect(
      fault { () throws(MetricsError) in _ = try registry.histogram("a", help: "A.", buckets: [1, .nan]) }
        == "metric 'a': the bound nan is not a number")
  }

  @Test func `a name is registered once`() throws {
    _ = try registry.gauge("jobs", help: "Jobs.")
    let error = #expect(throws: MetricsError.self) { try registry.gauge("jobs", help: "Jobs.") }
    #expect(error?.code == .duplicate)
    #expect(throws: MetricsError.self) { try registry.counter("jobs_total", help: "Jobs.") }
  }

  @Test func `series beyond the cap go to other and are counted`() async throws {
    var options = MetricsRegistry.Options()
    options.maxSeriesPerMetric = 3
    let registry = MetricsRegistry(options: options)
    let family = try registry.counter("requests_total", help: "Requests.", labels: ["path"])
    for number in 0..<10 { family.with("/\(number)").increment() }
    family.with("/0").increment()

    let page = try await registry.page()
    #expect(page.family("requests_total")?.samples.count == 4)
    #expect(page.value("requests_total", ["path": "/0"]) == 2)
    #expect(page.value("requests_total", ["path": "other"]) == 7)
    #expect(page.value("metrics_series_overflow_total", ["metric": "requests_total"]) == 7)
  }

  @Test func `a wrong number of label values shows as other`() async throws {
    let family = try registry.gauge("size_bytes", help: "Sizes.", labels: ["a", "b"])
    // A zero from the start, so that what is asked for it is known to be spelt as it is.
    #expect(try await registry.page().value("metrics_label_mismatch_total", ["metric": "size_bytes"]) == 0)
    family.with("x").set(1 as Int)
    family.with().increment()
    let page = try await registry.page()
    #expect(page.value("size_bytes", ["a": "other", "b": "other"]) == 2)
    // Nobody is to look for too many series.
    #expect(page.value("metrics_series_overflow_total", ["metric": "size_bytes"]) == 0)
    #expect(page.value("metrics_label_mismatch_total", ["metric": "size_bytes"]) == 2)
  }

  @Test func `the value other used in earnest is the overflow's series`() async throws {
    var options = MetricsRegistry.Options()
    options.maxSeriesPerMetric = 1
    let registry = MetricsRegistry(options: options)
    let family = try registry.counter("requests_total", help: "Requests.", labels: ["path"])
    family.with("other").increment()
    family.with("/").increment()
    #expect(try await registry.page().value("requests_total", ["path": "other"]) == 2)
  }

  @Test func `a removed series leaves the page and makes room`() async throws {
    let family = try registry.counter("requests_total", help: "Requests.", labels: ["path"])
    family.with("/a").increment()
    family.with("/b").increment()
    family.remove("/a")
    family.remove("/never")
    let page = try await registry.page()
    #expect(page.family("requests_total")?.samples.map(\.labels) == [["path": "/b"]])
    family.with("/a").increment()
    #expect(try await registry.page().value("requests_total", ["path": "/a"]) == 1)
  }

  @Test func `a series leaves the page under another spelling of its label, too`() async throws {
    let family = try registry.counter("requests_total", help: "Requests.", labels: ["path"])
    family.with("caf\u{E9}").increment()
    family.remove("cafe\u{301}")
    family.with("caf\u{E9}").increment()
    #expect(try await registry.page().family("requests_total")?.samples.count == 1)
  }

  @Test func `a zero byte in a label does not end the page`() async throws {
    try registry.counter("requests_total", help: "Requests.", labels: ["path"]).with("a\0b").increment()
    let page = Array(await registry.render(.text))
    #expect(!page.contains(0))
    #expect(try await registry.page().value("requests_total", ["path": "a\u{FFFD}b"]) == 1)
  }

  @Test func `an addition that is ignored leaves no exemplar`() async throws {
    let counter = try registry.counter("requests_total", help: "Requests.")
    counter.increment(by: -1, exemplar: ["trace_id": "t"])
    counter.increment(by: .nan, exemplar: ["trace_id": "t"])
    let page = String(decoding: await registry.render(.openMetrics), as: UTF8.self)
    #expect(page.contains("requests_total 0") && !page.contains("trace_id"))
  }

  @Test func `a gauge is read at each scrape`() async throws {
    let gauge = try registry.gauge("source", help: "Source.")
    try registry.gauge("twice", help: "Twice.") { gauge.value * 2 }
    gauge.set(4 as Int)
    #expect(try await registry.page().value("twice") == 8)
  }

  @Test func `gather gives values in the order of registration, without empty metrics`() async throws {
    _ = try registry.gauge("b", help: "B.")
    _ = try registry.gauge("a", help: "A.")
    _ = try registry.gauge("empty", help: "Empty.", labels: ["x"])
    let names = await registry.gather().map(\.descriptor.name)
    #expect(names == ["metrics_series_overflow_total", "metrics_label_mismatch_total", "b", "a"])
  }
}
