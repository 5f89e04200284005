import Synchronization

/// The supervised task of one `Run`.
final class RunTask: Sendable {
  let grace: Duration
  private let engine: Engine
  private let node: Int
  private let policy: Run.Policy
  private let body: RunBody

  private enum State {
    /// Not launched yet. May go to launched, or straight to ended.
    case idle
    /// The task is there, running or not.
    case launched(Task<Void, Never>)
    /// Ended before it was launched, and never will be.
    case ended
  }

  private let state = Mutex(State.idle)

  init(_ engine: Engine, _ node: Int, _ body: RunBody) {
    let declaration = engine.plan.declarations[node]
    let policy = declaration.run ?? Run.Policy()
    let listens = declaration.requirements.contains { $0.access == .shutdownSignal }
    self.engine = engine
    self.node = node
    self.policy = policy
    self.body = body
    grace = policy.grace ?? (listens ? .seconds(5) : .zero)
  }

  private let hasEnded = Atomic(false)

  var isRunning: Bool { !hasEnded.load(ordering: .relaxed) }

  /// Begins the task, unless it has been ended already.
  func launch() {
    state.withLock { state in
      guard case .idle = state else { return }
      state = .launched(
        Task {
          await supervise()
          hasEnded.store(true, ordering: .relaxed)
          engine.forgetLeftBehind(node)
        })
    }
  }

  /// Ends the task: gives it its grace, then cancels it, then waits for it.
  func end() async {
    guard let task = launched() else { return }
    guard grace > .zero else {
      task.cancel()
      return await task.value
    }
    let clock = engine.options.clock
    let force = Task { [grace] in
      try await clock.sleep(clock.now() + grace)
      task.cancel()
    }
    await task.value
    force.cancel()
  }

  /// Cancels the task without waiting for it.
  func cancel() {
    guard let task = launched() else { return engine.forgetLeftBehind(node) }
    task.cancel()
  }

  /// The task; nil if there is none and will be none.
  private func launched() -> Task<Void, Never>? {
    state.withLock { state in
      if case .launched(let task) = state { return task }
      state = .ended
      hasEnded.store(true, ordering: .relaxed)
      return nil
    }
  }

  private func supervise() async {
    let clock = engine.options.clock
    var failures = 0
    while true {
      let began = clock.now()
      do {
        try await Context.running(node, of: engine) { try await body.call() }
        engine.runEnded(node, nil, .done(policy.finish))
        return
      } catch {
        let elapsed = clock.now() - began
        if engine.shutdownSignal.isRequested {
          if case .ignore = policy.failure {
            engine.runEnded(node, error, .ignored)
          } else {
            engine.runEnded(node, error, .stopping)
          }
          return
        }
        switch policy.failure {
        case .shutdown:
          engine.runEnded(node, error, .failed)
          return
        case .ignore:
          engine.runEnded(node, error, .ignored)
          return
        case .restart(let backoff):
          if elapsed >= backoff.resetAfter { failures = 0 }
          guard let pause = backoff.pause(afterFailure: failures, chance: .random(in: 0...1)) else {
            engine.runEnded(node, error, .failed)
            return
          }
          failures += 1
          engine.runEnded(node, error, .restarting(after: pause))
          // The app stops while this pauses: there is nothing to end, and nothing to call again.
          try? await engine.shutdownSignal.sleep(for: pause)
          if Task.isCancelled || engine.shutdownSignal.isRequested { return }
        }
      }
    }
  }

  /// How one call of the body ended.
  enum Ending: Sendable {
    case done(Run.FinishPolicy)
    case failed
    case ignored
    case restarting(after: Duration)
    case stopping
  }
}
