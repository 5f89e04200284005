import Container

@main struct ContainerBench {
  static func main() async throws {
    if CommandLine.arguments.count > 1 {
      try await LifecycleBench.phases(1000, isChain: true)
      try await LifecycleBench.phases(1000, isChain: false)
      return
    }
    try await LifecycleBench.run()
  }
}

/// The median of `count` runs of `body`, after some that are not counted.
func median(of count: Int, _ body: () async throws -> Void) async rethrows -> Duration {
  for _ in 0..<max(3, count / 10) { try await body() }
  var times: [Duration] = []
  for _ in 0..<count {
    let began = ContinuousClock.now
    try await body()
    times.append(ContinuousClock.now - began)
  }
  return times.sorted()[count / 2]
}

func milliseconds(_ duration: Duration) -> String {
  let (seconds, attoseconds) = duration.components
  let micros = (Double(seconds) * 1e6 + Double(attoseconds) / 1e12).rounded()
  return "\(micros / 1000) ms"
}
