import Synchronization

/// A scope whose body has not returned: where it was opened, and the task that a stop may have to cancel.
final class OpenScope: Sendable {
  private enum State {
    /// The body runs. May go to cancelling or ended.
    case open
    /// The task is being cancelled, which may call code of its own. May go to awaited or cancelled.
    case cancelling
    /// The scope is over but for that. May go to ended only.
    case awaited(CheckedContinuation<Void, Never>)
    /// The task has been cancelled. May go to ended only.
    case cancelled
    /// The scope is over.
    case ended
  }

  /// The scope that the current task is in. Tasks that it begins inherit it, so it keeps nothing of the scope's.
  @TaskLocal static var current: OpenScope?

  private let engine: ObjectIdentifier
  private let site: Site
  private let state = Mutex(State.open)
  /// The task that runs the body, and that may be gone as soon as the scope is over: so it is used in the state `cancelling`
  /// alone, which the end waits for, and dropped at the end.
  private nonisolated(unsafe) var task: UnsafeCurrentTask?

  init(_ engine: Engine, _ site: Site) {
    self.engine = ObjectIdentifier(engine)
    self.site = site
    task = withUnsafeCurrentTask { $0 }
  }

  /// Whether the current task, or one that began it, is in a scope of `engine`.
  static func surroundsTask(of engine: Engine) -> OpenScope? {
    guard let current, current.engine == ObjectIdentifier(engine) else { return nil }
    return current.state.withLock { if case .ended = $0 { nil } else { current } }
  }

  func origin(_ plan: Plan) -> Origin {
    Origin(kind: .scope, name: "withScope", module: plan.modulePath(0), location: site.location)
  }

  /// Cancels the task of the body.
  func cancel() {
    let isFirst = state.withLock { state in
      guard case .open = state else { return false }
      state = .cancelling
      return true
    }
    guard isFirst else { return }
    task?.cancel()
    let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
      if case .awaited(let waiter) = state { return waiter }
      state = .cancelled
      return nil
    }
    waiter?.resume()
  }

  /// The scope is over: from now on its task is left alone.
  ///
  /// - Returns: Whether that is so at once; if not, `endCancelled` waits for it.
  func end() -> Bool {
    let isFree = state.withLock { state in
      if case .cancelling = state { return false }
      state = .ended
      return true
    }
    if isFree { task = nil }
    return isFree
  }

  func endCancelled() async {
    await withCheckedContinuation { continuation in
      let isOver = state.withLock { state in
        guard case .cancelling = state else { return true }
        state = .awaited(continuation)
        return false
      }
      if isOver { continuation.resume() }
    }
    state.withLock { $0 = .ended }
    task = nil
  }
}
