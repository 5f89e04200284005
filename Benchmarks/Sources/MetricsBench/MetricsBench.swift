import Dispatch
import PrometheusMetrics
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Measures what DESIGN.md §6 gives targets for: the cost of an increment and of a page of 1012 series.
///
///     swift run -c release --package-path Benchmarks MetricsBench
@main struct MetricsBench {
  static func main() async throws {
    if CommandLine.arguments.count < 2 { try increments() }
    try await pages()
  }

  private static func increments() throws {
    let count = 20_000_000
    for threads in 1...2 {
      let registry = MetricsRegistry()
      let counter = try registry.counter("bench_total", help: "Bench.")
      report("Counter.increment()", threads, count) { counter.increment() }
      let gauge = try registry.gauge("bench_level", help: "Bench.")
      report("Gauge.increment()", threads, count) { gauge.increment() }
      let histogram = try registry.histogram("bench_seconds", help: "Bench.")
      report("Histogram.observe(_:)", threads, count) { histogram.observe(0.07) }
      let family = try registry.counter("labelled_total", help: "Bench.", labels: ["method"])
      report("CounterFamily.with(_:).increment()", threads, count / 10) { family.with("GET").increment() }
    }
  }

  /// Prints nanoseconds of processor time per call, the best of seven runs: whatever else the machine does, a thread's own
  /// clock stands still meanwhile.
  private static func report(_ name: String, _ threads: Int, _ count: Int, _ body: @escaping @Sendable () -> Void) {
    let best =
      (0..<7).map { _ in
        let times = Mutex<[Double]>([])
        DispatchQueue.concurrentPerform(iterations: threads) { _ in
          let start = threadNanoseconds()
          for _ in 0..<count { body() }
          let elapsed = threadNanoseconds() - start
          times.withLock { $0.append(elapsed / Double(count)) }
        }
        return times.withLock { $0.reduce(0, +) / Double($0.count) }
      }.min() ?? .nan
    print("\(name), \(threads) thread(s): \((best * 10).rounded() / 10) ns")
  }

  private static func threadNanoseconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
  }

  private static func pages() async throws {
    let registry = MetricsRegistry()
    for number in 0..<11 {
      try registry.gauge("pool_figure_\(number)", help: "A figure of the pool.").set(number)
    }
    let latency = try registry.histogram("pool_acquire_seconds", help: "Wait for a connection.")
    for number in 0..<1000 { latency.observe(Double(number) / 1000) }
    let requests = try registry.counter(
      "http_requests_total", help: "Requests served.", labels: ["method", "path", "status"])
    for number in 0..<1000 { requests.with("GET", "/some/path/\(number)", "200").increment(by: number * 31) }

    let size = await registry.render(.text).count
    var best = Double.infinity
    for _ in 0..<20000 {
      let start = threadNanoseconds()
      _ = await registry.render(.text)
      best = min(best, threadNanoseconds() - start)
    }
    print("render, 1012 series, \(size) bytes: \((best / 100).rounded() / 10) µs")
  }
}
