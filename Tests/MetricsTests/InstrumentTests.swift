import Dispatch
import PrometheusMetrics
import Testing

@Suite struct InstrumentTests {
  private let registry = MetricsRegistry()

  /// Runs the body on that many threads at once, each fresh or reused as the system likes.
  private func onThreads(_ count: Int, _ body: @Sendable (Int) -> Void) {
    DispatchQueue.concurrentPerform(iterations: count, execute: body)
  }

  @Test func `a counter adds up what any number of threads add`() throws {
    let counter = try registry.counter("jobs_total", help: "Jobs.")
    for _ in 0..<5 {
      onThreads(8) { _ in
        for _ in 0..<10_000 {
          counter.increment()
          counter.increment(by: 2)
          counter.increment(by: 0.5)
        }
      }
    }
    #expect(counter.value == 5 * 8 * 10_000 * 3.5)
  }

  @Test func `a counter ignores what would make it fall or spoil it`() throws {
    let counter = try registry.counter("jobs_total", help: "Jobs.")
    counter.increment(by: 3)
    counter.increment(by: -1)
    counter.increment(by: -0.5)
    counter.increment(by: .nan)
    counter.increment(by: .infinity)
    #expect(counter.value == 3)
  }

  @Test func `a counter never falls while it is read`() async throws {
    let counter = try registry.counter("jobs_total", help: "Jobs.")
    await withTaskGroup { group in
      for _ in 0..<3 {
        group.addTask {
          for _ in 0..<50_000 { counter.increment() }
        }
      }
      group.addTask {
        var last = 0.0
        for _ in 0..<20_000 {
          let value = counter.value
          #expect(value >= last)
          last = value
        }
      }
    }
    #expect(counter.value == 150_000)
  }

  @Test func `a gauge goes up and down from any number of threads`() throws {
    let gauge = try registry.gauge("jobs_running", help: "Jobs.")
    onThreads(8) { _ in
      for _ in 0..<10_000 {
        gauge.increment(by: 2)
        gauge.decrement()
      }
    }
    #expect(gauge.value == 80_000)
    gauge.set(-1.5)
    #expect(gauge.value == -1.5)
    gauge.set(7 as Int)
    #expect(gauge.value == 7)
  }

  @Test func `a histogram puts a value on a bound into that bound's bucket`() throws {
    let histogram = try registry.histogram("size_bytes", help: "Sizes.", buckets: [1, 2, 4])
    for value in [-1, 0.5, 1, 1.5, 2, 4, 4.5, .infinity] { histogram.observe(value) }
    histogram.observe(.nan)
    #expect(histogram.snapshot.counts == [3, 2, 1, 2])
    #expect(histogram.snapshot.count == 8)
    #expect(histogram.snapshot.sum == .infinity)
  }

  @Test func `many buckets are searched as few are`() throws {
    let bounds = (0..<100).map(Double.init)
    let histogram = try registry.histogram("size_bytes", help: "Sizes.", buckets: HistogramBuckets(bounds))
    for value in bounds { histogram.observe(value - 0.5) }
    #expect(histogram.snapshot.counts == Array(repeating: 1, count: 100) + [0])
  }

  @Test func `a histogram adds up what any number of threads observe`() throws {
    let histogram = try registry.histogram("wait_seconds", help: "Waits.", buckets: [1, 2])
    onThreads(8) { thread in
      for _ in 0..<10_000 { histogram.observe(.milliseconds(thread % 2 == 0 ? 500 : 1500)) }
    }
    #expect(histogram.snapshot.counts == [40_000, 40_000, 0])
    #expect(histogram.snapshot.sum == 80_000)
  }

  @Test func `buckets are made by rule`() {
    #expect(HistogramBuckets.exponential(start: 0.5, factor: 2, count: 4).bounds == [0.5, 1, 2, 4])
    #expect(HistogramBuckets.linear(start: 1, width: 5, count: 3).bounds == [1, 6, 11])
    #expect(HistogramBuckets([1, .infinity]).bounds == [1])
    #expect(HistogramBuckets.default.bounds.count == 11)
  }

  @Test func `a snapshot has a count for every bucket whatever it is given`() {
    #expect(HistogramSnapshot(buckets: [1, 2], counts: [5], sum: 1).counts == [5, 0, 0])
    #expect(HistogramSnapshot(buckets: [1, 2], counts: [5, 6, 7, 8], sum: 1).counts == [5, 6, 7])
  }

  @Test func `the same label values give the same instrument`() throws {
    let family = try registry.counter("requests_total", help: "Requests.", labels: ["method", "status"])
    family.with("GET", "200").increment()
    family.with(["GET", "200"]).increment()
    #expect(family.with("GET", "200") === family.with("GET", "200"))
    #expect(family.with("GET", "200").value == 2)
    #expect(family.with("GET", "500").value == 0)
  }
}
