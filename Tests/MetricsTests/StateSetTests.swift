import MetricsTesting
import PrometheusMetrics
import Testing

@Suite struct StateSetTests {
  private enum Phase: String, CaseIterable { case starting, running, stopping }

  @Test func `the present state is 1 and the others are 0, in both formats`() async throws {
    let registry = MetricsRegistry()
    let phase = try registry.stateSet("app_phase", help: "What the app is doing.", initially: Phase.starting)
    #expect(phase.state == .starting)
    phase.set(.running)
    let text = try await registry.page()
    #expect(text.family("app_phase")?.type == "gauge")
    let openMetrics = try await registry.page(.openMetrics)
    #expect(openMetrics.family("app_phase")?.type == "stateset")
    for page in [text, openMetrics] {
      #expect(page.samples.map(\.labels) == Phase.allCases.map { ["app_phase": $0.rawValue] })
      #expect(page.samples.map(\.value) == [0, 1, 0])
    }
  }

  @Test func `its name has no unit and is registered once`() throws {
    let registry = MetricsRegistry()
    _ = try registry.stateSet("app_phase", help: "What the app is doing.", initially: Phase.starting)
    #expect(throws: MetricsError.self) { try registry.gauge("app_phase", help: "Again.") }
    #expect(MetricDescriptor("door_seconds", .stateSet, help: "Door.").unit == nil)
  }
}
