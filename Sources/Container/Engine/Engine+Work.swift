import Synchronization

extension Engine {
  /// Makes the task of a worker: not a child of anybody's, for one that does not end must not hold up the app.
  func spawn(_ worker: Int) {
    let task = Task { await work(worker) }
    if state.withLock({ $0.hire(worker, task) }) { task.cancel() }
  }

  /// Does one job after the other until there are none left.
  private nonisolated(nonsending) func work(_ worker: Int) async {
    let context = Context(self, node: -1)
    await Context.$current.withValue(context) {
      var next = change { state, now, effects in state.take(worker, now: now, &effects) }
      while let job = next {
        switch job {
        case .start(let node):
          context.node = node
          guard plan.nodes[node].isPlain, !isObserved else {
            next = await start(node, worker)
            continue
          }
          // The rest of `start` without its calls, each of which has a frame of its own in an async function.
          do {
            let injector = Injector(engine: self, node: node)
            var made = try await plan.declarations[node].make(injector)
            for bind in plan.declarations[node].binds { try bind(injector, &made) }
            next = made.hooks.isEmpty ? complete(node, worker, made) : await startHooked(node, worker, made)
          } catch {
            next = fail(node, worker, .construction(plan, node, error))
          }
        case .stop(let node):
          context.node = node
          next = await stop(node, worker)
        case .undo(let node):
          context.node = node
          next = await undo(node, worker)
        }
      }
      // What was begun here and not waited for inherits the context; it is nobody's code now.
      context.node = -1
    }
  }

  /// Changes the state, then does what follows from that.
  private func change<Result: Sendable>(
    _ body: (inout EngineState, Duration, inout [EngineState.Effect]) -> Result
  ) -> Result {
    let now = options.clock.now()
    var effects: [EngineState.Effect] = []
    let result = state.withLock { body(&$0, now, &effects) }
    if !effects.isEmpty { perform(effects) }
    return result
  }

  /// The end of a job: what `body` says of it, and the next one. If the worker has lost the node, that is told.
  private func finish(
    _ node: Int, _ worker: Int, _ body: (inout EngineState, Duration, inout [EngineState.Effect]) -> Bool
  ) -> EngineState.Job? {
    let (isOwner, next) = change { state, now, effects in
      let isOwner = body(&state, now, &effects)
      return (isOwner, state.take(worker, now: now, &effects))
    }
    if !isOwner { emit(.cameLate(plan.origin(node))) }
    return next
  }

  // MARK: Starting

  private nonisolated(nonsending) func start(_ node: Int, _ worker: Int) async -> EngineState.Job? {
    do {
      let made = try await build(node)
      return await startHooked(node, worker, made)
    } catch {
      return fail(node, worker, error)
    }
  }

  private nonisolated(nonsending) func startHooked(_ node: Int, _ worker: Int, _ made: Made) async -> EngineState.Job? {
    do {
      guard try await startHooks(of: node, worker, made.hooks) else { return finish(node, worker) { _, _, _ in false } }
      return complete(node, worker, made)
    } catch {
      return fail(node, worker, error)
    }
  }

  private func complete(_ node: Int, _ worker: Int, _ made: Made) -> EngineState.Job? {
    if plan.nodes[node].kind == .run {
      return launch(RunTask(self, node, made.value.value(as: RunBody.self)), node, worker, hooks: made.hooks.count)
    }
    let hooks = made.hooks.count
    return finish(node, worker) { state, now, effects in
      // A worker that has lost the node must not put in a value that nobody will stop.
      guard state.owns(worker, node) else { return false }
      let first = plan.nodes[node].firstSlot
      // The first at last: who finds it, without the lock, takes the others to be there.
      for output in (0..<plan.nodes[node].outputCount).reversed() { slots.fill(first + output, made.output(output)) }
      return state.completeStart(node, hooks: hooks, worker: worker, now: now, &effects)
    }
  }

  private func launch(_ run: RunTask, _ node: Int, _ worker: Int, hooks: Int) -> EngineState.Job? {
    finish(node, worker) { state, now, effects in
      guard state.owns(worker, node) else { return false }
      state.runs[node] = run
      effects.append(.launch(run))
      return state.completeStart(node, hooks: hooks, worker: worker, now: now, &effects)
    }
  }

  private nonisolated(nonsending) func build(_ node: Int) async throws(ContainerError) -> Made {
    let began = isObserved ? options.clock.now() : .zero
    do {
      // A context of its own: a task that the constructor begins must not be taken for the node that the worker does next.
      let context = Context(self, node: node)
      defer { context.node = -1 }
      let made = try await Context.$current.withValue(context) {
        try await Resolver(engine: self).construct(node, in: nil)
      }
      emit(.built(plan.origin(node), options.clock.now() - began))
      return made
    } catch {
      emit(.buildFailed(plan.origin(node), options.clock.now() - began, error))
      throw .construction(plan, node, error)
    }
  }

