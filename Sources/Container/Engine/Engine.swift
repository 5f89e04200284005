import Synchronization

/// Runs an app: takes nodes from the schedule, has the resolver construct them, runs their hooks.
///
/// Every decision is made in `EngineState` under the lock; what follows from it is done here, without the lock.
final class Engine: Sendable {
  let plan: Plan
  let options: App.Options
  let slots: Slots
  let shutdownSignal: ShutdownSignal
  let state: Mutex<EngineState>

  init(_ plan: Plan, _ options: App.Options) {
    self.plan = plan
    self.options = options
    slots = Slots(count: plan.singletonSlots)
    shutdownSignal = ShutdownSignal(options.clock)
    state = Mutex(EngineState(plan, options, slots))
  }

  // MARK: Start and stop

  func start() async throws(ContainerError) {
    let plan = plan
    guard plan.faults.isEmpty else {
      let error = ContainerError.invalid(plan)
      perform(state.withLock { $0.refuseStart(error) })
      throw error
    }
    let now = options.clock.now()
    let begun = state.withLock { state in Result { () throws(ContainerError) in try state.beginStart(now: now) } }
    let effects = try begun.get()
    if isObserved {
      for node in plan.nodes.indices { emit(.provided(plan.origin(node))) }
    }
    perform(effects)
    await withTaskCancellationHandler {
      // A start that is over by the time it is this task's turn again needs no watch, whose timer costs more than many a start.
      await Task.yield()
      if state.withLock({ !$0.watch.isOn }) { watch() }
      await wait(for: .start)
    } onCancel: {
      callOffStart()
    }
    try startOutcome()
  }

  func started() async throws(ContainerError) {
    await wait(for: .start)
    try startOutcome()
  }

  func stop() async throws(ContainerError) {
    if let node = Context.node(of: self) { throw .stopInside(plan.origin(node)) }
    if let scope = OpenScope.surroundsTask(of: self) { throw .stopInside(scope.origin(plan)) }
    requestStop(.requested(nil))
    try await stopped()
  }

  func stopped() async throws(ContainerError) {
    await wait(for: .stop)
    if let error = state.withLock({ $0.outcome }) { throw error }
  }

  func requestStop(_ reason: StopReason) {
    let now = options.clock.now()
    perform(state.withLock { $0.requestStop(reason, now: now) })
  }

  /// The task that starts the app is cancelled, which may be when the app has started: then it goes on.
  private func callOffStart() {
    let now = options.clock.now()
    perform(state.withLock { $0.machine.current == .starting ? $0.requestStop(.cancelled, now: now) : [] })
  }

  private func startOutcome() throws(ContainerError) {
    try state.withLock { $0.startOutcome }?.get()
  }

  func wait(for milestone: EngineState.Milestone) async {
    await withCheckedContinuation { continuation in
      let isThere = state.withLock { state in
        switch milestone {
        case .start:
          if state.isStartTold { return true }
          state.startWaiters.append(continuation)
        case .stop:
          if state.isStopTold { return true }
          state.stopWaiters.append(continuation)
        }
        return false
      }
      if isThere { continuation.resume() }
    }
  }

  // MARK: State

  var current: AppState { state.withLock { $0.machine.current } }

  var stopReason: StopReason? { state.withLock { $0.reason } }

  func states() -> AsyncStream<AppState> {
    let (stream, continuation) = AsyncStream.makeStream(of: AppState.self)
    let (id, current) = state.withLock { state in
      let current = state.machine.current
      state.nextStream += 1
      if current != .stopped { state.streams[state.nextStream] = continuation }
      // Under the lock, so that no later state can come before this one; yielding runs no code of anybody's.
      continuation.yield(current)
      return (state.nextStream, current)
    }
    continuation.onTermination = { [weak self] _ in
      self?.state.withLock { _ = $0.streams.removeValue(forKey: id) }
    }
    if current == .stopped { continuation.finish() }
    return stream
  }

  // MARK: Effects

  func perform(_ effects: [EngineState.Effect]) {
    for effect in effects {
      switch effect {
      case .spawn(let worker): spawn(worker)
      case .launch(let run): run.launch()
      case .reached(let milestone): for waiter in state.withLock({ $0.reach(milestone) }) { waiter.resume() }
      case .answer(let waiters, let error): for waiter in waiters { waiter.resume(returning: error) }
      case .cancel(let tasks): for task in tasks { task.cancel() }
      case .cancelRuns(let runs): for run in runs { run.cancel() }
      case .publish(let appState, let streams):
        for stream in streams { stream.finish() }
        emit(.stateChanged(appState))
      case .emit(let event): emit(event)
      case .cancelScopes(let scopes): for scope in scopes { scope.cancel() }
      case .signalShutdown: shutdownSignal.raise()
      case .watch: watch()
      }
    }
  }

  // MARK: Events

  var isObserved: Bool { !options.observers.isEmpty }

  func emit(_ event: @autoclosure () -> ContainerEvent) {
    guard isObserved else { return }
    let event = event()
    for observer in options.observers { observer.observe(event) }
  }
}
