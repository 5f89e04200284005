import Synchronization

/// Runs an app: takes nodes from the schedule, has the resolver construct them, runs their hooks.
///
/// Every decision is made in `EngineState` under the lock; what follows from it is done here, without the lock.
final class Engine: Sendable {
  let plan: Plan
  let options: App.Options
  let slots: [Slot]
  private let state: Mutex<EngineState>

  init(_ plan: Plan, _ options: App.Options) {
    self.plan = plan
    self.options = options
    slots = (0..<plan.singletonSlots).map { _ in Slot() }
    state = Mutex(EngineState(plan, options))
  }

  // MARK: Start and stop

  func start() async throws(ContainerError) {
    let plan = plan
    guard plan.faults.isEmpty else { throw .invalid(plan) }
    if isObserved {
      for node in plan.nodes.indices { emit(.provided(plan.origin(node))) }
    }
    let now = options.clock.now()
    let begun = state.withLock { state in Result { () throws(ContainerError) in try state.beginStart(now: now) } }
    perform(try begun.get())
    await withTaskCancellationHandler {
      await wait(for: .start)
    } onCancel: {
      requestStop(.cancelled)
    }
    try startOutcome()
  }

  func started() async throws(ContainerError) {
    await wait(for: .start)
    try startOutcome()
  }