  /// Starts the hooks of a node, one after the other. Returns false if the worker lost the node.
  private nonisolated(nonsending) func startHooks(
    of node: Int, _ id: Int, _ hooks: [Hook]
  ) async throws(ContainerError) -> Bool {
    for (index, hook) in hooks.enumerated() {
      let began = options.clock.now()
      var effects: [EngineState.Effect] = []
      guard state.withLock({ $0.beginStartHook(node, index, of: hooks, worker: id, now: began, &effects) }) else {
        return false
      }
      if !effects.isEmpty { perform(effects) }
      guard let action = hook.onStart else { continue }
      emit(.starting(plan.origin(node), hook: hook.name, budget: options.budget(of: hook, .start)))
      do {
        try await Context.running(node, of: self) { try await action() }
      } catch {
        let elapsed = options.clock.now() - began
        emit(.startFailed(plan.origin(node), hook: hook.name, elapsed, error))
        throw .hook(plan, node, hook, .start, elapsed, error)
      }
      emit(.started(plan.origin(node), hook: hook.name, options.clock.now() - began))
    }
    return true
  }

  private func fail(_ node: Int, _ worker: Int, _ error: ContainerError) -> EngineState.Job? {
    finish(node, worker) { state, now, effects in
      guard state.owns(worker, node) else { return false }
      state.fail(node, worker, error, now: now, &effects)
      return true
    }
  }

  private nonisolated(nonsending) func undo(_ node: Int, _ worker: Int) async -> EngineState.Job? {
    await stopHooks(of: node, worker)
    return finish(node, worker) { state, now, effects in
      guard state.owns(worker, node), let failure = state.undoing.removeValue(forKey: node) else { return false }
      state.failStart(node, failure.error, isKept: failure.isKept, now: now, &effects)
      return true
    }
  }

  // MARK: Stopping

  /// Who has lost the node on the way finds that out at the end, and does no more of it.
  private nonisolated(nonsending) func stop(_ node: Int, _ worker: Int) async -> EngineState.Job? {
    if plan.nodes[node].kind == .run { await stopRun(of: node, worker) }
    await stopHooks(of: node, worker)
    return finish(node, worker) { $0.completeStop(node, worker: worker, now: $1, &$2) }
  }

  private nonisolated(nonsending) func stopRun(of node: Int, _ id: Int) async {
    let began = options.clock.now()
    var effects: [EngineState.Effect] = []
    let run = state.withLock { $0.beginStopRun(node, worker: id, now: began, &effects) }
    perform(effects)
    guard let run else { return }
    emit(.stopping(plan.origin(node), hook: nil, budget: options.budget(of: run)))
    await run.end()
    emit(.stopped(plan.origin(node), hook: nil, options.clock.now() - began))
  }

  /// Stops the hooks of a node that have started, the last first, so long as the worker owns the node.
  private nonisolated(nonsending) func stopHooks(of node: Int, _ id: Int) async {
    var isLast = false
    while !isLast {
      let began = options.clock.now()
      var effects: [EngineState.Effect] = []
      let begun = state.withLock { $0.beginStopHook(node, worker: id, now: began, &effects) }
      if !effects.isEmpty { perform(effects) }
      guard let begun, let action = begun.hook.onStop else { return }
      let hook = begun.hook
      isLast = begun.isLast
      emit(.stopping(plan.origin(node), hook: hook.name, budget: options.budget(of: hook, .stop)))
      do {
        try await Context.running(node, of: self) { try await action() }
        emit(.stopped(plan.origin(node), hook: hook.name, options.clock.now() - began))
      } catch {
        let elapsed = options.clock.now() - began
        emit(.stopFailed(plan.origin(node), hook: hook.name, elapsed, error))
        let failure = ContainerError.hook(plan, node, hook, .stop, elapsed, error)
        state.withLock { if $0.owns(id, node) { $0.stopFailures.append(failure) } }
      }
    }
  }

  // MARK: Runs

  /// The task of a `Run` has ended. One that the stop had no time for is still known, for it may have gone on after that.
  func forgetLeftBehind(_ node: Int) {
    state.withLock { if $0.machine.current == .stopped { $0.runs[node] = nil } }
  }

  /// One call of the body of a `Run` has ended.
  func runEnded(_ node: Int, _ error: (any Error)?, _ ending: RunTask.Ending) {
    let origin = plan.origin(node)
    switch ending {
    case .done(let policy):
      emit(.runFinished(origin))
      if policy == .shutdown { requestStop(.runEnded(origin.name)) }
    case .ignored:
      if let error, !isCalledOff(error) { emit(.runFailed(origin, error, restartAfter: nil)) }
    case .restarting(let pause):
      if let error { emit(.runFailed(origin, error, restartAfter: pause)) }
    case .failed, .stopping:
      guard let error, !isCalledOff(error) else { return }
      emit(.runFailed(origin, error, restartAfter: nil))
      let failure = ContainerError.runFailed(plan, node, error)
      // What comes after the end is an event, no more: all who stop the app are told the same.
      state.withLock { if $0.machine.current != .stopped { $0.runFailures.append(failure) } }
      requestStop(.runEnded(origin.name))
    }
  }

  /// Being cancelled is what a `Run` is told to do at the end; what it asks the container for is called off with it.
  private func isCalledOff(_ error: any Error) -> Bool {
    shutdownSignal.isRequested && ContainerError.isCallingOff(error)
  }
}
