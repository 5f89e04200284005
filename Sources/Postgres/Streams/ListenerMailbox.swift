internal import Synchronization

/// A listener's inbox, where it waits for what comes.
final class ListenerMailbox: Sendable {
  typealias Waiter = CheckedContinuation<Void, Never>

  private struct State {
    var inbox: ListenerInbox
    var waiter: Waiter?
  }

  private let state: Mutex<State>

  init(isAgain: Bool) { state = Mutex(State(inbox: ListenerInbox(isAgain: isAgain))) }

  /// Changes what is in it.
  ///
  /// - Returns: who is to be resumed, once the caller holds no lock.
  func change(_ change: (inout ListenerInbox) -> Void) -> Waiter? {
    state.withLock { state in
      change(&state.inbox)
      return state.waiter.take()
    }
  }

  /// The next event, however long it takes.
  func next() async throws -> PostgresListener.Element {
    while true {
      // First: who sends faster than the reader reads would keep a cancelled one at work without end.
      try Task.checkCancellation()
      switch state.withLock({ $0.inbox.next() }) {
      case .event(let event): return event
      case .failed(let error): throw error
      case .nothing: await untilChanged()
      }
    }
  }

  private func untilChanged() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { waiter in
        let isParked = state.withLock { state in
          // Something may have come since the reader looked.
          guard state.inbox.isEmpty, !Task.isCancelled else { return false }
          state.waiter = waiter
          return true
        }
        if !isParked { waiter.resume() }
      }
    } onCancel: {
      change { _ in }?.resume()
    }
  }
}
