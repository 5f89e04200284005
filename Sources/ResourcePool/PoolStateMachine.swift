/// The pool's decisions, as a value: an event goes in with the time it happened, actions come out. It knows no
/// thread, no clock and no I/O; ``ResourcePool`` calls it under a lock and acts after unlocking.
struct PoolStateMachine<Resource: Sendable, Waiter: Sendable>: Sendable {
  typealias Instant = ContinuousClock.Instant

  /// What the caller has to do once the lock is released.
  struct Actions: Sendable {
    /// Resume these waiters with a lease.
    var grants: [(waiter: Waiter, lease: Lease<Resource>)] = []
    /// Resume these waiters with an error.
    var failures: [(waiter: Waiter, error: PoolError)] = []
    /// Make a resource for each of these slots; answer with `made` or `makingFailed`.
    var makes: [(slot: Int, serial: UInt64)] = []
    /// Check these resources; answer with `checked`.
    var checks: [(slot: Int, resource: Resource)] = []
    /// Close these resources; answer with `closed` for each.
    var closes: [Resource] = []

    var isEmpty: Bool {
      grants.isEmpty && failures.isEmpty && makes.isEmpty && checks.isEmpty && closes.isEmpty
    }
  }

  enum Lifecycle: Sendable {
    /// Before `start`: nothing is lent.
    case created
    /// Lending.
    case running
    /// `close` was called: nothing is lent, what comes back is closed. Ends in itself.
    case closing
  }

  struct Slot: Sendable {
    enum State: Sendable {
      /// Nothing here. To `making`.
      case vacant
      /// A resource is being made. To `idle` or leased when made, to `vacant` when that failed.
      case making
      /// Free to lend since then. To leased, `checking`, or `vacant` when closed.
      case idle(since: Instant)
      /// Being checked before it is lent. To `idle` when sound, to `vacant` when not.
      case checking
      /// Lent to one holder. To `idle` or `vacant` at release.
      case exclusive(LeaseOrigin, since: Instant)
      /// Carrying this many shared leases; `progress` is when the last of them was taken on idle or given back.
      /// To `idle` or `vacant` when the last is given back.
      case shared(count: Int, progress: Instant)
    }
    var state: State = .vacant
    var resource: Resource?
    /// When the resource is too old to be lent again.
    var expiry: Instant
    /// The pool's generation when the resource was made; an older one is closed when it comes back.
    var generation: UInt64 = 0
    /// Counts the resources made for this slot, so that news of one that is gone is not taken for its successor's.
    var serial: UInt64 = 0
  }

  struct Waiting: Sendable {
    let waiter: Waiter
    let isShared: Bool
    let origin: LeaseOrigin
    let since: Instant
    let deadline: Instant
  }

  let configuration: PoolConfiguration
  private(set) var lifecycle = Lifecycle.created
  private(set) var slots: [Slot]
  /// Slots free to lend; the last used is lent first, so that those not needed age and go.
  private(set) var idle: [Int] = []
  private(set) var waiters = WaiterQueue<Waiting>()
  /// No waiter's deadline is earlier; it may be later once the one it belonged to is gone.
  private var waiterDeadline: Instant?
  private(set) var generation: UInt64 = 0
  private var counters = PoolStatistics()
  /// Closes asked for and not yet answered.
  private(set) var closesUnderWay = 0
  private var nextHealthCheck: Instant?
  /// After a failure to make a resource: one attempt at a time, none before `notBefore`.
  private(set) var backoff: (attempts: Int, notBefore: Instant, error: any Error)?
  /// A resource failed or ended by itself and none was made since: when none is left, one is made to find out why.
  private var isSuspect = false
  /// In 0..<1; injected so that tests decide.
  private let random: @Sendable () -> Double

  init(_ configuration: PoolConfiguration, random: @escaping @Sendable () -> Double) {
    self.configuration = configuration
    self.random = random
    // The expiry of a vacant slot is never read.
    let vacant = Slot(expiry: ContinuousClock.now)
    slots = Array(repeating: vacant, count: configuration.maxSize)
  }

  // MARK: Starting and closing

  /// Lends from now on, beginning with `first`, which was made before as proof that resources can be made. It is the
  /// first of slot 0: its serial is 1.
  mutating func start(_ first: Resource, _ now: Instant, _ actions: inout Actions) throws(PoolError) {
    guard case .created = lifecycle else {
      throw PoolError(.alreadyStarted, "the pool was started before; a pool starts once")
    }
    lifecycle = .running
    nextHealthCheck = now + configuration.healthCheckPeriod
    slots[0].serial = 1
    admit(first, to: 0, now, &actions)
    make(now, &actions)
  }

