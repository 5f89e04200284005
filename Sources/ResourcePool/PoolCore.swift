internal import MonotonicTime
internal import Synchronization

/// Runs the machine: lets it decide under a lock, then acts. It knows no type parameter, because this is the path that
/// every acquire takes, and generic code called from another module costs a hundred times as much.
@usableFromInline
final class PoolCore: Sendable {
  private typealias Continuation = CheckedContinuation<LeaseGrant, any Error>
  private typealias Machine = PoolStateMachine<Continuation>

  private struct State: Sendable {
    var machine: Machine
    var timer: (deadline: MonotonicInstant, task: Task<Void, Never>)?
    /// By slot, what makes or has made its resource; so that a close need not wait for what nobody will have.
    var makings: [Int: Task<Void, Never>] = [:]
    /// Those who wait in `close`, by number.
    var drainWaiters: [Int: CheckedContinuation<Void, Never>] = [:]
    var drainWaitersEver = 0
  }

  private let shelf: any Shelf
  private let acquireTimeout: Duration
  private let state: Mutex<State>

  init(_ configuration: PoolConfiguration, _ shelf: any Shelf) {
    self.shelf = shelf
    acquireTimeout = configuration.acquireTimeout
    state = Mutex(State(machine: PoolStateMachine(configuration) { Double.random(in: 0..<1) }))
  }

  // MARK: Starting and closing

  func start() async throws {
    let serial = try mutate { machine, _, _ throws(PoolError) in try machine.beginStart() }
    do {
      try await shelf.make(0, onEnd: { [weak self] in self?.ended(0, serial) })
    } catch {
      mutate { machine, _, _ in machine.startFailed() }
      throw error
    }
    guard mutate({ machine, now, actions in machine.started(now, &actions) }) else {
      throw PoolError(.closed, "the pool was closed while it started")
    }
  }

  func close(deadline: ContinuousClock.Instant?) async -> [LeaseHolder] {
    mutate { machine, now, actions in machine.close(now, &actions) }
    let (timer, makings) = state.withLock { state in
      defer { (state.timer, state.makings) = (nil, [:]) }
      return (state.timer, state.makings)
    }
    timer?.task.cancel()
    for making in makings.values { making.cancel() }

    var watchdog: Task<Void, Never>?
    await withCheckedContinuation { continuation in
      let number: Int? = state.withLock { state in
        if state.machine.isDrained { return nil }
        state.drainWaitersEver += 1
        state.drainWaiters[state.drainWaitersEver] = continuation
        return state.drainWaitersEver
      }
      guard let number else { return continuation.resume() }
      // Only now that the continuation is in its place, or a deadline in the past would find nobody to wake.
      guard let deadline else { return }
      watchdog = Task.detached { [weak self] in
        guard (try? await Task.sleep(until: deadline, clock: .continuous)) != nil else { return }
        self?.state.withLock { $0.drainWaiters.removeValue(forKey: number) }?.resume()
      }
    }
    watchdog?.cancel()
    return holders()
  }

  // MARK: Lending

  @usableFromInline
  func leaseNow(shared: Bool, _ origin: LeaseOrigin) -> LeaseGrant? {
    let now = MonotonicInstant.now
    return state.withLock { $0.machine.leaseNow(shared: shared, origin, now) }
  }

