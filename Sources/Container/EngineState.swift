/// All that changes while an app lives. Guarded by the engine's lock; every function returns what is to be done without it.
struct EngineState: Sendable {
  /// What to do once the lock is released.
  enum Effect: Sendable {
    case start([Int])
    case stop([Int])
    case resume([CheckedContinuation<Void, Never>])
    case answer([CheckedContinuation<ContainerError?, Never>], ContainerError?)
    case cancel([Task<Void, Never>])
    case publish(AppState)
    case emit(ContainerEvent)
    /// Watch for deadlines until all is settled; the next one is at this time.
    case watch
  }

  /// What happens to a node right now.
  enum Activity: Sendable {
    case none
    case building
    case startingHook(Int)
    case stoppingHook(Int)
    /// It took too long or outlived the roll-back; when it returns, nobody waits for it.
    case abandoned
  }

  struct Record: Sendable {
    var hooks: [Hook] = []
    /// How many hook pairs have started, from the first.
    var startedHooks = 0
    var activity = Activity.none
    var worker = 0
    var since = Duration.zero
    var deadline: Duration?
    var timing = Timing()
  }

  /// When things happened to a node, since the app began to start.
  struct Timing: Sendable {
    var buildBegan: Duration?
    var buildEnded: Duration?
    var startEnded: Duration?
    var stopBegan: Duration?
    var stopEnded: Duration?
  }

  let plan: Plan
  let options: App.Options
  var machine = LifecycleStateMachine()
  var schedule: Schedule
  var records: [Record]
  /// Tasks that run nodes; a worker that has no task yet is about to get it.
  var workers: [Int: Task<Void, Never>?] = [:]
  var nextWorker = 0
  var reason: StopReason?
  /// Why the start failed: what came first is what is thrown, the rest is kept with it.
  var startFailures: [ContainerError] = []
  var stopFailures: [ContainerError] = []
  var startOutcome: Result<Void, ContainerError>?
  var startWaiters: [CheckedContinuation<Void, Never>] = []
  var stopWaiters: [CheckedContinuation<Void, Never>] = []
  var valueWaiters: [Int: [CheckedContinuation<ContainerError?, Never>]] = [:]
  var streams: [Int: AsyncStream<AppState>.Continuation] = [:]
  var nextStream = 0
  /// Which node waits for which by `Lazy`, from inside its constructor.
  var lazyWaits: [Int: Int] = [:]
  var began = Duration.zero
  /// When the app's own budget for what it is doing is used up.
  var deadline: Duration?

  init(_ plan: Plan, _ options: App.Options) {
    self.plan = plan
    self.options = options
    schedule = Schedule(plan, serial: options.order == .serial)
    records = Array(repeating: Record(), count: plan.nodes.count)
  }

  // MARK: Start

  mutating func beginStart(now: Duration) throws(ContainerError) -> [Effect] {
    switch machine.start() {
    case .refuse(let state): throw .cannotStart(state)
    case .begin: break
    }
    began = now
    deadline = now + options.startTimeout
    var effects: [Effect] = [.publish(.starting)]
    let ready = schedule.want(plan.roots)
    effects.append(.start(ready))
    settle(&effects)
    return effects
  }

  /// A node has been built and started. Returns the nodes that can be built now.
  mutating func completeStart(_ node: Int, now: Duration, _ effects: inout [Effect]) -> [Int] {
    records[node].activity = .none
    records[node].deadline = nil
    records[node].timing.startEnded = now
    let hasStopWork = records[node].hooks.prefix(records[node].startedHooks).contains { $0.onStop != nil }
    let ready = schedule.didStart(node, hasStopWork: hasStopWork)
    if let waiters = valueWaiters.removeValue(forKey: node) { effects.append(.answer(waiters, nil)) }
    if ready.isEmpty { settle(&effects) }
    return ready
  }

  /// A node could not be built or started. Returns the nodes that can be built now.
  mutating func failStart(_ node: Int, _ error: ContainerError, _ effects: inout [Effect]) -> [Int] {
    if case .abandoned = records[node].activity {} else { records[node].activity = .none }
    records[node].deadline = nil
    let (abandoned, ready) = schedule.didFail(node)
    answer([node] + abandoned, error, &effects)
    switch machine.current {
    case .starting, .stopping:
      startFailures.append(error)
      if machine.fail() {
        reason = reason ?? .startFailed
        effects.append(.emit(.rollingBack(error)))
        effects.append(.publish(.stopping))
        drain(&effects)
      }
    case .built, .running, .stopped: break
    }
    settle(&effects)
    return machine.admitsNodes ? ready : []
  }

