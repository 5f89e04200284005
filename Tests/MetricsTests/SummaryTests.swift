import Synchronization
import Testing

@testable import PrometheusMetrics

@Suite struct SummaryTests {
  /// A clock that moves when it is told to.
  private final class ManualClock: Sendable {
    private let start = ContinuousClock.now
    private let passed = Mutex(Duration.zero)

    func now() -> ContinuousClock.Instant { start + passed.withLock { $0 } }
    func advance(by duration: Duration) { passed.withLock { $0 += duration } }
  }

  @Test func `quantiles are right to one percent`() {
    for scale in [1e-9, 0.003, 1, 250, 1e12] {
      let summary = Summary(quantiles: [0, 0.5, 0.9, 0.99, 1], window: .seconds(60))
      let values = (1...10_000).map { Double($0) * scale }
      for value in values.shuffled() { summary.observe(value) }
      let snapshot = summary.snapshot
      for (quantile, exact) in zip(
        snapshot.quantiles, [values[0], values[4999], values[8999], values[9899], values[9999]])
      {
        #expect(abs(quantile.value - exact) <= 0.01 * exact, "\(quantile) \(exact)")
      }
      #expect(snapshot.count == 10_000)
    }
  }

  @Test func `a quantile is the value that its share of the observations reaches, to the last of them`() {
    for share in [0.07, 0.28, 0.55, 0.56, 0.57, 0.99] {
      let summary = Summary(quantiles: [share], window: .seconds(60))
      // The share ends with the last of the small values.
      let small = Int((share * 100).rounded())
      for index in 1...100 { summary.observe(index <= small ? 1 : 1000) }
      #expect(abs(summary.snapshot.quantiles[0].value - 1) <= 0.01, "\(share)")
    }
  }

  @Test func `negative values, zero and infinity have their order`() {
    let summary = Summary(quantiles: [0, 0.25, 0.5, 0.75, 1], window: .seconds(60))
    for value in [-100, -1, 0, 1, .infinity] { summary.observe(value) }
    summary.observe(.nan)
    let values = summary.snapshot.quantiles.map(\.value)
    #expect(values == values.sorted())
    #expect(abs(values[0] + 100) < 1 && abs(values[1] + 1) < 0.01 && values[2] == 0 && values[4] > 1e18)
    #expect(summary.snapshot.count == 5)
  }

  @Test func `quantiles look back as far as the window, count and sum for ever`() {
    let clock = ManualClock()
    let summary = Summary(quantiles: [0.5], window: .seconds(50), now: { clock.now() })
    #expect(summary.snapshot.quantiles[0].value.isNaN)
    summary.observe(1)
    clock.advance(by: .seconds(30))
    for _ in 0..<10 { summary.observe(100) }
    #expect(abs(summary.snapshot.quantiles[0].value - 100) < 1)
    clock.advance(by: .seconds(25))
    #expect(abs(summary.snapshot.quantiles[0].value - 100) < 1)
    clock.advance(by: .seconds(30))
    #expect(summary.snapshot.quantiles[0].value.isNaN)
    summary.observe(7)
    clock.advance(by: .seconds(1000))
    #expect(summary.snapshot.quantiles[0].value.isNaN)
    #expect(summary.snapshot.count == 12 && summary.snapshot.sum == 1008)
  }

  @Test func `quantiles are shares, each once`() {
    let registry = MetricsRegistry()
    for quantiles in [[1.5], [-0.1], [.nan], [0.5, 0.5]] {
      let error = #expect(throws: MetricsError.self) {
        try registry.summary("size_bytes", help: "Sizes.", quantiles: quantiles)
      }
      #expect(error?.code == .invalidQuantiles)
    }
  }
}
