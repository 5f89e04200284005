import Synchronization

extension Engine {
  /// What a worker does with a node.
  enum Job: Sendable {
    case start(Int)
    case stop(Int)
    case undo(Int, ContainerError)

    var node: Int {
      switch self {
      case .start(let node), .stop(let node), .undo(let node, _): node
      }
    }
  }

  /// Makes a worker: a task of its own, not a child of anybody's, for one that does not end must not hold up the app.
  func spawn(_ job: Job) {
    let now = options.clock.now()
    let id = state.withLock { state in
      state.nextWorker += 1
      state.workers[state.nextWorker] = .some(nil)
      state.begin(job.node, job.activity, worker: state.nextWorker, now: now)
      return state.nextWorker
    }
    let task = Task { await work(id, job) }
    let isTooLate = state.withLock { state in
      // It may have ended already.
      guard state.workers[id] != nil else { return false }
      state.workers[id] = .some(task)
      if case .start = job { return !state.machine.admitsNodes }
      return !state.owns(id, job.node)
    }
    if isTooLate { task.cancel() }
  }

  /// Runs a node, then one of those that it made possible, and so on; the others get workers of their own.
  private func work(_ id: Int, _ first: Job) async {
    let context = Context(self, node: first.node)
    await Context.$current.withValue(context) {
      var next: Job? = first
      while let job = next {
        context.node = job.node
        switch job {
        case .start(let node): next = await start(node, id)
        case .stop(let node): next = await stop(node, id)
        case .undo(let node, let error): next = await undo(node, id, error)
        }
      }
    }
    state.withLock { $0.endWorker(id) }
  }

  // MARK: Starting

  private func start(_ node: Int, _ id: Int) async -> Job? {
    do {
      let made = try await build(node)
      if !made.hooks.isEmpty {
        guard try await startHooks(of: node, id, made.hooks) else { return late(node) }
      }
      let run = plan.declarations[node].kind == .run ? RunTask(self, node, made.value.value(as: RunBody.self)) : nil
      for output in plan.declarations[node].outputs.indices {
        slots[plan.nodes[node].firstSlot + output].fill(made.output(output))
      }
      run?.launch()
      let now = options.clock.now()
      var effects: [EngineState.Effect] = []
      let ready = state.withLock { state -> [Int]? in
        if state.owns(id, node) { state.records[node].run = run }
        return state.completeStart(node, worker: id, now: now, &effects).map { handOver($0, to: id, &state, now) }
      }
      perform(effects)
      guard let ready else {
        await run?.end()
        return late(node)
      }
      return spawnRest(ready)
    } catch {
      return await fail(node, id, error)
    }
  }

  private func build(_ node: Int) async throws(ContainerError) -> Made {
    let began = isObserved ? options.clock.now() : .zero
    do {
      let made = try await Resolver(engine: self).construct(node, in: nil)
      emit(.built(plan.origin(node), options.clock.now() - began))
      return made
    } catch {
      emit(.buildFailed(plan.origin(node), options.clock.now() - began, error))
      throw .construction(plan, node, error)
    }
  }

  /// Starts the hooks of a node, one after the other. Returns false if the worker lost the node.
  private func startHooks(of node: Int, _ id: Int, _ hooks: [Hook]) async throws(ContainerError) -> Bool {
    let built = options.clock.now()
    let isOwner = state.withLock { state in
      guard state.owns(id, node) else { return false }
      state.records[node].timing.buildEnded = built
      state.records[node].hooks = hooks
      state.records[node].startedHooks = 0
      return true
    }
    guard isOwner else { return false }
    for (index, hook) in hooks.enumerated() {
      if let action = hook.onStart {
        let began = options.clock.now()
        var effects: [EngineState.Effect] = []
        guard state.withLock({ $0.beginStartHook(node, index, worker: id, now: began, &effects) }) else { return false }
        perform(effects)
        emit(.starting(plan.origin(node), hook: hook.name))
        do {
          try await action()
        } catch {
          let elapsed = options.clock.now() - began
          emit(.startFailed(plan.origin(node), hook: hook.name, elapsed, error))
          throw .hook(plan, node, hook, .start, elapsed, error)
        }
        emit(.started(plan.origin(node), hook: hook.name, options.clock.now() - began))
      }
      guard state.withLock({ $0.endStartHook(node, index, worker: id) }) else { return false }
    }
    return true
  }

