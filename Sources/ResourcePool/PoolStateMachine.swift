internal import MonotonicTime

/// The pool's decisions, as a value: an event goes in with the time it happened, actions come out. It knows no
/// thread, no clock and no I/O, and resources by their slots only; ``PoolCore`` calls it under a lock and acts after
/// unlocking.
struct PoolStateMachine<Waiter: Sendable>: Sendable {
  typealias Instant = MonotonicInstant

  let configuration: PoolConfiguration
  private(set) var lifecycle = Lifecycle.created
  private(set) var slots: [Slot]
  private(set) var tally: Tally
  /// Slots free to lend; the last used is lent first, so that those not needed age and go.
  private(set) var idle: [Int] = []
  private(set) var waiters = WaiterQueue<Waiting>()
  /// No waiter's deadline is earlier; it may be later once the one it belonged to is gone.
  private var waiterDeadline: Instant?
  private(set) var generation: UInt64 = 0
  private var counters = PoolStatistics()
  private var nextHealthCheck: Instant?
  private(set) var pace: MakingPace
  /// By slot: the task that has it to itself; 0 where none does, or none is known.
  private var holdingTasks: [UInt]
  /// By slot: where it was last asked for by a holder that has it to itself.
  private(set) var exclusiveOrigins: [LeaseOrigin?]
  /// A resource failed or ended by itself and none was made since: when none is left, one is made to find out why.
  private var isSuspect = false
  /// Of the configuration, for the paths that are taken most.
  private let checkAfterIdle, shareWindow: Int64
  /// In 0..<1; injected so that tests decide.
  private let random: @Sendable () -> Double

  init(_ configuration: PoolConfiguration, random: @escaping @Sendable () -> Double) {
    self.configuration = configuration
    self.random = random
    pace = MakingPace(configuration, random: random)
    checkAfterIdle = configuration.checkAfterIdle.wholeNanoseconds
    shareWindow = configuration.shareWindow.wholeNanoseconds
    slots = Array(repeating: Slot(), count: configuration.maxSize)
    tally = Tally(vacant: configuration.maxSize)
    holdingTasks = Array(repeating: 0, count: configuration.maxSize)
    exclusiveOrigins = Array(repeating: nil, count: configuration.maxSize)
  }

  // MARK: Starting and closing

  /// A first resource is to be made for slot 0, as proof that resources can be made; answer with `started` or
  /// `startFailed`. Returns its serial.
  mutating func beginStart() throws(PoolError) -> UInt64 {
    switch lifecycle {
    case .created: break
    case .starting, .running:
      throw PoolError(.alreadyStarted, "the pool was started before; a pool starts once")
    case .closing:
      throw PoolError(.closed, "the pool is closed; a closed pool does not start again")
    }
    lifecycle = .starting
    return beginMaking(0)
  }

  /// The first resource is made: lends from now on. False when the pool was closed meanwhile.
  mutating func started(_ now: Instant, _ actions: inout Actions) -> Bool {
    if case .starting = lifecycle {
      lifecycle = .running
      nextHealthCheck = now + configuration.healthCheckPeriod
    }
    made(0, now, &actions)
    return isRunning
  }

  mutating func startFailed() {
    move(0, to: .vacant)
    if case .starting = lifecycle { lifecycle = .created }
  }

  /// Lends nothing more; what is idle is closed now, what is lent when it comes back.
  mutating func close(_ now: Instant, _ actions: inout Actions) {
    lifecycle = .closing
    for slot in idle { destroy(slot, &actions) }
    idle = []
    while let waiting = waiters.popFirst() {
      counters.canceledAcquireCount += 1
      actions.failures.append((waiting.waiter, PoolError(.closed, "the pool was closed while the acquire waited")))
    }
  }

  /// Whether a closing pool holds nothing any more.
  var isDrained: Bool {
    guard case .closing = lifecycle else { return false }
    return tally.vacant == slots.count
  }

  // MARK: Acquiring

