import MonotonicTime
import Testing

@testable import ResourcePool

/// Random sequences of events, with a simple model beside the machine that knows what must hold after each.
@Suite struct ModelTests {
  @Test(arguments: 0..<40)
  func `whatever happens in whatever order, the pool keeps its promises`(seed: UInt64) async throws {
    for run in 0..<50 {
      await Task.yield()  // other tests run beside this one
      let seed = seed * 1000 + UInt64(run)
      do {
        try Model.run(seed: seed)
      } catch {
        // Once more with the events written down.
        try Model.run(seed: seed, isLogging: true)
      }
    }
  }
}

private struct Model {
  struct Broken: Error { let what: String }

  private let pool: Script
  private let seed: UInt64
  private let configuration: PoolConfiguration
  private var generator: Generator

  /// The waiters in their order.
  private var queue: [(name: String, ticket: UInt64, isShared: Bool, deadline: MonotonicInstant)] = []
  /// The leases, and by resource who has them.
  private var held: [(lease: Lease<Int>, isShared: Bool)] = []
  /// Resources reported broken, ended, or invalidated: never to be lent again.
  private var dead: Set<Int> = []
  private var deadInTheMaking: Set<[UInt64]> = []
  private var alive: [Int: (slot: Int, serial: UInt64)] = [1: (0, 1)]
  private var isClosed = false
  private var asked = 0
  private var answered = 0
  private var made = 1
  private let isLogging: Bool
  private var log: [String] = []
  private var fault: String?

  static func run(seed: UInt64, isLogging: Bool = false) throws {
    var model = try Model(seed: seed, isLogging: isLogging)
    for _ in 0..<100 { try model.step() }
    try model.finish()
  }

  private init(seed: UInt64, isLogging: Bool) throws {
    self.isLogging = isLogging
    var generator = Generator(seed: seed)
    var configuration = PoolConfiguration()
    configuration.maxSize = .random(in: 1...5, using: &generator)
    configuration.minSize = .random(in: 0...configuration.maxSize, using: &generator)
    configuration.minIdle = .random(in: 0...configuration.maxSize, using: &generator)
    configuration.shareLimit = .random(in: 1...3, using: &generator)
    configuration.maxLifetime = .seconds(Int.random(in: 5...100, using: &generator))
    configuration.maxIdleTime = .seconds(Int.random(in: 1...60, using: &generator))
    configuration.healthCheckPeriod = .seconds(Int.random(in: 1...30, using: &generator))
    configuration.checkAfterIdle = .seconds(Int.random(in: 0...3, using: &generator))
    self.configuration = configuration
    self.generator = generator
    self.seed = seed
    pool = Script(random: .random(in: 0..<1, using: &generator)) { $0 = configuration }
    try pool.start()
    try check()
  }

  mutating func step() throws {
    switch Int.random(in: 0..<100, using: &generator) {
    case 0..<20: leaseNow()
    case 20..<40: wait()
    case 40..<60: release()
    case 60..<65: cancel()
    case 65..<80: answer(failing: 0.2)
    case 80..<88:
      note("advance")
      pool.advance(.milliseconds([1, 5, 200, 1500, 7000].randomElement(using: &generator) ?? 1))
    case 88..<94: timer()
    case 94..<97: end()
    case 97..<98: invalidate()
    default: breakMaking()
    }
    try check()
  }

  /// Closes the pool, gives everything back and answers everything: nothing may be left.
  mutating func finish() throws {
    if Bool.random(using: &generator) { try healthy() }
    note("close")
    isClosed = true
    pool.close()
    collect()
    try expect(queue.isEmpty, "close tells every waiter")
    leaseNow()
    wait()
    while !held.isEmpty || !pool.makes.isEmpty || !pool.checks.isEmpty || !pool.closes.isEmpty {
      try expect(!pool.machine.isDrained, "not drained while something is out")
      release()
      answer(failing: 0.5)
      try check()
    }
    try expect(pool.machine.isDrained, "drained once everything is back")
    try expect(pool.statistics.total == 0 && alive.isEmpty, "nothing left: \(alive)")
    try expect(pool.machine.nextDeadline == nil, "no timer after the close")
  }

