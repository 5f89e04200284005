import ResourcePool

/// What one lease and release of an idle resource costs, for tasks that do nothing else.
@main
enum PoolBench {
  struct Numbers: ResourceFactory {
    func make(onEnd: @escaping @Sendable () -> Void) async throws -> Int { 0 }
    func check(_ resource: Int) async -> Bool { true }
    func close(_ resource: Int) async {}
  }

  static func main() async throws {
    for (tasks, size) in [(1, 5), (5, 5), (64, 5), (64, 64)] {
      var configuration = PoolConfiguration()
      configuration.maxSize = size
      configuration.minSize = size
      let pool = try ResourcePool(configuration, factory: Numbers())
      try await pool.start()
      let rounds = 2_000_000 / tasks
      var best = Double.infinity
      for _ in 0..<5 {
        let elapsed = try await ContinuousClock().measure {
          try await withThrowingTaskGroup { group in
            for _ in 0..<tasks {
              group.addTask { for _ in 0..<rounds { try await pool.withResource { _ in } } }
            }
            try await group.waitForAll()
          }
        }
        best = min(best, elapsed / .nanoseconds(1) / Double(rounds * tasks))
      }
      await pool.close()
      print("\(tasks) tasks, \(size) resources: \(Int(best.rounded())) ns a lease and release")
    }
  }
}
