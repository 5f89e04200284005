/// All that changes while an app lives. Guarded by the engine's lock; every function returns what is to be done without it.
struct EngineState: Sendable {
  /// What to do once the lock is released.
  enum Effect: Sendable {
    /// Make the task of a worker.
    case spawn(Int)
    case launch(RunTask)
    /// Now that observers have been told, let go on who waits for it.
    case reached(Milestone)
    case answer([CheckedContinuation<(any Error)?, Never>], (any Error)?)
    case cancel([Task<Void, Never>])
    case cancelRuns([RunTask])
    /// Tell observers of a state; streams that it ends are ended.
    case publish(AppState, ending: [AsyncStream<AppState>.Continuation])
    case emit(ContainerEvent)
    case cancelScopes([OpenScope])
    /// Tell whoever waits for `ShutdownSignal`.
    case signalShutdown
    /// Watch deadlines, anew: there is one before the watch would look again.
    case watch
  }

  /// What there is to wait for.
  enum Milestone: Sendable {
    case start
    case stop
  }

  /// Something to do with a node.
  enum Job: Sendable {
    case start(Int)
    case stop(Int)
    /// Stop what a node had started of itself before it failed, then report the failure, which `undoing` keeps.
    case undo(Int)
  }

  /// What happens to a node right now.
  enum Activity: Sendable {
    case none
    case building
    case startingHook(Int)
    case stoppingHook(Int)
    case stoppingRun
  }

  /// What happens to a node and what has happened. Of plain numbers: there is one for every node, and few have hooks.
  struct Record: Sendable {
    /// How many hook pairs have started, from the first.
    var startedHooks = 0
    var activity = Activity.none
    /// The worker that the node belongs to. Any other that comes back with it took too long, and nobody waits for it.
    var worker = 0
    var since = Duration.zero
    var deadline: Duration?
    var timing = NodeTiming()
  }

  let plan: Plan
  let options: App.Options
  let slots: Slots
  var machine = LifecycleStateMachine()
  var schedule: Schedule
  var records: [Record]
  /// The hooks of every node, from the moment that one has any.
  var hooks: [[Hook]] = []
  var runs: [Int: RunTask] = [:]
  /// Those that a worker ends and waits for.
  var endingRuns: [Int: RunTask] = [:]
  /// What is to be done, and how much of that has been handed out.
  var queue: [Job] = []
  var queueHead = 0
  /// Why the nodes failed that are being undone, and whether that is in `startFailures` already.
  var undoing: [Int: (error: ContainerError, isKept: Bool)] = [:]
  /// Tasks that take jobs from the queue; nil for one that is just being made.
  var workers: [Int: Task<Void, Never>?] = [:]
  /// Workers that end with the job they have: what is cancelled must take no other.
  var cancelledWorkers: Set<Int> = []
  /// The worker that has not begun to run yet. There is never more than one: it makes the next when it begins, so that there
  /// are as many as there are jobs that suspend, and hardly any for a thousand jobs that do not.
  var pendingWorker: Int?
  /// Workers that took too long and that nobody waits for any more, with the node whose code they run.
  var abandoned: [Int: Int] = [:]
  var nextWorker = 0
  var reason: StopReason?
  /// Why the start failed: what came first is what is thrown, the rest is kept with it.
  var startFailures: [ContainerError] = []
  var stopFailures: [ContainerError] = []
  var runFailures: [ContainerError] = []
  var startOutcome: Result<Void, ContainerError>?
  /// Whether observers have been told how the start ended, and that the stop has: before that nobody goes on who waits for it,
  /// for what that one does next would be told first.
  var (isStartTold, isStopTold) = (false, false)
  var startWaiters: [CheckedContinuation<Void, Never>] = []
  var stopWaiters: [CheckedContinuation<Void, Never>] = []
  /// Who waits for values; answered with what went wrong, if anything did.
  var valueWaiters = Waiters<(any Error)?>()
  var streams: [Int: AsyncStream<AppState>.Continuation] = [:]
  var nextStream = 0
  var scopes = Scopes()
  /// Which nodes a node waits for by `Lazy`, from inside its constructor.
  var lazyWaits = Waits()
  /// When the start began and ended, and the stop.
  var appTiming = AppTiming()
  /// When the app's own budget for what it is doing is used up.
  var deadline: Duration?
  var watch = Watch()

  /// - Parameter slots: Closed when everything has stopped.
  init(_ plan: Plan, _ options: App.Options, _ slots: Slots) {
    self.plan = plan
    self.options = options
    self.slots = slots
    schedule = Schedule(plan, serial: options.order == .serial)
    records = Array(repeating: Record(), count: plan.nodes.count)
  }

  // MARK: Start

  mutating func beginStart(now: Duration) throws(ContainerError) -> [Effect] {
    switch machine.start() {
    case .refuse(let state): throw .cannotStart(state)
    case .begin: break
    }
    appTiming.startBegan = Moment(now)
    deadline = now + options.startTimeout
    var effects = [publish(.starting)]
    schedule.want(plan.roots)
    enqueueStarts()
    settle(now: now, &effects)
    ensureWorker(&effects)
    return effects
  }

  /// The graph has faults: nothing begins, and whoever waits for the start is told.
  mutating func refuseStart(_ error: ContainerError) -> [Effect] {
    guard machine.current == .built, startOutcome == nil else { return [] }
    startOutcome = .failure(error)
    return [.reached(.start)]
  }

  func owns(_ worker: Int, _ node: Int) -> Bool { records[node].worker == worker }