  /// From any state: once nothing fails any more, every waiter is served and the minimum is restored.
  private mutating func healthy() throws {
    note("from here all goes well")
    for _ in 0..<1000 {
      release()
      answer(failing: 0)
      if held.isEmpty, pool.makes.isEmpty, pool.checks.isEmpty, pool.closes.isEmpty {
        if queue.isEmpty { break }
        // Only a pause may keep it from serving, and then the timer is set to its end.
        guard let deadline = pool.machine.nextDeadline else { throw broken("waiters and no timer") }
        pool.advance(max(deadline - pool.now, .zero))
        timer()
      }
      try check()
    }
    try expect(queue.isEmpty, "waiters are lost: \(queue.map(\.name))")
    for _ in 0..<20 where pool.statistics.total < configuration.minSize || pool.statistics.idle < configuration.minIdle
    {
      guard let deadline = pool.machine.nextDeadline else { throw broken("a running pool always has a next check") }
      pool.advance(max(deadline - pool.now, .zero))
      timer()
      while !pool.makes.isEmpty || !pool.closes.isEmpty { answer(failing: 0) }
      try check()
    }
    try expect(pool.statistics.total >= configuration.minSize, "the minimum is restored")
    try expect(pool.statistics.idle >= configuration.minIdle, "idle ones are kept ready")
  }

  // MARK: Events

  private mutating func leaseNow() {
    let isShared = Bool.random(using: &generator)
    note("leaseNow \(isShared)")
    let hadWaiters = !queue.isEmpty
    guard let lease = pool.leaseNow(shared: isShared) else { return }
    asked += 1
    answered += 1
    if hadWaiters || isClosed { fail("lent past the queue") }
    lend(lease, isShared: isShared)
  }

  private mutating func wait() {
    let isShared = Bool.random(using: &generator)
    let name = "w\(asked)"
    let timeout = Duration.milliseconds([10, 1000, 5000, 60_000].randomElement(using: &generator) ?? 1)
    note("wait \(name) \(isShared)")
    let before = pool.statistics
    let ticket = pool.wait(name, shared: isShared, timeout: timeout)
    if isClosed {
      if pool.failures[name]?.code != .closed || before != pool.statistics { fail("a closed pool let someone in") }
      pool.forget()
      return
    }
    asked += 1
    queue.append((name, ticket ?? .max, isShared, pool.now + timeout))
    collect()
  }

  private mutating func release() {
    guard let index = held.indices.randomElement(using: &generator) else { return }
    let (lease, _) = held.remove(at: index)
    let isSound = Int.random(in: 0..<8, using: &generator) > 0
    note("release \(lease.resource) \(isSound)")
    if !isSound { dead.insert(lease.resource) }
    pool.release(lease, isSound: isSound)
    collect()
  }

  private mutating func cancel() {
    guard let waiter = queue.randomElement(using: &generator) else { return }
    note("cancel \(waiter.name)")
    queue.removeAll { $0.name == waiter.name }
    answered += 1
    if pool.cancel(waiter.ticket) != waiter.name { fail("a waiter was lost") }
    collect()
  }

  private mutating func answer(failing: Double) {
    let fails = Double.random(in: 0..<1, using: &generator) < failing
    switch Int.random(in: 0..<3, using: &generator) {
    case 0:
      guard let make = pool.makes.first else { return }
      note("made \(make) \(!fails)")
      if fails {
        pool.makingFailed(isPermanent: Int.random(in: 0..<5, using: &generator) == 0)
      } else {
        made += 1
        alive[made] = (make.slot, make.serial)
        if deadInTheMaking.contains([UInt64(make.slot), make.serial]) { dead.insert(made) }
        pool.made()
      }
    case 1:
      guard let check = pool.checks.first else { return }
      note("checked \(check) \(!fails)")
      if fails { dead.insert(check.resource) }
      pool.checked(isSound: !fails)
    default:
      guard let close = pool.closes.first else { return }
      note("closed \(close)")
      if alive.removeValue(forKey: close.resource) == nil { fail("closed twice") }
      pool.closed()
    }
    collect()
  }

  private mutating func timer() {
    note("timer")
    pool.timerFired()
    collect()
  }

  private mutating func end() {
    guard let (resource, place) = alive.sorted(by: { $0.key < $1.key }).randomElement(using: &generator) else { return }
    note("ended \(resource)")
    dead.insert(resource)
    pool.ended(slot: place.slot, serial: place.serial)
    collect()
  }

  private mutating func invalidate() {
    note("invalidate")
    dead.formUnion(alive.keys)
    for make in pool.makes { deadInTheMaking.insert([UInt64(make.slot), make.serial]) }
    pool.invalidate()
    collect()
  }

  private mutating func breakMaking() {
    guard let make = pool.makes.first else { return }
    note("ended in the making \(make)")
    deadInTheMaking.insert([UInt64(make.slot), make.serial])
    pool.ended(slot: make.slot, serial: make.serial)
    collect()
  }

