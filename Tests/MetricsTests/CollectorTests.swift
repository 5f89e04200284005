import MetricsTesting
import PrometheusMetrics
import Testing

#if canImport(Glibc)
  import Glibc
#endif

private let length = MetricDescriptor("queue_length", .gauge, help: "Jobs that wait.", labels: ["queue"])
private let done = MetricDescriptor("queue_done_total", .counter, help: "Jobs done.", labels: ["queue"])

private struct QueueCollector: MetricsCollector {
  let labels: MetricLabels
  var extra: [MetricFamily] = []
  var descriptors: [MetricDescriptor] { [length, done] }

  init(_ name: String, extra: [MetricFamily] = []) {
    labels = ["queue": name]
    self.extra = extra
  }

  func collect() -> [MetricFamily] {
    [MetricFamily(length, 3, labels: labels), MetricFamily(done, 5.5, labels: labels)] + extra
  }
}

/// Always the same values.
private struct FixedCollector: MetricsCollector {
  let families: [MetricFamily]
  var descriptors: [MetricDescriptor] { families.map(\.descriptor) }

  init(_ families: [MetricFamily]) { self.families = families }

  func collect() -> [MetricFamily] { families }
}

@Suite struct CollectorTests {
  private let registry = MetricsRegistry()

  @Test func `a collector's values are on the page`() async throws {
    try registry.register(QueueCollector("mail"))
    let page = try await registry.page()
    #expect(page.value("queue_length", ["queue": "mail"]) == 3)
    #expect(page.value("queue_done_total", ["queue": "mail"]) == 5.5)
    #expect(page.family("queue_length")?.help == "Jobs that wait.")
  }

  @Test func `two collectors share a metric when their labels differ`() async throws {
    try registry.register(QueueCollector("mail"))
    try registry.register(QueueCollector("push"))
    let page = try await registry.page()
    #expect(page.family("queue_length")?.samples.count == 2)
    #expect(page.sum("queue_length") == 6)
    #expect(page.sum("queue_length", where: ["queue": "push"]) == 3)
    #expect(page.sum("nothing") == nil)
  }

  @Test func `a collector cannot take the name of an instrument or of another description`() throws {
    struct Other: MetricsCollector {
      var descriptors: [MetricDescriptor] { [MetricDescriptor("queue_length", .gauge, help: "Other.", labels: [])] }
      func collect() -> [MetricFamily] { [] }
    }
    _ = try registry.counter("queue_done_total", help: "Done.")
    #expect(throws: MetricsError.self) { try registry.register(QueueCollector("mail")) }
    let second = MetricsRegistry()
    try second.register(QueueCollector("mail"))
    let error = #expect(throws: MetricsError.self) { try second.register(Other()) }
    #expect(error?.code == .duplicate)
  }

  @Test func `what would spoil the page is left out and counted`() async throws {
    let undeclared = MetricDescriptor("undeclared", .gauge, help: "Undeclared.")
    let collector = QueueCollector(
      "mail",
      extra: [
        MetricFamily(undeclared, 1),
        MetricFamily(length, 1, labels: ["other_name": "x"]),
        MetricFamily(length, 1, labels: ["queue": "mail"]),
        MetricFamily(
          done, [Metric(.histogram(HistogramSnapshot(buckets: [1], counts: [], sum: 0)), labels: ["queue": "x"])]),
      ])
    try registry.register(collector)
    let page = try await registry.page()
    #expect(page.family("queue_length")?.samples.count == 1)
    #expect(page.value("metrics_collector_faults_total", ["metric": "undeclared"]) == 1)
    #expect(page.value("metrics_collector_faults_total", ["metric": "queue_length"]) == 2)
    #expect(page.value("metrics_collector_faults_total", ["metric": "queue_done_total"]) == 1)
  }

  @Test func `a value that its type does not have is left out and counted`() async throws {
    let version = MetricDescriptor("version_info", .info, help: "The version.", labels: ["number"])
    let phase = MetricDescriptor("phase", .stateSet, help: "The phase.", labels: ["phase"])
    let size = MetricDescriptor("answer_size_bytes", .histogram, help: "Sizes.", labels: ["kind"])
    let wait = MetricDescriptor("wait_seconds", .summary, help: "Waits.", labels: ["kind"])
    func histogram(_ bounds: HistogramBuckets) -> Metric.Value {
      .histogram(HistogramSnapshot(buckets: bounds, counts: [1, 1, 1], sum: 3))
    }
    func summary(_ shares: Double...) -> Metric.Value {
      .summary(SummarySnapshot(quantiles: shares.map { .init($0, 1) }, count: 3, sum: 3))
    }
    let collector = FixedCollector([
      MetricFamily(
        version, [Metric(.number(1), labels: ["number": "1.2"]), Metric(.number(2), labels: ["number": "2"])]),
      MetricFamily(
        phase, [Metric(.number(1), labels: ["phase": "on"]), Metric(.number(0.5), labels: ["phase": "off"])]),
      MetricFamily(
        size,
        [
          Metric(histogram([1, 2]), labels: ["kind": "sound"]), Metric(histogram([]), labels: ["kind": "no bounds"]),
          Metric(histogram([1, 1]), labels: ["kind": "twice"]), Metric(histogram([2, 1]), labels: ["kind": "falls"]),
          Metric(histogram([.nan, 1]), labels: ["kind": "no number"]),
        ]),
      MetricFamily(
        wait,
        [
          Metric(summary(0.5, 0.9), labels: ["kind": "sound"]), Metric(summary(0.5, 0.5), labels: ["kind": "twice"]),
          Metric(summary(99), labels: ["kind": "percent"]),
        ]),
    ])
    try registry.register(collector)
    for format in ExpositionFormat.allCases {
      let page = try await registry.page(format)
      #expect(page.sum("version_info") == 1)
      #expect(page.samples.filter { $0.name == "phase" }.map(\.value) == [1])
      let kinds = page.samples.filter { $0.name == "answer_size_bytes_count" }.compactMap { $0.labels["kind"] }
      #expect(kinds == ["sound", "no bounds"])
      #expect(page.samples.filter { $0.name == "wait_seconds_count" }.compactMap { $0.labels["kind"] } == ["sound"])
    }
    let page = try await registry.page()
    #expect(page.value("metrics_collector_faults_total", ["metric": "answer_size_bytes"]) == 9)
  }

