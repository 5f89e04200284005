extension EngineState {
  struct Answer {
    var error: (any Error)?
  }

  /// Someone wants the value of a node now, and waits as number `waiter`. Returns an answer if there is one already.
  mutating func demand(
    _ node: Int, from asking: Int?, as waiter: Int, now: Duration,
    _ continuation: CheckedContinuation<(any Error)?, Never>
  ) -> (Answer?, [Effect]) {
    if schedule.phases[node] == .started { return (Answer(), []) }
    // A constructor that asks while the start is called off is told just that.
    if asking != nil, machine.current == .stopping { return (Answer(error: ContainerError.stopping()), []) }
    guard machine.admitsNodes else {
      return (Answer(error: ContainerError.notRunning(plan.origin(node), machine.current)), [])
    }
    if let asking {
      // What has started waits for nothing.
      let isCycle = lazyWaits.wouldDeadlock([asking], waitingFor: node) { next in
        schedule.phases[next] == .started ? nil : plan.dependencies[next].map(Int.init)
      }
      if isCycle {
        return (Answer(error: ContainerError.lazyCycle(plan.origin(asking), plan.origin(node))), [])
      }
      lazyWaits.begin(asking, for: node)
    }
    valueWaiters.add(continuation, as: waiter, for: node)
    // Whoever asks from inside a constructor keeps its turn while it waits, so serial order must allow one more.
    var effects: [Effect] = watch.isOn ? [] : [.watch]
    schedule.want(CollectionOfOne(node), inside: asking)
    enqueueStarts()
    ensureWorker(&effects)
    return (nil, effects)
  }

  mutating func endDemand(of asking: Int, for node: Int) -> [Effect] {
    lazyWaits.end(asking, for: node)
    var effects: [Effect] = []
    schedule.endNested(asking)
    enqueueStarts()
    ensureWorker(&effects)
    return effects
  }
}