  /// Lends nothing more; what is idle is closed now, what is lent when it comes back.
  mutating func close(_ now: Instant, _ actions: inout Actions) {
    lifecycle = .closing
    for slot in idle { destroy(slot, &actions) }
    idle = []
    while let waiting = waiters.popFirst() {
      actions.failures.append((waiting.waiter, PoolError(.closed, "the pool was closed while the acquire waited")))
    }
  }

  /// Whether a closing pool holds nothing any more.
  var isDrained: Bool {
    guard case .closing = lifecycle, closesUnderWay == 0 else { return false }
    return slots.allSatisfy { if case .vacant = $0.state { true } else { false } }
  }

  // MARK: Acquiring

  /// A lease without waiting, if one is to be had: the fast path.
  mutating func leaseNow(shared: Bool, _ origin: LeaseOrigin, _ now: Instant) -> Lease<Resource>? {
    guard case .running = lifecycle, waiters.isEmpty else { return nil }
    if let slot = idle.last, case .idle(let since) = slots[slot].state,
      now - since < configuration.checkAfterIdle, isFresh(slots[slot], now)
    {
      idle.removeLast()
      counters.acquireCount += 1
      counters.acquireDuration.observeInstant()
      return grant(slot, shared: shared, origin, now)
    }
    guard shared, idle.isEmpty, let slot = shareable(now) else { return nil }
    counters.acquireCount += 1
    counters.acquireDuration.observeInstant()
    return grant(slot, shared: true, origin, now)
  }

  /// Takes a place in the queue. The place comes back as a ticket for `cancel`; nil when the waiter was answered at once.
  mutating func enqueue(
    _ waiter: Waiter, shared: Bool, _ origin: LeaseOrigin, timeout: Duration, _ now: Instant, _ actions: inout Actions
  ) -> UInt64? {
    switch lifecycle {
    case .created:
      actions.failures.append((waiter, PoolError(.notStarted, "the pool is not started; call start() first")))
      return nil
    case .closing:
      actions.failures.append((waiter, PoolError(.closed, "the pool is closed")))
      return nil
    case .running:
      let deadline = now + timeout
      waiterDeadline = min(waiterDeadline ?? deadline, deadline)
      let ticket = waiters.append(
        Waiting(waiter: waiter, isShared: shared, origin: origin, since: now, deadline: deadline))
      serve(now, &actions)
      return waiters.contains(ticket) ? ticket : nil
    }
  }

  /// The waiting task was cancelled. A waiter that was answered already is not there any more: that is no error.
  mutating func cancel(_ ticket: UInt64) -> Waiter? {
    guard let waiting = waiters.remove(ticket) else { return nil }
    counters.canceledAcquireCount += 1
    return waiting.waiter
  }

  // MARK: Holding and releasing

  /// A lease ends. `isSound` says whether the resource may be lent again.
  mutating func release(_ slot: Int, isSound: Bool, _ now: Instant, _ actions: inout Actions) {
    switch slots[slot].state {
    case .shared(let count, _) where count > 1:
      slots[slot].state = .shared(count: count - 1, progress: now)
      if !isSound { slots[slot].generation = .max }  // closed when the last holder is done
    case .shared, .exclusive:
      if !isSound { isSuspect = true }
      if !isSound || slots[slot].generation != generation || !isRunning {
        destroy(slot, &actions)
      } else if now >= slots[slot].expiry {
        counters.maxLifetimeDestroyCount += 1
        destroy(slot, &actions)
      } else {
        slots[slot].state = .idle(since: now)
        idle.append(slot)
      }
    case .vacant, .making, .idle, .checking:
      // Only this package can release, and it releases each lease in one place.
      preconditionFailure("released a lease twice: slot \(slot) is \(slots[slot].state)")
    }
    if !waiters.isEmpty || !actions.closes.isEmpty { serve(now, &actions) }
  }

  // MARK: Answers to actions

  mutating func made(_ slot: Int, _ resource: Resource, _ now: Instant, _ actions: inout Actions) {
    admit(resource, to: slot, now, &actions)
    serve(now, &actions)
  }

  private mutating func admit(_ resource: Resource, to slot: Int, _ now: Instant, _ actions: inout Actions) {
    counters.newCount += 1
    backoff = nil
    isSuspect = false
    slots[slot].resource = resource
    slots[slot].generation = generation
    let jitter = configuration.maxLifetime * (configuration.lifetimeJitter * random())
    slots[slot].expiry = now + configuration.maxLifetime + jitter
    guard isRunning else {
      destroy(slot, &actions)
      return
    }
    slots[slot].state = .idle(since: now)
    idle.append(slot)
  }