  func stop() async throws(ContainerError) {
    if let node = Context.node(of: self) { throw .stopInside(plan.origin(node)) }
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

  private func startOutcome() throws(ContainerError) {
    try state.withLock { $0.startOutcome }?.get()
  }

  enum Milestone {
    case start
    case stop
  }

  func wait(for milestone: Milestone) async {
    await withCheckedContinuation { continuation in
      let isThere = state.withLock { state in
        switch milestone {
        case .start:
          if state.startOutcome != nil { return true }
          state.startWaiters.append(continuation)
        case .stop:
          if state.machine.current == .stopped { return true }
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
      state.nextStream += 1
      state.streams[state.nextStream] = continuation
      return (state.nextStream, state.machine.current)
    }
    continuation.onTermination = { [weak self] _ in
      self?.state.withLock { _ = $0.streams.removeValue(forKey: id) }
    }
    continuation.yield(current)
    if current == .stopped { continuation.finish() }
    return stream
  }

  // MARK: Values

  /// The value of a singleton, built and started now if it has not been yet.
  func ensure(_ source: Plan.Source) async throws -> AnyBox {
    if let box = slots[source.slot].value { return box }
    let asking = Context.node(of: self)
    let failure = await withCheckedContinuation { continuation in
      let (answer, effects) = state.withLock { state in
        state.demand(source.node, from: asking, continuation)
      }
      if let answer { continuation.resume(returning: answer.error) }
      perform(effects)
    }
    if let asking { state.withLock { _ = $0.lazyWaits.removeValue(forKey: asking) } }
    if let failure { throw failure }
    guard let box = slots[source.slot].value else { throw ContainerError.unbound(plan, source.node) }
    return box
  }

  // MARK: Work

  private enum Job {
    case start(Int)
    case stop(Int)
  }

  func perform(_ effects: [EngineState.Effect]) {
    for effect in effects {
      switch effect {
      case .start(let nodes): for node in nodes { spawn(.start(node)) }
      case .stop(let nodes): for node in nodes { spawn(.stop(node)) }
      case .resume(let waiters): for waiter in waiters { waiter.resume() }
      case .answer(let waiters, let error): for waiter in waiters { waiter.resume(returning: error) }
      case .cancel(let tasks): for task in tasks { task.cancel() }
      case .publish(let appState): publish(appState)
      case .emit(let event): emit(event)
      case .watch: break
      }
    }
  }

  private func publish(_ appState: AppState) {
    let streams = state.withLock { Array($0.streams.values) }
    for stream in streams {
      stream.yield(appState)
      if appState == .stopped { stream.finish() }
    }
    emit(.stateChanged(appState))
  }

  private func spawn(_ job: Job) {
    let id = state.withLock { state in
      state.nextWorker += 1
      state.workers[state.nextWorker] = .some(nil)
      return state.nextWorker
    }
    let task = Task { await work(id, job) }
    let isCancelled = state.withLock { state in
      guard state.workers[id] != nil else { return false }
      state.workers[id] = .some(task)
      if case .start = job { return !state.machine.admitsNodes }
      return false
    }
    if isCancelled { task.cancel() }
  }

  /// Runs a node, then one of those that it made possible, and so on; the others get workers of their own.
  private func work(_ id: Int, _ first: Job) async {
    let context = Context(self, node: 0)
    await Context.$current.withValue(context) {
      var next: Job? = first
      while let job = next {
        switch job {
        case .start(let node):
          context.node = node
          next = await start(node).map(Job.start)
        case .stop(let node):
          context.node = node
          next = await stop(node).map(Job.stop)
        }
      }
    }
    state.withLock { _ = $0.workers.removeValue(forKey: id) }
  }

  private func start(_ node: Int) async -> Int? {
    let began = options.clock.now()
    var effects: [EngineState.Effect] = []
    let ready: [Int]
    do {
      let made = try await build(node, began)
      if !made.hooks.isEmpty { try await startHooks(of: node, made.hooks) }
      for output in plan.declarations[node].outputs.indices {
        slots[plan.nodes[node].firstSlot + output].fill(made.output(output))
      }
      let now = options.clock.now()
      ready = state.withLock { state in
        state.records[node].timing.buildBegan = began
        return state.completeStart(node, now: now, &effects)
      }
    } catch {
      await undo(node)
      ready = state.withLock { $0.failStart(node, error, &effects) }
    }
    perform(effects)
    for other in ready.dropFirst() { spawn(.start(other)) }
    return ready.first
  }

  private func build(_ node: Int, _ began: Duration) async throws(ContainerError) -> Made {
    do {
      let made = try await Resolver(engine: self).construct(node, in: nil)
      if isObserved { emit(.built(plan.origin(node), options.clock.now() - began)) }
      return made
    } catch {
      if isObserved { emit(.buildFailed(plan.origin(node), options.clock.now() - began, error)) }
      throw .construction(plan, node, error)
    }
  }

  private func startHooks(of node: Int, _ hooks: [Hook]) async throws(ContainerError) {
    state.withLock { $0.records[node].hooks = hooks }
    for (index, hook) in hooks.enumerated() {
      if let action = hook.onStart {
        let began = options.clock.now()
        if isObserved { emit(.starting(plan.origin(node), hook: hook.name)) }
        do {
          try await action()
        } catch {
          let elapsed = options.clock.now() - began
          if isObserved { emit(.startFailed(plan.origin(node), hook: hook.name, elapsed, error)) }
          throw .hook(plan, node, hook, .start, elapsed, error)
        }
        if isObserved { emit(.started(plan.origin(node), hook: hook.name, options.clock.now() - began)) }
      }
      state.withLock { $0.records[node].startedHooks = index + 1 }
    }
  }

  /// Stops what a node has started of itself before it failed. In a task of its own: the worker's may have been cancelled.
  private func undo(_ node: Int) async {
    guard state.withLock({ $0.records[node].startedHooks }) > 0 else { return }
    await Task { await stopHooks(of: node) }.value
  }

  private func stop(_ node: Int) async -> Int? {
    await stopHooks(of: node)
    let now = options.clock.now()
    var effects: [EngineState.Effect] = []
    let ready = state.withLock { $0.completeStop(node, now: now, &effects) }
    perform(effects)
    for other in ready.dropFirst() { spawn(.stop(other)) }
    return ready.first
  }

  private func stopHooks(of node: Int) async {
    let hooks = state.withLock { state in
      defer { state.records[node].startedHooks = 0 }
      return state.records[node].hooks.prefix(state.records[node].startedHooks)
    }
    for hook in hooks.reversed() {
      guard let action = hook.onStop else { continue }
      let began = options.clock.now()
      if isObserved { emit(.stopping(plan.origin(node), hook: hook.name)) }
      do {
        try await action()
        if isObserved { emit(.stopped(plan.origin(node), hook: hook.name, options.clock.now() - began)) }
      } catch {
        let elapsed = options.clock.now() - began
        if isObserved { emit(.stopFailed(plan.origin(node), hook: hook.name, elapsed, error)) }
        let failure = ContainerError.hook(plan, node, hook, .stop, elapsed, error)
        state.withLock { $0.stopFailures.append(failure) }
      }
    }
  }

  // MARK: Events

  var isObserved: Bool { !options.observers.isEmpty }

  func emit(_ event: ContainerEvent) {
    for observer in options.observers { observer.observe(event) }
  }
}
