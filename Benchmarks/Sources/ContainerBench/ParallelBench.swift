import Container

/// Hooks that wait: how near a start comes to its critical path.
enum ParallelBench {
  struct Left: Sendable {}
  struct Right: Sendable {}
  struct Root: Sendable {}

  static func run() async throws {
    let types = types(20)
    let independent = App {
      for type in types { type.slow(.milliseconds(100)) }
      for type in types { type.invoke() }
    }
    print("20 independent hooks of 100 ms: \(milliseconds(try await start(independent)))")
    let diamond = App {
      Provide { Root() }.onStart { _ in try await Task.sleep(for: .milliseconds(100)) }
      Provide { (_: Root) in Left() }.onStart { _ in try await Task.sleep(for: .milliseconds(100)) }
      Provide { (_: Root) in Right() }.onStart { _ in try await Task.sleep(for: .milliseconds(60)) }
      Invoke { (_: Left, _: Right) in try await Task.sleep(for: .milliseconds(100)) }
    }
    print("diamond with a critical path of 300 ms: \(milliseconds(try await start(diamond)))")
  }

  private static func start(_ app: App) async throws -> Duration {
    let began = ContinuousClock.now
    try await app.start()
    let took = ContinuousClock.now - began
    try await app.stop()
    return took
  }
}