  @Test func `exemplars and times stand only where their type may have them and they are asked for`() async throws {
    let total = MetricDescriptor("sent_total", .counter, help: "Sent.")
    let depth = MetricDescriptor("depth", .gauge, help: "Depth.")
    func metric(_ value: Double) -> Metric {
      var metric = Metric(.number(value))
      metric.exemplars = [Exemplar(value, labels: ["trace_id": "abc"])]
      metric.created = 1_700_000_000
      return metric
    }
    let collector = FixedCollector([MetricFamily(total, [metric(3)]), MetricFamily(depth, [metric(4)])])
    try registry.register(collector)
    let page = try await registry.page(.openMetrics)
    #expect(page.samples.map(\.name) == ["sent_total", "depth"])
    #expect(page.samples.map { $0.exemplar?.value } == [3, nil])

    var options = MetricsRegistry.Options()
    options.createdSamples = true
    let telling = MetricsRegistry(options: options)
    try telling.register(collector)
    #expect(try await telling.page(.openMetrics).samples.map(\.name) == ["sent_total", "sent_created", "depth"])
  }

  @Test func `a state set without the label of its name is refused`() throws {
    let collector = FixedCollector([
      MetricFamily(MetricDescriptor("phase", .stateSet, help: "The phase.", labels: ["name"]), [])
    ])
    let error = #expect(throws: MetricsError.self) { try registry.register(collector) }
    #expect(error?.code == .invalidLabel)
  }

  @Test func `the process' own figures are plausible`() async throws {
    try registry.register(ProcessCollector())
    let page = try await registry.page()
    let resident = try #require(page.value("process_resident_memory_bytes"))
    let virtual = try #require(page.value("process_virtual_memory_bytes"))
    #expect(resident > 1_000_000 && virtual >= resident)
    #expect(try #require(page.value("process_virtual_memory_max_bytes")) >= virtual)
    #expect(try #require(page.value("process_cpu_seconds_total")) > 0)
    #expect(try #require(page.value("process_threads")) >= 1)
    let open = try #require(page.value("process_open_fds"))
    let most = try #require(page.value("process_max_fds"))
    #expect(open >= 3 && open <= most)
    // Started after 2024 and before now, with a second for the clock's grain.
    let started = try #require(page.value("process_start_time_seconds"))
    #expect(started > 1_704_067_200)
  }

  #if canImport(Glibc)
    @Test func `a process that has used up its descriptors says so`() async {
      await #expect(processExitsWith: .success) {
        var limit = rlimit(rlim_cur: 64, rlim_max: 64)
        #expect(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
        while open("/dev/null", O_RDONLY) >= 0 {}
        let families = ProcessCollector().collect()
        func value(_ name: String) -> Double {
          if case .number(let value)? = families.first(where: { $0.descriptor.name == name })?.metrics.first?.value {
            return value
          }
          return 0
        }
        // What watches over the test may give one back in between.
        #expect(value("process_open_fds") > 60 && value("process_max_fds") == 64)
      }
    }
  #endif

  @Test func `the process' figures are reused for their age`() throws {
    let kept = ProcessCollector(maxAge: .seconds(3600))
    let first = kept.collect().compactMap(\.metrics.first?.value)
    #expect(first.count == 8)
    #expect(kept.collect().compactMap(\.metrics.first?.value) == first)
  }

  @Test func `a build whose revision is not known has no label for it`() async throws {
    let registry = MetricsRegistry()
    try registry.register(BuildInfoCollector(name: "shop", version: "1.2.3"))
    let page = String(decoding: await registry.render(.text), as: UTF8.self)
    #expect(page.contains(#"build_info{name="shop",version="1.2.3",swift=""#))
  }

  @Test func `the build is told by labels`() async throws {
    try registry.register(BuildInfoCollector(name: "shop", version: "1.2.3", revision: "abc"))
    let sample = try #require(try await registry.page().family("build_info")?.samples.first)
    #expect(sample.value == 1)
    #expect(sample.labels["version"] == "1.2.3")
    #expect(sample.labels["swift"]?.hasPrefix("6") == true)
  }
}