  /// A lease without waiting, if one is to be had: the fast path.
  mutating func leaseNow(shared: Bool, _ origin: LeaseOrigin, _ now: Instant) -> LeaseGrant? {
    guard isRunning, waiters.isEmpty else { return nil }
    if let slot = idle.last, case .idle(let since) = slots[slot].state,
      now.nanoseconds - since.nanoseconds <= checkAfterIdle, isFresh(slot, now)
    {
      idle.removeLast()
      countInstantAcquire()
      return grant(slot, shared: shared, origin, now)
    }
    guard shared, idle.isEmpty, !canGrow(now), let slot = shareable(now) else { return nil }
    countInstantAcquire()
    return grant(slot, shared: true, origin, now)
  }

  /// Takes a place in the queue. The place comes back as a ticket for `cancel`; nil when the waiter was answered at once.
  mutating func enqueue(
    _ waiter: Waiter, shared: Bool, _ origin: LeaseOrigin, timeout: Duration, _ now: Instant, _ actions: inout Actions
  ) -> UInt64? {
    switch lifecycle {
    case .created, .starting:
      actions.failures.append((waiter, PoolError(.notStarted, "the pool is not started; call start() first")))
      return nil
    case .closing:
      actions.failures.append((waiter, PoolError(.closed, "the pool is closed")))
      return nil
    case .running:
      if waiters.isEmpty, let slot = freeSlot(shared: shared, now, &actions) {
        countInstantAcquire()
        actions.grants.append((waiter, grant(slot, shared: shared, origin, now)))
        make(isCrowded: isCrowded(slot), now, &actions)
        return nil
      }
      let isNested = countNested(origin)
      if isNested, let deadlock = deadlock(origin) {
        counters.canceledAcquireCount += 1
        actions.failures.append((waiter, deadlock))
        return nil
      }
      let deadline = now + timeout
      waiterDeadline = waiters.isEmpty ? deadline : min(waiterDeadline ?? deadline, deadline)
      let ticket = waiters.append(
        Waiting(
          waiter: waiter, isShared: shared, isNested: isNested, origin: origin, since: now, deadline: deadline))
      serve(now, &actions)
      return ticket
    }
  }

  /// The waiting task was cancelled. A waiter that was answered already is not there any more: that is no error.
  mutating func cancel(_ ticket: UInt64, _ now: Instant, _ actions: inout Actions) -> Waiter? {
    guard let waiting = waiters.remove(ticket) else { return nil }
    counters.canceledAcquireCount += 1
    // Those behind it may be content with what it was not: a share.
    if !waiters.isEmpty { serve(now, &actions) }
    return waiting.waiter
  }

  /// An acquire was given up that has no place in the queue.
  mutating func countGivenUp() { counters.canceledAcquireCount += 1 }

  // MARK: Holding and releasing

  /// A sound resource comes back and nobody waits for it: the fast path. False when there is more to it than that;
  /// then nothing has happened.
  mutating func releaseNow(_ slot: Int, _ now: Instant) -> Bool {
    guard isRunning, waiters.isEmpty, isFresh(slot, now) else { return false }
    return putBack(slot, now)
  }

  /// A lease ends. `isSound` says whether the resource may be lent again.
  mutating func release(_ slot: Int, isSound: Bool, _ now: Instant, _ actions: inout Actions) {
    if !isSound { condemn(slot) }
    guard putBack(slot, now) else {
      assertionFailure("released a lease twice: slot \(slot) is \(slots[slot].state)")
      return
    }
    if case .idle = slots[slot].state, !isRunning || !isFresh(slot, now) {
      if isRunning, isCurrent(slot) { counters.maxLifetimeDestroyCount += 1 }
      idle.removeLast()
      destroy(slot, &actions)
    }
    if !waiters.isEmpty || !actions.closes.isEmpty { serve(now, &actions) }
  }

  /// The task that has the slot to itself is through with it, though it is not free yet.
  mutating func forgetTask(_ slot: Int) { holdingTasks[slot] = 0 }

  /// Takes one lease off the slot; with the last one it is idle. False when it is not lent.
  private mutating func putBack(_ slot: Int, _ now: Instant) -> Bool {
    switch slots[slot].state {
    case .shared(let count, _) where count > 1:
      move(slot, to: .shared(count: count - 1, progress: now))
    case .shared, .exclusive:
      holdingTasks[slot] = 0
      move(slot, to: .idle(since: now))
      idle.append(slot)
    case .vacant, .making, .idle, .checking, .closing:
      return false
    }
    return true
  }