  private mutating func answer(_ nodes: [Int], _ error: ContainerError, _ effects: inout [Effect]) {
    for node in nodes {
      if let waiters = valueWaiters.removeValue(forKey: node) { effects.append(.answer(waiters, error)) }
    }
  }

  /// Calls off everything that is being built.
  private mutating func drain(_ effects: inout [Effect]) {
    answer(schedule.abandonWaiting(), .stopping(), &effects)
    effects.append(.cancel(workers.values.compactMap { $0 }))
  }

  /// Goes on to the next state if nothing is being built any more.
  mutating func settle(_ effects: inout [Effect]) {
    guard schedule.isSettled else { return }
    switch machine.settled() {
    case .started:
      startOutcome = .success(())
      effects.append(.publish(.running))
      effects.append(.resume(startWaiters))
      startWaiters = []
    case .beginStop:
      effects.append(.stop(schedule.beginStop()))
      finishIfStopped(&effects)
    case .none: break
    }
  }

  // MARK: Stop

  mutating func requestStop(_ why: StopReason, now: Duration) -> [Effect] {
    var effects: [Effect] = []
    switch machine.stop() {
    case .finish:
      reason = why
      effects.append(.emit(.stopRequested(why)))
      finish(&effects)
    case .drain:
      reason = why
      deadline = now + options.stopTimeout
      effects.append(.emit(.stopRequested(why)))
      effects.append(.publish(.stopping))
      drain(&effects)
      settle(&effects)
    case .join, .none: break
    }
    return effects
  }

  /// A node has stopped, well or not. Returns the nodes that can be stopped now.
  mutating func completeStop(_ node: Int, now: Duration, _ effects: inout [Effect]) -> [Int] {
    if case .abandoned = records[node].activity {} else { records[node].activity = .none }
    records[node].deadline = nil
    records[node].timing.stopEnded = now
    let ready = schedule.didStop(node)
    finishIfStopped(&effects)
    return ready
  }

  private mutating func finishIfStopped(_ effects: inout [Effect]) {
    if schedule.isStopped, machine.finished() { finish(&effects) }
  }

  private mutating func finish(_ effects: inout [Effect]) {
    if startOutcome == nil {
      startOutcome = .failure(.startEnded(startFailures, rollBack: stopFailures, reason: reason))
    }
    effects.append(.publish(.stopped))
    effects.append(.resume(startWaiters + stopWaiters))
    startWaiters = []
    stopWaiters = []
  }

  /// What `stop` and `run` report.
  var outcome: ContainerError? { .stopEnded(stopFailures) }

  // MARK: Values on demand

  /// Whether waiting for `goal` inside `node` would be waiting for oneself.
  func wouldDeadlock(_ node: Int, waitingFor goal: Int) -> Bool {
    var seen: Set<Int> = []
    var stack = [goal]
    while let next = stack.popLast() {
      if next == node { return true }
      guard schedule.phases[next] != .started, seen.insert(next).inserted else { continue }
      stack += plan.dependencies[next].lazy.map(Int.init)
      if let awaited = lazyWaits[next] { stack.append(awaited) }
    }
    return false
  }
}

extension EngineState {
  struct Answer {
    var error: ContainerError?
  }

  /// Someone wants the value of a node now. Returns an answer if there is one already.
  mutating func demand(
    _ node: Int, from asking: Int?, _ continuation: CheckedContinuation<ContainerError?, Never>
  ) -> (Answer?, [Effect]) {
    if schedule.phases[node] == .started { return (Answer(), []) }
    guard machine.admitsNodes else { return (Answer(error: .notRunning(plan.origin(node), machine.current)), []) }
    if let asking {
      if wouldDeadlock(asking, waitingFor: node) {
        return (Answer(error: .lazyCycle(plan.origin(asking), plan.origin(node))), [])
      }
      lazyWaits[asking] = node
    }
    valueWaiters[node, default: []].append(continuation)
    return (nil, [.start(schedule.want([node]))])
  }
}
