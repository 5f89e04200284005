/// Who waits for whom: nodes whose constructors wait, by `Lazy`, for what somebody else builds.
struct Waits: Sendable {
  private var goals: [Int: [Int]] = [:]

  mutating func begin(_ node: Int, for goal: Int) { goals[node, default: []].append(goal) }

  mutating func end(_ node: Int, for goal: Int) {
    if let index = goals[node]?.firstIndex(of: goal) { goals[node]?.remove(at: index) }
  }

  /// Whether waiting for `goal` inside one of `nodes` would be waiting for oneself.
  ///
  /// - Parameter needs: What else a node waits for; nil for one that waits no more.
  func wouldDeadlock(_ nodes: [Int], waitingFor goal: Int, _ needs: (Int) -> [Int]? = { _ in [] }) -> Bool {
    var seen: Set<Int> = []
    var stack = [goal]
    while let next = stack.popLast() {
      if nodes.contains(next) { return true }
      guard let needed = needs(next), seen.insert(next).inserted else { continue }
      stack += needed
      stack += goals[next] ?? []
    }
    return false
  }
}
