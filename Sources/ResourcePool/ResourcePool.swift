internal import Synchronization

/// A pool of anything that is dear to make: lends to one holder at a time or, where the resource can bear it, to
/// several; first come, first served.
///
/// The rules are those of ``PoolConfiguration``. Every decision is taken by a state machine under a lock; making,
/// checking, closing and resuming happen after the lock is released.
public final class ResourcePool<Factory: ResourceFactory>: Sendable {
  /// What is lent.
  public typealias Resource = Factory.Resource
  private typealias Continuation = CheckedContinuation<Lease<Resource>, any Error>
  private typealias Machine = PoolStateMachine<Resource, Continuation>

  private struct State: Sendable {
    var machine: Machine
    var timer: (deadline: ContinuousClock.Instant, task: Task<Void, Never>)?
    /// Those who wait in `close`, by number.
    var drainWaiters: [Int: CheckedContinuation<Void, Never>] = [:]
    var drainWaitersEver = 0
  }

  private let factory: Factory
  private let state: Mutex<State>
  /// What was configured.
  public let configuration: PoolConfiguration

  /// A pool that lends once it is started.
  ///
  /// - Throws: ``PoolError`` of code ``PoolError/Code/invalidConfiguration``.
  public init(_ configuration: PoolConfiguration, factory: Factory) throws(PoolError) {
    try configuration.validate()
    self.configuration = configuration
    self.factory = factory
    state = Mutex(State(machine: PoolStateMachine(configuration) { Double.random(in: 0..<1) }))
  }

  // MARK: Starting and closing

  /// Makes a first resource, so that a wrong configuration shows now and not at the first acquire; then lends.
  ///
  /// - Throws: what the factory throws, after which the start may be tried again; or ``PoolError`` when the pool was
  ///   started or closed before.
  public func start() async throws {
    let serial = try mutate { machine, _, _ throws(PoolError) in try machine.beginStart() }
    let resource: Resource
    do {
      resource = try await factory.make(onEnd: { [weak self] in self?.ended(slot: 0, serial: serial) })
    } catch {
      mutate { machine, _, _ in machine.startFailed() }
      throw error
    }
    guard mutate({ machine, now, actions in machine.started(resource, now, &actions) }) else {
      throw PoolError(.closed, "the pool was closed while it started")
    }
  }

