extension EngineState {
  struct Answer {
    var error: ContainerError?
  }

  /// Someone wants the value of a node now. Returns an answer if there is one already.
  mutating func demand(
    _ node: Int, from asking: Int?, now: Duration, _ continuation: CheckedContinuation<ContainerError?, Never>
  ) -> (Answer?, [Effect]) {
    if schedule.phases[node] == .started { return (Answer(), []) }
    // A constructor that asks while the start is called off is told just that.
    if asking != nil, machine.current == .stopping { return (Answer(error: .stopping()), []) }
    guard machine.admitsNodes else { return (Answer(error: .notRunning(plan.origin(node), machine.current)), []) }
    if let asking {
      if wouldDeadlock(asking, waitingFor: node) {
        return (Answer(error: .lazyCycle(plan.origin(asking), plan.origin(node))), [])
      }
      lazyWaits[asking, default: []].append(node)
    }
    valueWaiters[node, default: []].append(continuation)
    // Whoever asks from inside a constructor keeps its turn while it waits, so serial order must allow one more.
    var effects: [Effect] = watch.isOn ? [] : [.watch]
    schedule.want(CollectionOfOne(node), inside: asking)
    enqueueStarts()
    ensureWorker(&effects)
    return (nil, effects)
  }

  mutating func endDemand(of asking: Int, for node: Int) -> [Effect] {
    if let index = lazyWaits[asking]?.firstIndex(of: node) { lazyWaits[asking]?.remove(at: index) }
    var effects: [Effect] = []
    schedule.endNested(asking)
    enqueueStarts()
    ensureWorker(&effects)
    return effects
  }

  /// Whether waiting for `goal` inside `node` would be waiting for oneself.
  private func wouldDeadlock(_ node: Int, waitingFor goal: Int) -> Bool {
    var seen: Set<Int> = []
    var stack = [goal]
    while let next = stack.popLast() {
      if next == node { return true }
      guard schedule.phases[next] != .started, seen.insert(next).inserted else { continue }
      stack += plan.dependencies[next].lazy.map(Int.init)
      stack += lazyWaits[next] ?? []
    }
    return false
  }
}