  // MARK: Answers to actions

  mutating func made(_ slot: Int, _ now: Instant, _ actions: inout Actions) {
    counters.newCount += 1
    let jitter = configuration.maxLifetime * (configuration.lifetimeJitter * random())
    slots[slot].expiry = now + configuration.maxLifetime + jitter
    slots[slot].birth = now
    pace.succeeded()
    // It may have ended, or the pool may have been invalidated or closed, while it was being made.
    if isRunning, isCurrent(slot) {
      isSuspect = false
      move(slot, to: .idle(since: now))
      idle.append(slot)
    } else {
      if isRunning, !slots[slot].isSound { pace.ended(bornAt: now, now) }
      destroy(slot, &actions)
    }
    serve(now, &actions)
  }

  /// - Parameter isPermanent: waiting will not mend it; waiters are told at once unless a living resource can serve them.
  mutating func makingFailed(
    _ slot: Int, _ error: any Error, isPermanent: Bool, _ now: Instant, _ actions: inout Actions
  ) {
    move(slot, to: .vacant)
    guard isRunning else { return }
    pace.failed(error, now)
    guard isPermanent, tally.living == 0 else { return }
    while let waiting = waiters.popFirst() {
      counters.canceledAcquireCount += 1
      actions.failures.append((waiting.waiter, PoolError(.unavailable, "\(error)", cause: error)))
    }
  }

  mutating func checked(_ slot: Int, isSound: Bool, _ now: Instant, _ actions: inout Actions) {
    if !isSound { condemn(slot) }
    if isRunning, isCurrent(slot) {
      move(slot, to: .idle(since: now))
      idle.append(slot)
    } else {
      destroy(slot, &actions)
    }
    serve(now, &actions)
  }

  mutating func closed(_ slot: Int, _ now: Instant, _ actions: inout Actions) {
    move(slot, to: .vacant)
    make(now, &actions)
  }

  /// The resource ended by itself. One that is lent is dealt with when it comes back.
  mutating func ended(_ slot: Int, serial: UInt64, _ now: Instant, _ actions: inout Actions) {
    guard slots[slot].serial == serial else { return }
    switch slots[slot].state {
    case .vacant, .closing: break  // The pool was faster.
    case .making, .checking, .exclusive, .shared: condemn(slot)
    case .idle:
      condemn(slot)
      pace.ended(bornAt: slots[slot].birth, now)
      idle.removeAll { $0 == slot }
      destroy(slot, &actions)
      make(now, &actions)
    }
  }

  // MARK: Time

  /// When `timerFired` wants to be called next.
  var nextDeadline: Instant? {
    guard isRunning else { return nil }
    var earliest = nextHealthCheck
    if !waiters.isEmpty, let waiterDeadline { earliest = min(earliest ?? waiterDeadline, waiterDeadline) }
    if let backoff = pace.backoff, missing > 0, tally.making == 0 {
      earliest = min(earliest ?? backoff.notBefore, backoff.notBefore)
    }
    return earliest
  }

  mutating func timerFired(_ now: Instant, _ actions: inout Actions) {
    guard isRunning else { return }
    if !waiters.isEmpty, let waiterDeadline, waiterDeadline <= now {
      let situation = situation(now)
      for waiting in waiters.removeAll(where: { $0.deadline <= now }) {
        counters.canceledAcquireCount += 1
        actions.failures.append((waiting.waiter, situation.timeoutError(waited: now - waiting.since)))
      }
      self.waiterDeadline = waiters.earliest(\.deadline)
    }
    if let due = nextHealthCheck, due <= now {
      nextHealthCheck = now + configuration.healthCheckPeriod
      pace.forgetBriefLives()
      retire(now, &actions)
    }
    serve(now, &actions)
  }

  // MARK: Everything is suspect

