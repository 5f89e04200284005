import MetricsTesting
import PrometheusMetrics
import Synchronization
import Testing

private let rows = MetricDescriptor("table_rows", .gauge, help: "Rows.")

/// A collector whose answer waits for the test.
private final class SlowCollector: AsyncMetricsCollector {
  private struct State {
    var calls = 0
    var isOpen = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  let descriptors = [rows]
  let timeout: Duration
  private let state = Mutex(State())

  init(timeout: Duration) {
    self.timeout = timeout
  }

  var calls: Int { state.withLock { $0.calls } }

  func open() {
    let waiting = state.withLock { state in
      state.isOpen = true
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }

  func collect() async throws -> [MetricFamily] {
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        state.calls += 1
        if !state.isOpen { state.waiting.append(continuation) }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
    return [MetricFamily(rows, calls)]
  }
}

private struct FailingCollector: AsyncMetricsCollector {
  struct Failure: Error {}
  var descriptors: [MetricDescriptor] { [rows] }
  func collect() async throws -> [MetricFamily] { throw Failure() }
}

@Suite struct AsyncCollectorTests {
  private let registry = MetricsRegistry()

  @Test func `values that are waited for are on the page`() async throws {
    let collector = SlowCollector(timeout: .seconds(60))
    try registry.register(collector)
    collector.open()
    #expect(try await registry.page().value("table_rows") == 1)
    #expect(try await registry.page().value("table_rows") == 2)
  }

  @Test func `scrapes that overlap share one call`() async throws {
    let collector = SlowCollector(timeout: .seconds(600))
    try registry.register(collector)
    let registry = registry
    let pages = try await withThrowingTaskGroup { group in
      for _ in 0..<10 { group.addTask { try await registry.page() } }
      while collector.calls == 0 { await Task.yield() }
      // All have asked by the time that ten tasks had ample turns; none may start a second call.
      for _ in 0..<100 { await Task.yield() }
      collector.open()
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(pages.count == 10)
    #expect(pages.allSatisfy { $0.value("table_rows") != nil })
    #expect(collector.calls < 10)
  }

  @Test func `a collector that is late is left out, counted, and not called again meanwhile`() async throws {
    let collector = SlowCollector(timeout: .milliseconds(1))
    try registry.register(collector)
    let alive = try registry.gauge("alive", help: "Alive.")
    alive.set(1 as Int)
    for expected in 1...3 {
      let page = try await registry.page()
      #expect(page.value("table_rows") == nil)
      #expect(page.value("alive") == 1)
      let labels = ["collector": "SlowCollector", "reason": "timeout"]
      #expect(page.value("metrics_collector_failures_total", labels) == Double(expected))
    }
    #expect(collector.calls == 1)
    collector.open()
  }

  @Test func `a collector that throws is left out and counted`() async throws {
    try registry.register(FailingCollector())
    let page = try await registry.page()
    #expect(page.family("table_rows") == nil)
    let labels = ["collector": "FailingCollector", "reason": "error"]
    #expect(page.value("metrics_collector_failures_total", labels) == 1)
  }
}
