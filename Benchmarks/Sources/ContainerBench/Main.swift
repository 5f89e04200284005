import Container

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// `swift run -c release ContainerBench [lifecycle|fx|phases|read|scope|parallel|validate] [count …]`
@main struct ContainerBench {
  static func main() async throws {
    let wanted = CommandLine.arguments.dropFirst()
    let counts = wanted.compactMap { Int($0) }
    func wants(_ name: String) -> Bool { wanted.isEmpty || wanted.contains(name) }
    if wants("lifecycle") { try await LifecycleBench.run() }
    if wants("fx") { try await LifecycleBench.besideFx(counts.isEmpty ? [10, 100, 1000] : counts) }
    if wanted.contains("phases") {
      for count in counts.isEmpty ? [1000] : counts { try await LifecycleBench.phases(count) }
    }
    if wants("validate") { try await LifecycleBench.validate(1000) }
    if wants("read") { try await ReadBench.run() }
    if wants("scope") { try await ScopeBench.run(counts.first ?? 101) }
    if wants("parallel") { try await ParallelBench.run() }
  }
}

/// What repeated runs took: the median is what counts; the best is what the work costs when no neighbour disturbs it.
struct Times: CustomStringConvertible {
  var median: Duration
  var best: Duration
  /// The least processor time of a run, of all threads: neighbours on the machine do not count in it.
  var processor: Duration

  var description: String {
    "\(milliseconds(median)), at best \(milliseconds(best)), processor \(milliseconds(processor))"
  }
}

/// The processor time that this process has had.
func processorTime() -> Duration {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}

/// Runs `body` some times that are not counted, then `count` times.
func measure(_ count: Int, _ body: () async throws -> Void) async rethrows -> Times {
  for _ in 0..<max(3, count / 10) { try await body() }
  return try await times(while: { $0 < count }, body)
}

/// Runs `body` once, then as often as the time allows.
func measure(for time: Duration, _ body: () async throws -> Void) async rethrows -> Times {
  try await body()
  let end = ContinuousClock.now + time
  return try await times(while: { $0 < 5 || .now < end }, body)
}

private func times(
  while goesOn: (_ count: Int) -> Bool, _ body: () async throws -> Void
) async rethrows -> Times {
  var times: [Duration] = []
  var processor = Duration.seconds(Int64.max)
  while goesOn(times.count) {
    let (began, used) = (ContinuousClock.now, processorTime())
    try await body()
    times.append(ContinuousClock.now - began)
    processor = min(processor, processorTime() - used)
  }
  times.sort()
  return Times(median: times[times.count / 2], best: times[0], processor: processor)
}

func milliseconds(_ duration: Duration) -> String {
  let (seconds, attoseconds) = duration.components
  let micros = (Double(seconds) * 1e6 + Double(attoseconds) / 1e12).rounded()
  return "\(micros / 1000) ms"
}
