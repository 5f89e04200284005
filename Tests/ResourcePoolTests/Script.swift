import MonotonicTime
import Testing

@testable import ResourcePool

/// Drives a machine one event at a time: time stands still until told, chance is what the test says, and what the
/// machine asked for is collected until the test answers.
final class Script {
  typealias Machine = PoolStateMachine<String>

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private static let epoch = MonotonicInstant(nanoseconds: 1_000_000_000_000)

  private(set) var machine: Machine
  private(set) var now = Script.epoch
  /// What was asked for since `forget`.
  private(set) var granted: [String] = []
  private(set) var failures: [String: PoolError] = [:]
  /// The leases of waiters that were granted one and have not released it.
  private(set) var leases: [String: Lease<Int>] = [:]
  /// Asked for and not yet answered, oldest first.
  private(set) var makes: [(slot: Int, serial: UInt64)] = []
  private(set) var checks: [(slot: Int, resource: Int)] = []
  private(set) var closes: [(slot: Int, resource: Int)] = []
  /// What is in each slot: resources are numbered from 1 as they are made.
  private var resources: [Int: Int] = [:]
  private var nextResource = 1

  init(random: Double = 0, _ configure: (inout PoolConfiguration) -> Void = { _ in }) {
    var configuration = PoolConfiguration()
    configure(&configuration)
    machine = Machine(configuration) { random }
  }

  /// A script whose pool is started; resource 1 is idle.
  static func started(
    random: Double = 0, _ configure: (inout PoolConfiguration) -> Void = { _ in }
  ) throws -> Script {
    let script = Script(random: random, configure)
    try script.start()
    return script
  }

  var statistics: PoolStatistics { machine.statistics() }

  // MARK: Events

  func advance(_ duration: Duration) { now = now + duration }

  func start() throws {
    _ = try event { machine, _, _ throws(PoolError) in try machine.beginStart() }
    putNext(into: 0)
    #expect(event { machine, now, actions in machine.started(now, &actions) })
  }

  func leaseNow(
    shared: Bool = false, task: UInt = 0, holders: [OuterHolder] = [], fileID: StaticString = #fileID,
    line: UInt = #line
  ) -> Lease<Int>? {
    let origin = LeaseOrigin(fileID: fileID, line: line, task: task, holders: holders)
    return machine.leaseNow(shared: shared, origin, now).flatMap(lease)
  }

  @discardableResult
  func wait(
    _ name: String, shared: Bool = false, timeout: Duration = .seconds(5), task: UInt = 0,
    holders: [OuterHolder] = [], fileID: StaticString = #fileID, line: UInt = #line
  ) -> UInt64? {
    let origin = LeaseOrigin(fileID: fileID, line: line, task: task, holders: holders)
    return event { machine, now, actions in
      machine.enqueue(name, shared: shared, origin, timeout: timeout, now, &actions)
    }
  }

  @discardableResult
  func cancel(_ ticket: UInt64?) -> String? {
    guard let ticket else { return nil }
    return event { machine, now, actions in machine.cancel(ticket, now, &actions) }
  }

  func release(_ lease: Lease<Int>?, isSound: Bool = true) {
    guard let lease else { return }
    if isSound, machine.releaseNow(lease.grant.slot, now) { return }
    event { machine, now, actions in machine.release(lease.grant.slot, isSound: isSound, now, &actions) }
  }

  /// Releases what a waiter was granted.
  func release(_ name: String, isSound: Bool = true) {
    release(leases.removeValue(forKey: name), isSound: isSound)
  }

  /// Answers the oldest request to make a resource.
  func made() {
    let make = makes.removeFirst()
    putNext(into: make.slot)
    event { machine, now, actions in machine.made(make.slot, now, &actions) }
  }

  func makingFailed(_ reason: String = "refused", isPermanent: Bool = false) {
    let make = makes.removeFirst()
    event { machine, now, actions in
      machine.makingFailed(make.slot, Failure(description: reason), isPermanent: isPermanent, now, &actions)
    }
  }

  func checked(isSound: Bool = true) {
    let check = checks.removeFirst()
    event { machine, now, actions in machine.checked(check.slot, isSound: isSound, now, &actions) }
  }

  /// Answers the oldest request to close a resource.
  func closed() {
    let close = closes.removeFirst()
    event { machine, now, actions in machine.closed(close.slot, now, &actions) }
  }

  func ended(slot: Int, serial: UInt64) {
    event { machine, now, actions in machine.ended(slot, serial: serial, now, &actions) }
  }

  func ended(_ lease: Lease<Int>) {
    ended(slot: lease.grant.slot, serial: machine.slots[lease.grant.slot].serial)
  }

  /// Everything, or everything as old as this lease's resource.
  func invalidate(since lease: Lease<Int>? = nil) {
    event { machine, now, actions in machine.invalidate(suspect: lease?.grant.generation, now, &actions) }
  }

  func close() { event { machine, now, actions in machine.close(now, &actions) } }

  func timerFired() { event { machine, now, actions in machine.timerFired(now, &actions) } }

  // MARK: Shorthand

  /// Forgets the grants and failures seen so far.
  func forget() {
    granted = []
    failures = [:]
  }

  /// Makes the pool hold this many idle resources.
  func fill(_ count: Int) {
    let names = (0..<count).map { "filler \($0)" }
    for name in names { wait(name) }
    while !makes.isEmpty { made() }
    for name in names { release(name) }
    forget()
  }

  private func putNext(into slot: Int) {
    resources[slot] = nextResource
    nextResource += 1
  }

  private func lease(_ grant: LeaseGrant) -> Lease<Int>? {
    resources[grant.slot].map { Lease(grant: grant, resource: $0) }
  }

  /// What is idle, the longest idle first.
  var idle: [Int] { machine.idle.compactMap { resources[$0] } }

  private func event<Result, Failure>(
    _ body: (inout Machine, MonotonicInstant, inout Machine.Actions) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var actions = Machine.Actions()
    let result = try body(&machine, now, &actions)
    for (waiter, grant) in actions.grants {
      granted.append(waiter)
      leases[waiter] = lease(grant)
    }
    for (waiter, error) in actions.failures { failures[waiter] = error }
    makes += actions.makes
    checks += actions.checks.map { ($0, resources[$0] ?? 0) }
    closes += actions.closes.map { ($0, resources.removeValue(forKey: $0) ?? 0) }
    return result
  }
}