  /// - Parameter isPermanent: waiting will not mend it, so waiters are told at once.
  mutating func makingFailed(
    _ slot: Int, _ error: any Error, isPermanent: Bool, _ now: Instant, _ actions: inout Actions
  ) {
    slots[slot].state = .vacant
    guard isRunning else { return }
    let attempts = (backoff?.attempts ?? 0) + 1
    let doubled = configuration.retryDelay * (1 << min(attempts - 1, 16))
    // Between half and all of it, so that the processes of a fleet do not return in step.
    let delay = min(doubled, configuration.maxRetryDelay) * (0.5 + 0.5 * random())
    backoff = (attempts, now + delay, error)
    if isPermanent {
      while let waiting = waiters.popFirst() {
        counters.canceledAcquireCount += 1
        actions.failures.append((waiting.waiter, PoolError(.unavailable, "\(error)", cause: error)))
      }
    }
  }

  mutating func checked(_ slot: Int, isSound: Bool, _ now: Instant, _ actions: inout Actions) {
    if isSound, isRunning, slots[slot].generation == generation {
      slots[slot].state = .idle(since: now)
      idle.append(slot)
    } else {
      destroy(slot, &actions)
    }
    serve(now, &actions)
  }

  mutating func closed() { closesUnderWay -= 1 }

  /// The resource ended by itself. Lent ones are dealt with when they come back.
  mutating func ended(_ slot: Int, serial: UInt64, _ now: Instant, _ actions: inout Actions) {
    guard slots[slot].serial == serial else { return }
    if case .idle = slots[slot].state, let index = idle.firstIndex(of: slot) {
      idle.remove(at: index)
      isSuspect = true
      destroy(slot, &actions)
      make(now, &actions)
    } else {
      slots[slot].generation = .max
    }
  }

  // MARK: Time

  /// When `timerFired` wants to be called next.
  var nextDeadline: Instant? {
    guard isRunning else { return nil }
    var earliest = nextHealthCheck
    if !waiters.isEmpty, let waiterDeadline { earliest = min(earliest ?? waiterDeadline, waiterDeadline) }
    if let backoff, missing > 0, !isMaking { earliest = min(earliest ?? backoff.notBefore, backoff.notBefore) }
    return earliest
  }

  mutating func timerFired(_ now: Instant, _ actions: inout Actions) {
    guard isRunning else { return }
    for waiting in waiters.removeAll(where: { $0.deadline <= now }) {
      counters.canceledAcquireCount += 1
      actions.failures.append((waiting.waiter, timeoutError(waiting, now)))
    }
    waiterDeadline = waiters.earliest(\.deadline)
    if let due = nextHealthCheck, due <= now {
      nextHealthCheck = now + configuration.healthCheckPeriod
      retire(now, &actions)
    }
    serve(now, &actions)
  }

  // MARK: Everything is suspect

  /// Closes every resource made so far: the idle now, the lent when they come back.
  ///
  /// - Parameter suspect: the generation that is under suspicion; when it is over already, nothing happens.
  mutating func invalidate(suspect: UInt64? = nil, _ now: Instant, _ actions: inout Actions) {
    guard suspect == nil || suspect == generation else { return }
    generation += 1
    for slot in idle { destroy(slot, &actions) }
    idle = []
    serve(now, &actions)
  }

  // MARK: Reading

  /// The last failure to make a resource, while none is left.
  var outage: (any Error)? {
    guard let backoff, slots.allSatisfy({ $0.resource == nil }) else { return nil }
    return backoff.error
  }

  func statistics() -> PoolStatistics {
    var statistics = counters
    statistics.max = configuration.maxSize
    statistics.waiting = waiters.count
    for slot in slots {
      switch slot.state {
      case .vacant: break
      case .making: statistics.constructing += 1
      case .idle, .checking: statistics.idle += 1
      case .exclusive, .shared: statistics.acquired += 1
      }
    }
    return statistics
  }

  // MARK: Deciding

  private var isRunning: Bool { if case .running = lifecycle { true } else { false } }

  private func isFresh(_ slot: Slot, _ now: Instant) -> Bool {
    now < slot.expiry && slot.generation == generation
  }

  private mutating func grant(_ slot: Int, shared: Bool, _ origin: LeaseOrigin, _ now: Instant) -> Lease<Resource>? {
    guard let resource = slots[slot].resource else { return nil }  // an idle or shared slot always has one
    if !shared {
      slots[slot].state = .exclusive(origin, since: now)
    } else if case .shared(let count, let progress) = slots[slot].state {
      slots[slot].state = .shared(count: count + 1, progress: progress)
    } else {
      slots[slot].state = .shared(count: 1, progress: now)
    }
    return Lease(slot: slot, generation: slots[slot].generation, resource: resource)
  }