  /// Closes every resource whose making began before now: the idle at once, the lent when they come back, those on
  /// their way when they are made.
  ///
  /// - Parameter suspect: the generation that is under suspicion; when it is over already, nothing happens.
  mutating func invalidate(suspect: UInt64? = nil, _ now: Instant, _ actions: inout Actions) {
    guard suspect == nil || suspect == generation else { return }
    generation += 1
    for slot in idle { destroy(slot, &actions) }
    idle = []
    make(now, &actions)
  }

  // MARK: Reading

  /// The last failure to make a resource, while none is left.
  var outage: (any Error)? { tally.living == 0 ? pace.backoff?.error : nil }

  func statistics() -> PoolStatistics {
    var statistics = counters
    statistics.max = configuration.maxSize
    statistics.waiting = waiters.count
    statistics.constructing = tally.making
    statistics.idle = tally.idle + tally.checking
    statistics.acquired = tally.lent
    return statistics
  }

  // MARK: Deciding

  private var isRunning: Bool { if case .running = lifecycle { true } else { false } }

  /// Whether the resource has neither failed nor been invalidated.
  private func isCurrent(_ slot: Int) -> Bool { slots[slot].isSound && slots[slot].generation == generation }

  private func isFresh(_ slot: Int, _ now: Instant) -> Bool { isCurrent(slot) && now < slots[slot].expiry }

  private mutating func condemn(_ slot: Int) {
    slots[slot].isSound = false
    isSuspect = true
  }

  @inline(__always)
  private mutating func move(_ slot: Int, to state: Slot.State) {
    tally.move(from: slots[slot].state, to: state)
    slots[slot].state = state
  }

  private mutating func countInstantAcquire() {
    counters.acquireCount += 1
    counters.acquireDuration.observeInstant()
  }

  /// - Parameter isNested: of a waiter, for which that was found out when it asked.
  private mutating func grant(
    _ slot: Int, shared: Bool, _ origin: LeaseOrigin, isNested: Bool? = nil, _ now: Instant
  ) -> LeaseGrant {
    let isNested = isNested ?? countNested(origin)
    if !shared {
      holdingTasks[slot] = origin.isScoped ? origin.task : 0
      exclusiveOrigins[slot] = origin
      move(slot, to: .exclusive(since: now))
    } else if case .shared(let count, let progress) = slots[slot].state {
      move(slot, to: .shared(count: count + 1, progress: progress))
    } else {
      move(slot, to: .shared(count: 1, progress: now))
    }
    return LeaseGrant(slot: slot, generation: slots[slot].generation, isNested: isNested)
  }

  /// Whether the asking task, or one that started it, has a resource to itself already; counted if so.
  private mutating func countNested(_ origin: LeaseOrigin) -> Bool {
    guard origin.task != 0, tally.lent > 0 else { return false }
    let isNested =
      holdingTasks.contains(origin.task) || origin.holders?.contains { holdingTasks.contains($0.task) } == true
    if isNested { counters.nestedAcquireCount += 1 }
    return isNested
  }

  /// The error for a task that would wait for itself: it or one that waits for it holds a resource, and whoever holds
  /// the others waits as well.
  private func deadlock(_ origin: LeaseOrigin) -> PoolError? {
    let asking = origin.waitingTasks
    guard !holdingTasks.contains(0), asking.contains(where: holdingTasks.contains) else { return nil }
    let waiting = Set(asking + waiters.elements.flatMap(\.origin.waitingTasks))
    guard holdingTasks.allSatisfy(waiting.contains) else { return nil }
    return deadlockError(origin, held: outer(origin))
  }

  /// The least loaded slot that takes one more shared lease.
  private func shareable(_ now: Instant) -> Int? {
    guard configuration.shareLimit > 1 else { return nil }
    var best: Int?
    var least = configuration.shareLimit
    for slot in slots.indices {
      guard case .shared(let count, let progress) = slots[slot].state, count < least,
        now.nanoseconds - progress.nanoseconds < shareWindow, isFresh(slot, now)
      else { continue }
      (best, least) = (slot, count)
    }
    return best
  }

  /// Whether sharers should ask for another resource: nothing is on its way, there is room, and no pause to keep.
  private func canGrow(_ now: Instant) -> Bool {
    tally.vacant > 0 && tally.making + tally.checking == 0 && pace.allows(now)
  }

