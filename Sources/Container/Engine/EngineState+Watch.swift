extension EngineState {
  /// The one task that looks at deadlines: it sleeps until the nearest.
  struct Watch: Sendable {
    var isOn = false
    var task: Task<Void, Never>?
    /// Only the latest watch counts; one that finds another number ends.
    var number = 0
    var next = Duration.zero
    var lastReport = Duration.zero
  }

  /// A new watch begins. Returns its number and the one that it takes the place of; nil if all has ended meanwhile.
  mutating func beginWatch(now: Duration) -> (number: Int, old: Task<Void, Never>?)? {
    guard deadline != nil || records.contains(where: { $0.worker != 0 }) || queueHead < queue.count else { return nil }
    watch.isOn = true
    watch.number += 1
    watch.lastReport = now
    defer { watch.task = nil }
    return (watch.number, watch.task)
  }

  mutating func endWatch(_ effects: inout [Effect]) {
    guard watch.isOn else { return }
    watch.isOn = false
    watch.number += 1
    if let task = watch.task { effects.append(.cancel([task])) }
    watch.task = nil
  }

  /// When watch `number` should look again; nil if there is nothing left to look at.
  mutating func nextLook(_ number: Int) -> Duration? {
    guard watch.number == number else { return nil }
    var next = nextReport
    if let deadline { next = min(next, deadline) }
    if let deadline = scopes.deadline { next = min(next, deadline) }
    var isBusy = queueHead < queue.count
    for record in records where record.worker != 0 {
      isBusy = true
      if let deadline = record.deadline { next = min(next, deadline) }
    }
    guard isBusy || deadline != nil else {
      watch.isOn = false
      watch.task = nil
      return nil
    }
    watch.next = next
    return next
  }

  /// Ends what is over its time, and reports what takes long.
  mutating func look(_ number: Int, now: Duration) -> [Effect] {
    guard watch.number == number else { return [] }
    var effects: [Effect] = []
    for node in records.indices where records[node].worker != 0 {
      if let deadline = records[node].deadline, deadline <= now { expire(node, now: now, &effects) }
    }
    if let deadline = scopes.deadline, deadline <= now { expireScopes(now: now, &effects) }
    if let deadline, deadline <= now { expireApp(now: now, &effects) }
    ensureWorker(&effects)
    if now >= nextReport {
      watch.lastReport = now
      let stragglers = stragglers(now: now).filter { $0.elapsed >= options.stragglerInterval }
      if !stragglers.isEmpty { effects.append(.emit(.stragglers(stragglers))) }
    }
    return effects
  }

  /// When what takes long is reported; without an interval never, rather than all the time.
  private var nextReport: Duration {
    options.stragglerInterval > .zero ? watch.lastReport + options.stragglerInterval : .seconds(Int64.max)
  }

  /// Everything in flight, for reports and errors.
  func stragglers(now: Duration) -> [Straggler] {
    scopeStragglers(now: now)
      + records.indices.filter { records[$0].worker != 0 }.map { node in
        Straggler(origin: plan.origin(node), activity: activityName(node), elapsed: now - records[node].since)
      }
  }

  private func activityName(_ node: Int) -> Straggler.Activity {
    switch records[node].activity {
    case .none, .building: .building
    case .startingHook(let index): .starting(hook: hooks[node][index].name)
    case .stoppingHook(let index): .stopping(hook: hooks[node][index].name)
    case .stoppingRun: .stopping(hook: nil)
    }
  }

  /// Takes a node from its worker, which has had its time.
  private mutating func expire(_ node: Int, now: Duration, _ effects: inout [Effect]) {
    let record = records[node]
    let elapsed = now - record.since
    cancelWorker(record.worker, &effects)
    abandoned[record.worker] = node
    records[node].worker = 0
    switch record.activity {
    case .none: break
    case .building:
      fail(node, record.worker, .buildTimedOut(plan, node, elapsed), now: now, &effects)
    case .startingHook(let index):
      let error = ContainerError.hookTimedOut(
        plan, node, hooks[node][index], .start, elapsed, budget: (record.deadline ?? now) - record.since,
        finished: finishedNames, stillRunning: stragglers(now: now))
      fail(node, record.worker, error, now: now, &effects)
    case .stoppingHook(let index):
      stopFailures.append(
        .hookTimedOut(
          plan, node, hooks[node][index], .stop, elapsed, budget: (record.deadline ?? now) - record.since,
          finished: stoppedNames, stillRunning: stragglers(now: now)))
      // The rest of its hooks, by another worker.
      queue.append(undoing[node] == nil ? .stop(node) : .undo(node))
    case .stoppingRun:
      stopFailures.append(.runDidNotEnd(plan, node, elapsed))
      // Its grace was over before, but whoever waits for that may not have had a turn, and the time may stand still from now on.
      if let run = endingRuns.removeValue(forKey: node) { effects.append(.cancelRuns([run])) }
      queue.append(.stop(node))
    }
  }

  /// The app as a whole is over its time.
  private mutating func expireApp(now: Duration, _ effects: inout [Effect]) {
    deadline = nil
    switch machine.current {
    case .starting:
      abortStart(
        .appTimedOut(
          .start, budget: options.startTimeout, finished: finishedNames, stillRunning: stragglers(now: now), left: []),
        now: now, &effects)
      settle(now: now, &effects)
    case .stopping:
      let left = schedule.unstopped.filter { records[$0].worker == 0 }.map { plan.origin($0) }
      stopFailures.append(
        .appTimedOut(
          .stop, budget: options.stopTimeout, finished: stoppedNames, stillRunning: stragglers(now: now), left: left))
      abandonScopes(now: now, &effects)
      (queue, queueHead) = ([], 0)
      undoing = [:]
      cancelWorkers(&effects)
      effects.append(.cancelRuns(Array(runs.values) + Array(endingRuns.values)))
      endingRuns = [:]
      // One that has ended would be kept for ever, and keeps the engine.
      runs = runs.filter { $0.value.isRunning }
      effects.append(.answer(valueWaiters.removeAll(), ContainerError.stopping()))
      for node in records.indices where records[node].worker != 0 {
        abandoned[records[node].worker] = node
        records[node].worker = 0
      }
      schedule.giveUp()
      // From draining by way of stopping to the end: nothing is waited for any more.
      _ = machine.settled()
      finishIfStopped(now: now, &effects)
    case .built, .running, .stopped: break
    }
  }

  private var finishedNames: [String] { schedule.startOrder.map { plan.name($0) } }

  private var stoppedNames: [String] {
    records.indices.filter { records[$0].timing.stopEnded.time != nil }.map { plan.name($0) }
  }
}
