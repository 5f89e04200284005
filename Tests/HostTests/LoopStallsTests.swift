import PrometheusMetrics
import StructuredLogging
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
}
