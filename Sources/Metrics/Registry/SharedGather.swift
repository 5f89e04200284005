import Synchronization

/// Lets whoever asks while an answer is under way have that answer.
final class SharedGather: Sendable {
  typealias Outcomes = [CollectorRunner.Outcome]

  private let underWay = Mutex<Task<Outcomes, Never>?>(nil)

  /// The outcomes of all runners, in their order.
  func run(_ runners: [CollectorRunner]) async -> Outcomes {
    if runners.isEmpty { return [] }
    let task = underWay.withLock { underWay in
      if let underWay { return underWay }
      let task = Task {
        let outcomes = await Self.runAll(runners)
        self.underWay.withLock { $0 = nil }
        return outcomes
      }
      underWay = task
      return task
    }
    return await task.value
  }

  private static func runAll(_ runners: [CollectorRunner]) async -> Outcomes {
    await withTaskGroup(of: (Int, CollectorRunner.Outcome).self) { group in
      for (index, runner) in runners.enumerated() {
        group.addTask { (index, await runner.run()) }
      }
      var outcomes = Outcomes(repeating: .failed, count: runners.count)
      for await (index, outcome) in group { outcomes[index] = outcome }
      return outcomes
    }
  }
}
