import Container
import Glibc
import HTTPServer
import PrometheusMetrics
import StructuredLogging
import TestSupport
import Testing

@testable import Host

@Suite struct LoopStallsTests {
  @Test func `stalls are told at once, and then in a line for all of the ten seconds before, and all are counted`()
    async throws
  {
    let output = RecordingLogOutput()
    let registry = MetricsRegistry()
    let stalls = try LoopStalls(Logger(label: "test", output: output), registry)
    let start = ContinuousClock.now
    func lines() -> [String] { output.entries.map { "\($0.metadata["times"] ?? "") \($0.metadata["for"] ?? "")" } }

    stalls.note(.milliseconds(100), at: start)
    #expect(lines() == ["1 100ms"])
    stalls.note(.milliseconds(300), at: start + .seconds(1))
    stalls.note(.milliseconds(200), at: start + .seconds(9))
    #expect(lines().count == 1)
    stalls.note(.milliseconds(150), at: start + .seconds(10))
    #expect(lines() == ["1 100ms", "3 300ms"])
    stalls.note(.milliseconds(110), at: start + .seconds(30))
    #expect(lines() == ["1 100ms", "3 300ms", "1 110ms"])
    #expect(String(decoding: await registry.render(), as: UTF8.self).contains("\nkeel_event_loop_stalls_total 5\n"))
  }

  private struct SlowCollector: MetricsCollector {
    var descriptors: [MetricDescriptor] { [] }

    func collect() -> [MetricFamily] {
      usleep(300_000)
      return []
    }
  }

  @Test func `a stall that a collector of metrics makes has its name, and the next one has not`() async throws {
    let output = RecordingLogOutput()
    let registry = MetricsRegistry()
    try registry.register(SlowCollector())
    let stalls = try LoopStalls(Logger(label: "test", output: output), registry)
    func collectors() -> [String?] { output.entries.map { $0.metadata["collector"]?.description } }

    let start = ContinuousClock.now
    stalls.note(.milliseconds(100), at: start)
    _ = await registry.render()
    // As long as the page took: most of that is the collector, on a busy machine too.
    let end = ContinuousClock.now
    stalls.note(end - start, at: end)
    stalls.note(.milliseconds(1), at: start + .seconds(10))
    stalls.note(.milliseconds(100), at: end + .seconds(60))
    #expect(collectors() == [nil, "SlowCollector", nil])
  }

  private struct OtherCollector: MetricsCollector {
    var descriptors: [MetricDescriptor] { [] }

    func collect() -> [MetricFamily] {
      usleep(30_000)
      return []
    }
  }

  @Test func `a stall of several pages, each with two slow collectors, has the name of the slower`()
    async throws
  {
    let output = RecordingLogOutput()
    let registry = MetricsRegistry()
    try registry.register(SlowCollector())
    try registry.register(OtherCollector())
    let stalls = try LoopStalls(Logger(label: "test", output: output), registry)
    let start = ContinuousClock.now
    for _ in 0..<3 { _ = await registry.render() }
    let end = ContinuousClock.now
    stalls.note(end - start, at: end)
    #expect(output.entries.map { $0.metadata["collector"]?.description } == ["SlowCollector"])
  }

  private struct SlowApp: HostApplication {
    var body: [any ModuleElement] {
      Invoke { (registry: MetricsRegistry) in try registry.register(SlowCollector()) }
    }
  }

  @Test func `a scrape that a collector of an app holds up is told with its name`() async throws {
    let output = RecordingLogOutput()
    let app = App {
      Hosted(SlowApp(), settings: ["host.listen": "127.0.0.1:0"], logger: Logger(label: "test", output: output))
    }
    try await app.start()
    let address = try #require(try await app.get(HTTPServer.self).address)
    // More than once where the loop was held up before, as by a busy machine: then it is ten seconds until the next line.
    let deadline = ContinuousClock.now + .seconds(60)
    while !output.entries.contains(where: { $0.metadata["collector"]?.description == "SlowCollector" }) {
      try #require(ContinuousClock.now < deadline, "no line with its name")
      _ = try await offPool { try shell("curl -sS http://\(address)/metrics") }
    }
    try await app.stop()
  }
}