  /// Lends nothing more, tells those who wait, and returns once every resource is back and closed.
  ///
  /// - Parameter deadline: when to stop waiting for those still lent. Default: never.
  /// - Returns: those who still held a resource at the deadline; empty when all came back.
  @discardableResult
  public func close(deadline: ContinuousClock.Instant? = nil) async -> [LeaseHolder] {
    mutate { machine, now, actions in machine.close(now, &actions) }
    let timer = state.withLock { state in
      defer { state.timer = nil }
      return state.timer
    }
    timer?.task.cancel()

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

  /// Lends a resource for as long as `body` runs.
  ///
  /// - Parameters:
  ///   - timeout: how long to wait for one; nil for ``PoolConfiguration/acquireTimeout``.
  ///   - isSound: asked afterwards whether the resource may be lent again. Default: always.
  /// - Throws: ``PoolError``, `CancellationError` when the task is cancelled while it waits, or what `body` throws.
  public func withResource<Result>(
    timeout: Duration? = nil, isolation: isolated (any Actor)? = #isolation, fileID: StaticString = #fileID,
    line: UInt = #line,
    isSound: (Resource) -> Bool = { _ in true }, _ body: (Resource) async throws -> sending Result
  ) async throws -> sending Result {
    let lease = try await lease(shared: false, timeout: timeout, LeaseOrigin(fileID: fileID, line: line))
    defer { release(lease, isSound: isSound(lease.resource)) }
    return try await body(lease.resource)
  }

  /// A lease if there is one without waiting.
  package func leaseNow(shared: Bool, _ origin: LeaseOrigin) -> Lease<Resource>? {
    let now = ContinuousClock.now
    return state.withLock { $0.machine.leaseNow(shared: shared, origin, now) }
  }

  /// A lease, after waiting for it if need be. To be given back with ``release(_:isSound:)``, once.
  package func lease(shared: Bool, timeout: Duration? = nil, _ origin: LeaseOrigin) async throws -> Lease<Resource> {
    if let lease = leaseNow(shared: shared, origin) { return lease }
    // Read and written under the state's lock only: what the task's cancellation finds there is the truth.
    let place = Mutex(Place.notQueued)
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: Continuation) in
        let isCancelled = mutate { machine, now, actions in
          place.withLock { place in
            if case .cancelled = place {
              machine.countCancelled()
              return true
            }
            let ticket = machine.enqueue(
              continuation, shared: shared, origin, timeout: timeout ?? configuration.acquireTimeout, now, &actions)
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

  /// Ends a lease.
  ///
  /// - Parameter isSound: whether the resource may be lent again.
  package func release(_ lease: Lease<Resource>, isSound: Bool) {
    mutate { machine, now, actions in machine.release(lease.slot, isSound: isSound, now, &actions) }
  }

  /// Closes all resources made so far, the lent ones when they come back: for when what they lead to has moved.
  public func invalidate() {
    mutate { machine, now, actions in machine.invalidate(now, &actions) }
  }

  /// As ``invalidate()``, on account of this lease's resource; nothing happens when that was done since it was made.
  package func invalidate(since lease: Lease<Resource>) {
    mutate { machine, now, actions in machine.invalidate(suspect: lease.generation, now, &actions) }
  }

  // MARK: Reading

  /// A snapshot of sizes and counters.
  public func statistics() -> PoolStatistics {
    state.withLock { $0.machine.statistics() }
  }

  /// Who holds a resource now, the longest holder first.
  public func holders() -> [LeaseHolder] {
    let now = ContinuousClock.now
    return state.withLock { $0.machine.holders(now) }
  }

  /// A listing for a person: the numbers, who holds, who waits, what failed.
  public func dump() -> PoolDump {
    let now = ContinuousClock.now
    return state.withLock { $0.machine.dump(now) }
  }

  /// The last failure to make a resource, while no resource is left and none could be made since.
  public var outage: (any Error)? {
    state.withLock { $0.machine.outage }
  }

  // MARK: Acting

  /// Lets the machine decide, then acts on it.
  private func mutate<Result: Sendable, Failure>(
    _ event: (inout Machine, ContinuousClock.Instant, inout Machine.Actions) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let now = ContinuousClock.now
    var actions = Machine.Actions()
    var drained: [Int: CheckedContinuation<Void, Never>] = [:]
    let result = try state.withLock { state throws(Failure) -> Result in
      let result = try event(&state.machine, now, &actions)
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
    for (waiter, lease) in actions.grants { waiter.resume(returning: lease) }
    for (waiter, error) in actions.failures { waiter.resume(throwing: error) }
    for (slot, serial) in actions.makes { Task.detached { await self.make(slot, serial) } }
    for (slot, resource) in actions.checks {
      Task.detached { [self] in
        let isSound = await factory.check(resource)
        mutate { machine, now, actions in machine.checked(slot, isSound: isSound, now, &actions) }
      }
    }
    for (slot, resource) in actions.closes {
      Task.detached { [self] in
        await factory.close(resource)
        mutate { machine, now, actions in machine.closed(slot, now, &actions) }
      }
    }
  }

  private func make(_ slot: Int, _ serial: UInt64) async {
    do {
      let resource = try await factory.make(onEnd: { [weak self] in self?.ended(slot: slot, serial: serial) })
      mutate { machine, now, actions in machine.made(slot, resource, now, &actions) }
    } catch {
      let isPermanent = factory.isPermanent(error)
      mutate { machine, now, actions in
        machine.makingFailed(slot, error, isPermanent: isPermanent, now, &actions)
      }
    }
  }

  private func ended(slot: Int, serial: UInt64) {
    mutate { machine, now, actions in machine.ended(slot, serial: serial, now, &actions) }
  }

  /// Sets the timer to the machine's next deadline, if that is earlier than the one it is set to.
  private func reschedule(_ state: inout State) {
    guard let deadline = state.machine.nextDeadline, state.timer.map({ deadline < $0.deadline }) ?? true else { return }
    state.timer?.task.cancel()
    let task = Task.detached { [weak self] in
      guard (try? await Task.sleep(until: deadline, clock: .continuous)) != nil else { return }
      self?.timerFired(deadline)
    }
    state.timer = (deadline, task)
  }

  private func timerFired(_ deadline: ContinuousClock.Instant) {
    // An earlier timer may have been set while this one woke: that one stays.
    state.withLock { if $0.timer?.deadline == deadline { $0.timer = nil } }
    mutate { machine, now, actions in machine.timerFired(now, &actions) }
  }
}