  private func isCrowded(_ slot: Int) -> Bool {
    if case .shared(let count, _) = slots[slot].state { count > 1 } else { false }
  }

  /// Answers waiters, first come first served, with what is free; asks for more where that does not suffice.
  private mutating func serve(_ now: Instant, _ actions: inout Actions) {
    guard isRunning else { return }
    var isAnyCrowded = false
    while let first = waiters.first {
      guard let slot = freeSlot(shared: first.isShared, now, &actions) else { break }
      _ = waiters.popFirst()
      counters.acquireCount += 1
      counters.emptyAcquireCount += 1
      counters.acquireDuration.observe(now - first.since)
      let grant = grant(slot, shared: first.isShared, first.origin, isNested: first.isNested, now)
      actions.grants.append((first.waiter, grant))
      isAnyCrowded = isAnyCrowded || isCrowded(slot)
    }
    make(isCrowded: isAnyCrowded, now, &actions)
  }

  /// A slot that can be lent now. What is idle but too old goes; what was idle for long is sent to be checked.
  private mutating func freeSlot(shared: Bool, _ now: Instant, _ actions: inout Actions) -> Int? {
    while let slot = idle.last, case .idle(let since) = slots[slot].state {
      if !isFresh(slot, now) {
        idle.removeLast()
        counters.maxLifetimeDestroyCount += 1  // the invalidated and the ended are not on the idle list
        destroy(slot, &actions)
      } else if now.nanoseconds - since.nanoseconds > checkAfterIdle {
        // The others were idle for longer: one check for each waiter will do. A sharer need not even wait for that.
        if tally.checking >= max(waiters.count, 1) { break }
        idle.removeLast()
        move(slot, to: .checking)
        actions.checks.append(slot)
      } else {
        idle.removeLast()
        return slot
      }
    }
    return shared ? shareable(now) : nil
  }

  /// How many resources should be made: for waiters, for the minimum, and, while none can be made and none is left,
  /// one that finds out whether they can.
  private var missing: Int {
    let onTheirWay = tally.making + tally.checking
    let total = tally.making + tally.living
    let wanted = max(
      waiters.count - onTheirWay, configuration.minSize - total, configuration.minIdle - tally.idle - onTheirWay,
      (isSuspect || pace.backoff != nil) && total == 0 ? 1 : 0)
    return min(wanted, tally.vacant)
  }

  /// Asks for what is missing, as far as the back-off allows.
  ///
  /// - Parameter isCrowded: a resource was just shared, for want of an idle one.
  private mutating func make(isCrowded: Bool = false, _ now: Instant, _ actions: inout Actions) {
    guard isRunning, tally.vacant > 0 else { return }
    var wanted = missing
    if isCrowded, canGrow(now) { wanted = max(wanted, 1) }
    wanted = min(wanted, pace.room(beside: tally.making, now))
    for slot in slots.indices where wanted > 0 {
      guard case .vacant = slots[slot].state else { continue }
      actions.makes.append((slot, beginMaking(slot)))
      wanted -= 1
    }
  }

  private mutating func beginMaking(_ slot: Int) -> UInt64 {
    move(slot, to: .making)
    slots[slot].serial += 1
    slots[slot].generation = generation
    slots[slot].isSound = true
    return slots[slot].serial
  }

  /// Closes what is too old, and what was idle for too long beyond the minimum.
  private mutating func retire(_ now: Instant, _ actions: inout Actions) {
    for slot in idle {
      guard case .idle(let since) = slots[slot].state else { continue }
      if now >= slots[slot].expiry {
        counters.maxLifetimeDestroyCount += 1
      } else if now - since >= configuration.maxIdleTime, tally.idle > configuration.minIdle,
        tally.making + tally.living > configuration.minSize
      {
        counters.maxIdleDestroyCount += 1
      } else {
        continue
      }
      destroy(slot, &actions)
    }
    idle.removeAll { if case .idle = slots[$0].state { false } else { true } }
  }

  /// Has the resource closed; the caller takes the slot off the idle list.
  private mutating func destroy(_ slot: Int, _ actions: inout Actions) {
    move(slot, to: .closing)
    actions.closes.append(slot)
  }
}
