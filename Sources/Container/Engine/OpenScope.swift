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
  /// The scope around this one, of any app: a task of this one may go on inside that when this has ended.
  private let outer: Mutex<OpenScope?>
  private let state = Mutex(State.open)
  /// The task that runs the body, and that may be gone as soon as the scope is over: so it is used in the state `cancelling`
  /// alone, which the end waits for, and dropped at the end.
  private nonisolated(unsafe) var task: UnsafeCurrentTask?

  init(_ engine: Engine, _ site: Site) {
    self.engine = ObjectIdentifier(engine)
    self.site = site
    let outer = OpenScope.current?.nearestOpen
    // Those in between have ended: tasks that open scopes for each other in turn would keep all that there ever were.
    outer?.skipEnded()
    self.outer = Mutex(outer)
    task = withUnsafeCurrentTask { $0 }
  }

  /// The open scope of `engine` that the current task is in, or one that began it.
  static func surroundsTask(of engine: Engine) -> OpenScope? {
    var next = current?.nearestOpen
    while let scope = next {
      if scope.engine == ObjectIdentifier(engine) { return scope }
      next = scope.around?.nearestOpen
    }
    return nil
  }

  private var around: OpenScope? { outer.withLock(\.self) }

  private var isEnded: Bool { state.withLock { if case .ended = $0 { true } else { false } } }

  /// This one, or else the nearest around it that has not ended.
  private var nearestOpen: OpenScope? {
    var next: OpenScope? = self
    while let scope = next, scope.isEnded { next = scope.around }
    return next
  }

  private func skipEnded() {
    guard let around, around.isEnded else { return }
    let nearest = around.nearestOpen
    outer.withLock { $0 = nearest }
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
