import Synchronization

extension Engine {
  func close(_ scope: OpenScope, _ place: Int) {
    let (isLate, effects) = state.withLock { $0.close(place, now: options.clock.now()) }
    if isLate { emit(.cameLate(scope.origin(plan))) }
    if !effects.isEmpty { perform(effects) }
  }

  /// Stops values of a scope, the last first; in a task of its own, for the one that runs the scope may be cancelled.
  func stopScopeHooks(_ started: [(node: Int, hooks: [Hook])]) async -> ContainerError? {
    guard started.contains(where: { $0.hooks.contains { $0.onStop != nil } }) else { return nil }
    let failures = await immediateTask { [self] () -> [ContainerError] in
      var failures: [ContainerError] = []
      for (node, hooks) in started.reversed() {
        for hook in hooks.reversed() {
          guard let action = hook.onStop else { continue }
          do throws(ContainerError) {
            try await timed(hook, .stop, node, action)
          } catch {
            failures.append(error)
          }
        }
      }
      return failures
    }.value
    return .stopEnded(failures)
  }

  /// Runs a hook within its budget. One that does not end in time is left behind.
  func timed(
    _ hook: Hook, _ half: ContainerError.HookHalf, _ node: Int, _ action: @escaping Hook.Action
  ) async throws(ContainerError) {
    let budget = options.budget(of: hook, half)
    let clock = options.clock
    let began = clock.now()
    if half == .start {
      emit(.starting(plan.origin(node), hook: hook.name, budget: budget))
    } else {
      emit(.stopping(plan.origin(node), hook: hook.name, budget: budget))
    }
    let race = Race()
    let isCancelled = Task.isCancelled
    let work = immediateTask { [self] in
      if isCancelled { withUnsafeCurrentTask { $0?.cancel() } }
      do {
        try await action()
        if !race.end(.finished) { emit(.cameLate(plan.origin(node))) }
      } catch {
        if !race.end(.failed(error)) { emit(.cameLate(plan.origin(node))) }
      }
    }
    var ending: Race.Ending
    if let ended = race.ended {
      ending = ended
      // It held its thread all the time, so that no timer could have ended it.
      if case .finished = ended, clock.now() - began > budget { ending = .timedOut }
    } else {
      // It waits for something: from now on its time is watched.
      let timer = Task {
        guard (try? await clock.sleep(began + budget)) != nil else { return }
        race.end(.timedOut)
      }
      ending = await withTaskCancellationHandler {
        await race.ending()
      } onCancel: {
        work.cancel()
      }
      timer.cancel()
    }
    let elapsed = clock.now() - began
    // The error of a stop may be told by nothing but this.
    func tellFailure(_ error: any Error) {
      emit(
        half == .start
          ? .startFailed(plan.origin(node), hook: hook.name, elapsed, error)
          : .stopFailed(plan.origin(node), hook: hook.name, elapsed, error))
    }
    switch ending {
    case .finished:
      emit(
        half == .start
          ? .started(plan.origin(node), hook: hook.name, elapsed)
          : .stopped(plan.origin(node), hook: hook.name, elapsed))
    case .failed(let error):
      tellFailure(error)
      throw .hook(plan, node, hook, half, elapsed, error)
    case .timedOut:
      work.cancel()
      let error = ContainerError.hookTimedOut(
        plan, node, hook, half, elapsed, budget: budget, finished: [], stillRunning: [])
      tellFailure(error)
      throw error
    }
  }
}

/// A task that runs here until it suspends for the first time, where the system can do that.
private func immediateTask<Success: Sendable>(
  _ operation: @escaping @Sendable () async -> Success
) -> Task<Success, Never> {
  if #available(macOS 26, *) { Task.immediate(operation: operation) } else { Task(operation: operation) }
}