  /// The least loaded slot that takes one more shared lease.
  private func shareable(_ now: Instant) -> Int? {
    guard configuration.shareLimit > 1 else { return nil }
    var best: (slot: Int, count: Int)?
    for (index, slot) in slots.enumerated() {
      guard case .shared(let count, let progress) = slot.state, count < (best?.count ?? configuration.shareLimit),
        now - progress < configuration.shareWindow, isFresh(slot, now)
      else { continue }
      best = (index, count)
    }
    return best?.slot
  }

  /// Answers waiters, first come first served, with what is free; asks for more where that does not suffice.
  private mutating func serve(_ now: Instant, _ actions: inout Actions) {
    guard isRunning else { return }
    while let first = waiters.first {
      guard let slot = freeSlot(for: first, now, &actions),
        let lease = grant(slot, shared: first.isShared, first.origin, now)
      else { break }
      _ = waiters.popFirst()
      counters.acquireCount += 1
      counters.emptyAcquireCount += 1
      counters.acquireDuration.observe(now - first.since)
      actions.grants.append((first.waiter, lease))
    }
    make(now, &actions)
  }

  /// A slot that can be lent now. What is idle but too old goes; what was idle for long is sent to be checked.
  private mutating func freeSlot(for waiting: Waiting, _ now: Instant, _ actions: inout Actions) -> Int? {
    while let slot = idle.popLast() {
      guard case .idle(let since) = slots[slot].state else { continue }
      if !isFresh(slots[slot], now) {
        if slots[slot].generation == generation { counters.maxLifetimeDestroyCount += 1 }
        destroy(slot, &actions)
      } else if now - since >= configuration.checkAfterIdle, let resource = slots[slot].resource {
        slots[slot].state = .checking
        actions.checks.append((slot, resource))
        // The others may have been idle for as long: one check for each waiter will do.
        if actions.checks.count >= waiters.count { return nil }
      } else {
        return slot
      }
    }
    return waiting.isShared ? shareable(now) : nil
  }

  private var isMaking: Bool { slots.contains { if case .making = $0.state { true } else { false } } }

  /// How many resources should be made: for waiters, for the minimum, and, while none can be made and none is left,
  /// one that finds out whether they can.
  private var missing: Int {
    let numbers = statistics()
    let onTheirWay = slots.count {
      switch $0.state {
      case .making, .checking: true
      case .vacant, .idle, .exclusive, .shared: false
      }
    }
    let room = configuration.maxSize - numbers.total
    let wanted = max(
      waiters.count - onTheirWay, configuration.minSize - numbers.total,
      configuration.minIdle - numbers.idle - numbers.constructing,
      (isSuspect || backoff != nil) && numbers.total == 0 ? 1 : 0)
    return min(wanted, room)
  }

  /// Asks for what is missing, as far as the back-off allows.
  private mutating func make(_ now: Instant, _ actions: inout Actions) {
    var wanted = isRunning ? missing : 0
    if let backoff, wanted > 0 {
      wanted = now >= backoff.notBefore && !isMaking ? 1 : 0
    }
    for index in slots.indices where wanted > 0 {
      guard case .vacant = slots[index].state else { continue }
      slots[index].state = .making
      slots[index].serial += 1
      actions.makes.append((index, slots[index].serial))
      wanted -= 1
    }
  }

  /// Closes what is too old, and what was idle for too long beyond the minimum.
  private mutating func retire(_ now: Instant, _ actions: inout Actions) {
    var total = statistics().total
    for slot in idle {
      guard case .idle(let since) = slots[slot].state else { continue }
      if now >= slots[slot].expiry {
        counters.maxLifetimeDestroyCount += 1
      } else if now - since >= configuration.maxIdleTime, total > configuration.minSize {
        counters.maxIdleDestroyCount += 1
      } else {
        continue
      }
      total -= 1
      destroy(slot, &actions)
    }
    idle.removeAll { if case .idle = slots[$0].state { false } else { true } }
  }

  /// Empties the slot; the caller takes it off the idle list.
  private mutating func destroy(_ slot: Int, _ actions: inout Actions) {
    slots[slot].state = .vacant
    guard let resource = slots[slot].resource else { return }
    slots[slot].resource = nil
    closesUnderWay += 1
    actions.closes.append(resource)
  }
}