  /// A node has been built and started. Returns false if the worker does not own it any more.
  mutating func completeStart(
    _ node: Int, hooks started: Int, worker: Int, now: Duration, _ effects: inout [Effect]
  ) -> Bool {
    guard owns(worker, node) else { return false }
    records[node].startedHooks = started
    release(node)
    records[node].timing.startEnded = Moment(now)
    let hasStopWork =
      started > 0 && hooks[node].prefix(started).contains { $0.onStop != nil } || !runs.isEmpty && runs[node] != nil
    schedule.didStart(node, hasStopWork: hasStopWork)
    if !valueWaiters.isEmpty { effects.append(.answer(valueWaiters.removeAll(for: node), nil)) }
    enqueueStarts()
    settle(now: now, &effects)
    return true
  }

  /// A node could not be built or started, and what it had started has been undone.
  ///
  /// - Parameter isKept: Whether the error is in `startFailures` already, and the start has turned round.
  mutating func failStart(
    _ node: Int, _ error: ContainerError, isKept: Bool = false, now: Duration, _ effects: inout [Effect]
  ) {
    release(node)
    answer([node] + schedule.didFail(node), error, &effects)
    switch machine.current {
    case .starting, .stopping: if !isKept { abortStart(error, now: now, &effects) }
    case .built, .running, .stopped: break
    }
    if machine.admitsNodes {
      schedule.next()
      enqueueStarts()
    }
    settle(now: now, &effects)
  }

  /// Keeps the error, and turns round if the app was starting.
  mutating func abortStart(_ error: ContainerError, now: Duration, _ effects: inout [Effect]) {
    startFailures.append(error)
    guard machine.fail() else { return }
    reason = reason ?? .startFailed
    effects.append(.emit(.rollingBack(error)))
    effects.append(publish(.stopping))
    drain(now: now, &effects)
  }

  mutating func release(_ node: Int) {
    records[node].worker = 0
    records[node].activity = .none
    records[node].deadline = nil
  }

  private mutating func answer(_ nodes: [Int], _ error: ContainerError, _ effects: inout [Effect]) {
    guard !valueWaiters.isEmpty else { return }
    for node in nodes { effects.append(.answer(valueWaiters.removeAll(for: node), error)) }
  }

  /// Calls off everything that is being built, and tells every `Run` that the end is near.
  private mutating func drain(now: Duration, _ effects: inout [Effect]) {
    appTiming.stopBegan = Moment(now)
    deadline = now + options.stopTimeout
    answer(schedule.abandonWaiting() + takeBackStarts(), .stopping(), &effects)
    for node in records.indices {
      // A constructor has no budget of its own, but one that ignores its cancellation must not hold up the stop for ever.
      if case .building = records[node].activity { records[node].deadline = now + options.hookTimeout }
    }
    cancelBuilders(&effects)
    effects.append(.signalShutdown)
    effects.append(.watch)
  }

  /// Goes on to the next state if nothing is being built any more.
  mutating func settle(now: Duration, _ effects: inout [Effect]) {
    guard schedule.isSettled else { return }
    switch machine.settled() {
    case .started:
      appTiming.startEnded = Moment(now)
      startOutcome = .success(())
      deadline = nil
      endWatch(&effects)
      effects.append(publish(.running))
      effects.append(.reached(.start))
    case .beginStop:
      schedule.beginStop()
      enqueueStops()
      awaitScopesInTurn(now: now, &effects)
      finishIfStopped(now: now, &effects)
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
      finish(now: now, &effects)
    case .drain:
      reason = why
      effects.append(.emit(.stopRequested(why)))
      effects.append(publish(.stopping))
      drain(now: now, &effects)
      settle(now: now, &effects)
    case .join, .none: break
    }
    ensureWorker(&effects)
    return effects
  }

  /// A node has stopped, well or not.
  mutating func completeStop(_ node: Int, worker: Int, now: Duration, _ effects: inout [Effect]) -> Bool {
    guard owns(worker, node) else { return false }
    endingRuns[node] = nil
    release(node)
    records[node].timing.stopEnded = Moment(now)
    schedule.didStop(node)
    enqueueStops()
    awaitScopesInTurn(now: now, &effects)
    finishIfStopped(now: now, &effects)
    return true
  }

  mutating func finishIfStopped(now: Duration, _ effects: inout [Effect]) {
    if schedule.isStopped, machine.finished() { finish(now: now, &effects) }
  }

  private mutating func finish(now: Duration, _ effects: inout [Effect]) {
    slots.close()
    if scopes.phase != .leftBehind { scopes.phase = .over }
    appTiming.stopEnded = Moment(now)
    deadline = nil
    if startOutcome == nil {
      startOutcome = .failure(.startEnded(runFailures + startFailures, rollBack: stopFailures, reason: reason))
    }
    endWatch(&effects)
    effects.append(publish(.stopped))
    effects.append(.reached(.stop))
  }

  /// Returns who has waited for it.
  mutating func reach(_ milestone: Milestone) -> [CheckedContinuation<Void, Never>] {
    defer { startWaiters = [] }
    isStartTold = true
    guard milestone == .stop else { return startWaiters }
    defer { stopWaiters = [] }
    isStopTold = true
    return startWaiters + stopWaiters
  }

  private mutating func publish(_ state: AppState) -> Effect {
    // Under the lock, so that states come in order; yielding runs no code of anybody's, but the end of a stream does.
    for stream in streams.values { stream.yield(state) }
    guard state == .stopped else { return .publish(state, ending: []) }
    defer { streams = [:] }
    return .publish(state, ending: Array(streams.values))
  }

  /// Nodes whose code runs.
  var running: [Int] {
    records.indices.filter { records[$0].worker != 0 || runs[$0]?.isRunning == true } + abandoned.values
  }

  /// What `stop` and `run` report: the failure of a `Run` that ended the app, and what failed in the stop.
  var outcome: ContainerError? { .stopEnded(runFailures + stopFailures) }
}
