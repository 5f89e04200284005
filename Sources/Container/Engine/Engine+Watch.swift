import Synchronization

extension Engine {
  /// Starts to watch deadlines, in place of the watch that is there, if there is anything to watch any more.
  func watch() {
    let now = options.clock.now()
    guard let (number, old) = state.withLock({ $0.beginWatch(now: now) }) else { return }
    old?.cancel()
    let task = Task { await look(number) }
    let isOver = state.withLock { state in
      guard state.watch.number == number else { return true }
      if state.watch.isOn { state.watch.task = task }
      return false
    }
    if isOver { task.cancel() }
  }

  private func look(_ number: Int) async {
    while let next = state.withLock({ $0.nextLook(number) }) {
      // Cancelled: there is another watch, or nothing left to watch.
      guard (try? await options.clock.sleep(next)) != nil else { return }
      let now = options.clock.now()
      perform(state.withLock { $0.look(number, now: now) })
    }
  }
}