  // MARK: What must hold

  /// Takes in grants and failures since the last event.
  private mutating func collect() {
    for name in pool.granted {
      answered += 1
      // First come, first served: those who time out at this very event are failed, not skipped.
      if let first = queue.first(where: { pool.failures[$0.name] == nil }), first.name != name {
        fail("\(name) was served before \(first.name)")
      }
      guard let index = queue.firstIndex(where: { $0.name == name }), let lease = pool.leases[name] else {
        fail("\(name) was served twice")
        continue
      }
      let waiter = queue.remove(at: index)
      lend(lease, isShared: waiter.isShared)
    }
    for (name, error) in pool.failures {
      answered += 1
      guard let index = queue.firstIndex(where: { $0.name == name }) else {
        fail("\(name) failed twice")
        continue
      }
      let waiter = queue.remove(at: index)
      if error.code == .acquireTimeout, waiter.deadline > pool.now { fail("\(name) failed too early") }
    }
    pool.forget()
  }

  private mutating func lend(_ lease: Lease<Int>, isShared: Bool) {
    note("lent \(lease.resource) \(isShared)")
    if dead.contains(lease.resource) { fail("lent a dead resource") }
    let others = held.filter { $0.lease.resource == lease.resource }
    if !others.isEmpty, !isShared || others.contains(where: { !$0.isShared }) { fail("two holders, one exclusive") }
    if others.count >= configuration.shareLimit { fail("shared by too many") }
    held.append((lease, isShared))
  }

  private mutating func check() throws {
    if let fault { throw broken(fault) }
    let numbers = pool.statistics
    try expect(numbers.waiting == queue.count, "waiting \(numbers.waiting), not \(queue.count)")
    try expect(numbers.acquired == Set(held.map(\.lease.grant.slot)).count, "acquired \(numbers.acquired)")
    try expect(numbers.constructing == pool.makes.count, "constructing \(numbers.constructing)")
    try expect(alive.count + pool.makes.count <= configuration.maxSize, "more resources than the size allows")
    try expect(alive.count == numbers.acquired + numbers.idle + pool.closes.count, "alive \(alive.count)")
    try expect(numbers.newCount == UInt64(made), "newCount \(numbers.newCount)")
    try expect(asked == answered + queue.count, "asked \(asked), answered \(answered), waiting \(queue.count)")
    try expect(
      numbers.acquireCount + numbers.canceledAcquireCount == UInt64(answered),
      "acquired \(numbers.acquireCount) + given up \(numbers.canceledAcquireCount), not \(answered)")
    try expect(numbers.acquireCount == numbers.acquireDuration.count, "each success is observed once")
    guard !isClosed else { return }
    try expect(!canServeFirst(), "the first waiter waits though it could be served")
    try expect(
      queue.isEmpty || !held.isEmpty || !pool.makes.isEmpty || !pool.checks.isEmpty || !pool.closes.isEmpty
        || pool.machine.pace.backoff != nil, "waiters, and nothing under way that could serve them")
    let earliest = queue.map(\.deadline).min() ?? MonotonicInstant(nanoseconds: .max)
    guard let next = pool.machine.nextDeadline else { throw broken("no timer") }
    try expect(next <= earliest, "the timer is later than a waiter's deadline")
  }

  /// Whether whoever is first in the queue waits though it need not.
  private func canServeFirst() -> Bool {
    guard let first = queue.first else { return false }
    let (machine, now) = (pool.machine, pool.now)
    return machine.slots.contains { slot in
      guard slot.isSound, slot.generation == machine.generation, slot.expiry > now else { return false }
      switch slot.state {
      case .idle(let since): return now - since <= configuration.checkAfterIdle
      case .shared(let count, let progress):
        return first.isShared && count < configuration.shareLimit && now - progress < configuration.shareWindow
      case .vacant, .making, .checking, .exclusive, .closing: return false
      }
    }
  }

  private mutating func note(_ event: @autoclosure () -> String) { if isLogging { log.append(event()) } }

  private mutating func fail(_ what: String) { fault = fault ?? what }

  private func broken(_ what: String) -> Broken {
    Broken(what: "\(what)\nseed \(seed), \(configuration)\n\(log.suffix(60).joined(separator: "\n"))")
  }

  private func expect(_ condition: Bool, _ what: @autoclosure () -> String) throws {
    guard condition else { throw broken(what()) }
  }
}
