import Container

/// `swift run -c release ContainerBench [lifecycle|phases [count …]|read|parallel|validate]`
@main struct ContainerBench {
  static func main() async throws {
    let wanted = CommandLine.arguments.dropFirst()
    func wants(_ name: String) -> Bool { wanted.isEmpty || wanted.contains(name) }
    if wants("lifecycle") { try await LifecycleBench.run() }
    if wanted.contains("phases") {
      let counts = wanted.compactMap { Int($0) }
      for count in counts.isEmpty ? [1000] : counts { try await LifecycleBench.phases(count) }
    }
    if wants("validate") { try await LifecycleBench.validate(1000) }
    if wants("read") { try await ReadBench.run() }
    if wants("parallel") { try await ParallelBench.run() }
  }
}

/// What repeated runs took: the median is what counts; the best is what the work costs when no neighbour disturbs it.
struct Times: CustomStringConvertible {
  var median: Duration
  var best: Duration

  var description: String { "\(milliseconds(median)), at best \(milliseconds(best))" }
}

/// Runs `body` some times that are not counted, then `count` times.
func measure(_ count: Int, _ body: () async throws -> Void) async rethrows -> Times {
  for _ in 0..<max(3, count / 10) { try await body() }
  var times: [Duration] = []
  for _ in 0..<count {
    let began = ContinuousClock.now
    try await body()
    times.append(ContinuousClock.now - began)
  }
  times.sort()
  return Times(median: times[count / 2], best: times[0])
}

func milliseconds(_ duration: Duration) -> String {
  let (seconds, attoseconds) = duration.components
  let micros = (Double(seconds) * 1e6 + Double(attoseconds) / 1e12).rounded()
  return "\(micros / 1000) ms"
}