  private func fail(_ node: Int, _ id: Int, _ error: ContainerError) async -> Job? {
    let hasStarted = state.withLock { $0.owns(id, node) && $0.records[node].startedHooks > 0 }
    // By another worker: this one may have been cancelled, and stop hooks must not be.
    if hasStarted {
      spawn(.undo(node, error))
      return nil
    }
    let now = options.clock.now()
    var effects: [EngineState.Effect] = []
    let ready = state.withLock { state in
      handOver(state.failStart(node, worker: id, error, now: now, &effects), to: id, &state, now)
    }
    perform(effects)
    return spawnRest(ready)
  }

  private func undo(_ node: Int, _ id: Int, _ error: ContainerError) async -> Job? {
    guard await stopHooks(of: node, id) else { return late(node) }
    return await fail(node, id, error)
  }

  /// The first of the nodes stays with the worker.
  private func handOver(_ ready: [Int], to id: Int, _ state: inout EngineState, _ now: Duration) -> [Int] {
    if let first = ready.first { state.begin(first, .building, worker: id, now: now) }
    return ready
  }

  private func spawnRest(_ ready: [Int]) -> Job? {
    for other in ready.dropFirst() { spawn(.start(other)) }
    return ready.first.map(Job.start)
  }

  private func late(_ node: Int) -> Job? {
    emit(.cameLate(plan.origin(node)))
    return nil
  }

  // MARK: Stopping

  private func stop(_ node: Int, _ id: Int) async -> Job? {
    guard await stopRun(of: node, id), await stopHooks(of: node, id) else { return late(node) }
    let now = options.clock.now()
    var effects: [EngineState.Effect] = []
    let ready = state.withLock { state in
      let ready = state.completeStop(node, worker: id, now: now, &effects)
      if let first = ready.first { state.begin(first, .none, worker: id, now: now) }
      return ready
    }
    perform(effects)
    for other in ready.dropFirst() { spawn(.stop(other)) }
    return ready.first.map(Job.stop)
  }

  private func stopRun(of node: Int, _ id: Int) async -> Bool {
    let began = options.clock.now()
    var effects: [EngineState.Effect] = []
    let run = state.withLock { $0.beginStopRun(node, worker: id, now: began, &effects) }
    perform(effects)
    guard let run else { return true }
    emit(.stopping(plan.origin(node), hook: nil))
    await run.end()
    emit(.stopped(plan.origin(node), hook: nil, options.clock.now() - began))
    return state.withLock { $0.owns(id, node) }
  }

  /// Stops the hooks of a node that have started, the last first. Returns false if the worker lost the node.
  private func stopHooks(of node: Int, _ id: Int) async -> Bool {
    while true {
      let began = options.clock.now()
      var effects: [EngineState.Effect] = []
      let hook = state.withLock { $0.beginStopHook(node, worker: id, now: began, &effects) }
      perform(effects)
      guard let hook, let action = hook.onStop else { break }
      emit(.stopping(plan.origin(node), hook: hook.name))
      do {
        try await action()
        emit(.stopped(plan.origin(node), hook: hook.name, options.clock.now() - began))
      } catch {
        let elapsed = options.clock.now() - began
        emit(.stopFailed(plan.origin(node), hook: hook.name, elapsed, error))
        let failure = ContainerError.hook(plan, node, hook, .stop, elapsed, error)
        state.withLock { if $0.owns(id, node) { $0.stopFailures.append(failure) } }
      }
    }
    return state.withLock { $0.owns(id, node) }
  }

  // MARK: Runs

  /// One call of the body of a `Run` has ended.
  func runEnded(_ node: Int, _ error: (any Error)?, _ ending: RunTask.Ending) {
    let origin = plan.origin(node)
    switch ending {
    case .done(let policy):
      emit(.runFinished(origin))
      if policy == .shutdown { requestStop(.runEnded(origin.name)) }
    case .ignored:
      if let error { emit(.runFailed(origin, error, restartAfter: nil)) }
    case .restarting(let pause):
      if let error { emit(.runFailed(origin, error, restartAfter: pause)) }
    case .failed, .stopping:
      // Being cancelled is what a Run is told to do at the end.
      guard let error, !(error is CancellationError && shutdownSignal.isRequested) else { return }
      emit(.runFailed(origin, error, restartAfter: nil))
      let failure = ContainerError.runFailed(plan, node, error)
      state.withLock { $0.runFailures.append(failure) }
      requestStop(.runEnded(origin.name))
    }
  }
}

extension Engine.Job {
  fileprivate var activity: EngineState.Activity {
    switch self {
    case .start: .building
    case .stop, .undo: .none
    }
  }
}
