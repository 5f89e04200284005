import Synchronization

/// Calls a collector that waits: never twice at once, and never for longer than its time.
final class CollectorRunner: Sendable {
  enum Outcome: Sendable {
    case families([MetricFamily])
    /// The collector threw.
    case failed
    /// The collector did not return in time, now or since an earlier call.
    case timedOut
  }

  let name: String
  private let collector: any AsyncMetricsCollector
  private let isRunning = Atomic(false)

  init(_ collector: some AsyncMetricsCollector) {
    self.collector = collector
    name = String(describing: type(of: collector))
  }

  func run() async -> Outcome {
    guard !isRunning.exchange(true, ordering: .acquiringAndReleasing) else { return .timedOut }
    return await withCheckedContinuation { continuation in
      let race = CollectorRace(continuation)
      // Tasks without a parent: a collector that ignores its cancellation must not hold up the page.
      let timer = Task {
        try await Task.sleep(for: collector.timeout)
        race.timeOut()
      }
      race.cancelWhenLate(
        Task {
          let outcome: Outcome
          do { outcome = .families(try await collector.collect()) } catch { outcome = .failed }
          isRunning.store(false, ordering: .releasing)
          timer.cancel()
          race.finish(outcome)
        })
    }
  }
}

/// Hands the first of several outcomes to whoever waits.
private final class CollectorRace: Sendable {
  private struct State {
    var waiting: CheckedContinuation<CollectorRunner.Outcome, Never>?
    var call: Task<Void, Never>?
    var isLate = false
  }

  private let state: Mutex<State>

  init(_ continuation: CheckedContinuation<CollectorRunner.Outcome, Never>) {
    state = Mutex(State(waiting: continuation))
  }

  func cancelWhenLate(_ call: Task<Void, Never>) {
    let isLate = state.withLock { state in
      state.call = call
      return state.isLate
    }
    if isLate { call.cancel() }
  }

  func timeOut() {
    let call = state.withLock { state in
      state.isLate = true
      return state.call
    }
    finish(.timedOut)
    call?.cancel()
  }

  func finish(_ outcome: CollectorRunner.Outcome) {
    state.withLock { $0.waiting.take() }?.resume(returning: outcome)
  }
}