  /// Waits in the queue, for those whom `leaseNow` gave nothing.
  @usableFromInline
  nonisolated(nonsending) func waitForLease(
    shared: Bool, timeout: Duration?, _ origin: LeaseOrigin
  ) async throws -> LeaseGrant {
    // Read and written under the state's lock only: what the task's cancellation finds there is the truth.
    let place = Mutex(Place.notQueued)
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: Continuation) in
        let isCancelled = mutate { machine, now, actions in
          place.withLock { place in
            if case .cancelled = place {
              machine.countGivenUp()
              return true
            }
            let ticket = machine.enqueue(
              continuation, shared: shared, origin, timeout: timeout ?? acquireTimeout, now, &actions)
            place = ticket.map(Place.queued) ?? .answered
            return false
          }
        }
        if isCancelled { continuation.resume(throwing: CancellationError()) }
      }
    } onCancel: {
      let waiter = mutate { machine, now, actions in
        place.withLock { place -> Continuation? in
          switch place {
          case .notQueued:
            place = .cancelled
            return nil
          case .queued(let ticket): return machine.cancel(ticket, now, &actions)
          case .answered, .cancelled: return nil
          }
        }
      }
      waiter?.resume(throwing: CancellationError())
    }
  }

  /// How far an acquire has come, for the task's cancellation.
  private enum Place {
    case notQueued
    case queued(UInt64)
    case answered
    case cancelled
  }

  /// Somebody gave up who was not waiting just then.
  func countGivenUp() { state.withLock { $0.machine.countGivenUp() } }

  @usableFromInline
  func release(_ slot: Int, isSound: Bool) {
    let now = MonotonicInstant.now
    if isSound, state.withLock({ $0.machine.releaseNow(slot, now) }) { return }
    mutate { machine, now, actions in machine.release(slot, isSound: isSound, now, &actions) }
  }

  func forgetTask(_ slot: Int) { state.withLock { $0.machine.forgetTask(slot) } }

  func invalidate(suspect: UInt64? = nil) {
    mutate { machine, now, actions in machine.invalidate(suspect: suspect, now, &actions) }
  }

  // MARK: Reading

  func statistics() -> PoolStatistics { state.withLock { $0.machine.statistics() } }

  func holders() -> [LeaseHolder] {
    let now = MonotonicInstant.now
    return state.withLock { $0.machine.holders(now) }
  }

  func outerOrigin(of origin: LeaseOrigin) -> LeaseOrigin? { state.withLock { $0.machine.outer(origin) } }

  func dump() -> PoolDump {
    let now = MonotonicInstant.now
    return state.withLock { $0.machine.dump(now) }
  }

  var outage: (any Error)? { state.withLock { $0.machine.outage } }

  // MARK: Acting

  /// Lets the machine decide, then acts on it.
  private func mutate<Result: Sendable, Failure>(
    _ event: (inout Machine, MonotonicInstant, inout Machine.Actions) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let now = MonotonicInstant.now
    var actions = Machine.Actions()
    var drained: [Int: CheckedContinuation<Void, Never>] = [:]
    let result = try state.withLock { state throws(Failure) -> Result in
      let result = try event(&state.machine, now, &actions)
      // Under the lock, as the timer is: a close finds every one of them.
      for (slot, serial) in actions.makes {
        state.makings[slot] = Task.detached { await self.make(slot, serial) }
      }
      reschedule(&state)
      if !state.drainWaiters.isEmpty, state.machine.isDrained { swap(&drained, &state.drainWaiters) }
      return result
    }
    if !actions.isEmpty { perform(actions) }
    for waiter in drained.values { waiter.resume() }
    return result
  }

  /// The pool's own work is detached: it must not inherit the task-local values of whoever's event caused it.
  private func perform(_ actions: Machine.Actions) {
    for (waiter, grant) in actions.grants { waiter.resume(returning: grant) }
    for (waiter, error) in actions.failures { waiter.resume(throwing: error) }
    for slot in actions.checks {
      Task.detached { [self] in
        let isSound = await shelf.check(slot)
        mutate { machine, now, actions in machine.checked(slot, isSound: isSound, now, &actions) }
      }
    }
    for slot in actions.closes {
      Task.detached { [self] in
        await shelf.close(slot)
        mutate { machine, now, actions in machine.closed(slot, now, &actions) }
      }
    }
  }

  private func make(_ slot: Int, _ serial: UInt64) async {
    do {
      try await shelf.make(slot, onEnd: { [weak self] in self?.ended(slot, serial) })
      mutate { machine, now, actions in machine.made(slot, now, &actions) }
    } catch {
      let isPermanent = shelf.isPermanent(error)
      mutate { machine, now, actions in
        machine.makingFailed(slot, error, isPermanent: isPermanent, now, &actions)
      }
    }
  }

  private func ended(_ slot: Int, _ serial: UInt64) {
    mutate { machine, now, actions in machine.ended(slot, serial: serial, now, &actions) }
  }

  /// Sets the timer to the machine's next deadline, if that is earlier than the one it is set to.
  private func reschedule(_ state: inout State) {
    guard let deadline = state.machine.nextDeadline, state.timer.map({ deadline < $0.deadline }) ?? true else { return }
    state.timer?.task.cancel()
    // A timer that wakes too early is set again.
    let pause = min(deadline - .now, .seconds(86_400))
    let task = Task.detached { [weak self] in
      guard (try? await Task.sleep(for: pause, clock: .continuous)) != nil else { return }
      self?.timerFired(deadline)
    }
    state.timer = (deadline, task)
  }

  private func timerFired(_ deadline: MonotonicInstant) {
    // An earlier timer may have been set while this one woke: that one stays.
    state.withLock { if $0.timer?.deadline == deadline { $0.timer = nil } }
    mutate { machine, now, actions in machine.timerFired(now, &actions) }
  }
}
