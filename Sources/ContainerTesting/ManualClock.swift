public import Container
import Synchronization

/// A clock that stands still until the test moves it.
///
/// ```swift
/// let time = ManualClock()
/// var options = App.Options()
/// options.clock = time.clock
/// …
/// await time.sleepers(1)            // something waits for the time
/// time.advance(by: .seconds(15))    // and has waited long enough
/// ```
public final class ManualClock: Sendable {
  private struct Sleeper {
    var until: Duration
    var continuation: CheckedContinuation<Bool, Never>
  }

  private struct State {
    var now = Duration.zero
    var sleepers: [Int: Sleeper] = [:]
    var nextID = 0
    var watchers: [Int: (count: Int, continuation: CheckedContinuation<Void, Never>)] = [:]
  }

  private let state = Mutex(State())

  /// A clock that stands at zero.
  public init() {}

  /// What to give to ``App/Options/clock``.
  public var clock: AppClock {
    AppClock(now: { self.now }, sleep: { try await self.sleep(until: $0) })
  }

  /// The time.
  public var now: Duration { state.withLock { $0.now } }

  /// Lets time pass; wakes whoever has waited long enough.
  public func advance(by duration: Duration) {
    let woken = state.withLock { state in
      state.now += duration
      let due = state.sleepers.filter { $0.value.until <= state.now }
      for id in due.keys { state.sleepers[id] = nil }
      return due.values.sorted { $0.until < $1.until }
    }
    for sleeper in woken { sleeper.continuation.resume(returning: true) }
  }

  /// Lets time pass until the next sleeper wakes, if there is one.
  public func advanceToNext() {
    let next = state.withLock { state in state.sleepers.values.map(\.until).min().map { $0 - state.now } }
    if let next { advance(by: next) }
  }

  /// Waits until at least so many are asleep, or the task is cancelled.
  public func sleepers(_ count: Int) async {
    let id = makeID()
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          if Task.isCancelled || state.sleepers.count >= count { return true }
          state.watchers[id] = (count, continuation)
          return false
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.watchers.removeValue(forKey: id) }?.continuation.resume()
    }
  }

  private func makeID() -> Int {
    state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
  }

  private func sleep(until time: Duration) async throws {
    let id = makeID()
    let isAwake = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let (answer, watchers) = state.withLock { state -> (Bool?, [CheckedContinuation<Void, Never>]) in
          if Task.isCancelled { return (false, []) }
          if time <= state.now { return (true, []) }
          state.sleepers[id] = Sleeper(until: time, continuation: continuation)
          let ready = state.watchers.filter { $0.value.count <= state.sleepers.count }
          for id in ready.keys { state.watchers[id] = nil }
          return (nil, ready.values.map(\.continuation))
        }
        if let answer { continuation.resume(returning: answer) }
        for watcher in watchers { watcher.resume() }
      }
    } onCancel: {
      state.withLock { $0.sleepers.removeValue(forKey: id) }?.continuation.resume(returning: false)
    }
    if !isAwake { throw CancellationError() }
  }
}
