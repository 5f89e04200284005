import MonotonicTime
import Testing

@testable import ResourcePool

@Suite struct MakingTests {
  /// A pool of this size whose resource 1 is lent, with one waiter for whom another is being made.
  private func waiting(random: Double = 1, size: Int = 2) throws -> Script {
    let pool = try Script.started(random: random) { $0.maxSize = size }
    _ = pool.leaseNow()
    pool.wait("a", timeout: .seconds(3600))
    return pool
  }

  @Test func `after a failure the next attempt waits, twice as long each time, up to the longest pause`() throws {
    let pool = try waiting()
    for pause in [100, 200, 400, 800, 1600, 2000, 2000] {
      pool.makingFailed()
      #expect(pool.makes.isEmpty)
      #expect(pool.machine.nextDeadline == pool.now + .milliseconds(pause))
      pool.advance(.milliseconds(pause) - .nanoseconds(1))
      pool.timerFired()
      #expect(pool.makes.isEmpty)
      pool.advance(.nanoseconds(1))
      pool.timerFired()
      #expect(pool.makes.count == 1)
    }
  }

  @Test func `the pause is shortened by chance to no less than half`() throws {
    let pool = try waiting(random: 0)
    pool.makingFailed()
    #expect(pool.machine.nextDeadline == pool.now + .milliseconds(50))
  }

  @Test func `a thousand failures later the pause is still the longest, and nothing overflows`() throws {
    let pool = try waiting()
    for _ in 0..<1000 {
      pool.makingFailed()
      pool.advance(.seconds(2))
      pool.timerFired()
    }
    pool.makingFailed()
    #expect(pool.machine.nextDeadline == pool.now + .seconds(2))
  }

  @Test func `during an outage one attempt is made at a time, however many wait`() throws {
    let pool = try waiting(size: 8)
    pool.makingFailed()
    for number in 0..<20 { pool.wait("w\(number)") }
    #expect(pool.makes.isEmpty)
    pool.advance(.milliseconds(100))
    pool.timerFired()
    #expect(pool.makes.count == 1)
    pool.wait("another")
    pool.timerFired()
    #expect(pool.makes.count == 1)
  }

  @Test func `the first success ends the pause, and all who wait are made for`() throws {
    let pool = try waiting(size: 4)
    pool.makingFailed()
    pool.wait("b")
    pool.wait("c")
    pool.advance(.milliseconds(100))
    pool.timerFired()
    pool.made()
    #expect(pool.granted == ["a"])
    #expect(pool.makes.count == 2)
    pool.made()
    pool.made()
    pool.wait("d")
    #expect(pool.granted == ["a", "b", "c"])
  }

  @Test func `failures of one burst count as one attempt`() throws {
    let pool = try waiting(size: 5)
    for name in ["b", "c", "d"] { pool.wait(name) }
    #expect(pool.makes.count == 4)
    for _ in 0..<4 { pool.makingFailed() }
    #expect(pool.machine.nextDeadline == pool.now + .milliseconds(100))
  }

  @Test func `a timer that fires while an attempt is under way does not spin`() throws {
    let pool = try waiting(size: 3)
    pool.wait("b", timeout: .seconds(3600))
    pool.makingFailed()
    pool.advance(.seconds(1))
    pool.timerFired()
    let deadline = try #require(pool.machine.nextDeadline)
    #expect(deadline > pool.now)
  }

  @Test func `a permanent failure tells the waiters at once, with its cause`() throws {
    let pool = try waiting()
    pool.wait("b")
    pool.release(Lease(grant: LeaseGrant(slot: 0, generation: 0, isNested: false), resource: 1), isSound: false)
    pool.makingFailed("wrong password", isPermanent: true)
    #expect(pool.failures.keys.sorted() == ["a", "b"])
    #expect(pool.failures["a"]?.code == .unavailable)
    #expect(pool.failures["a"]?.message.contains("wrong password") == true)
    #expect((pool.failures["a"]?.cause as? Script.Failure)?.description == "wrong password")
    #expect(pool.statistics.canceledAcquireCount == 2)
  }

  @Test func `a permanent failure spares those whom a living resource will serve`() throws {
    let pool = try Script.started { $0.maxSize = 2 }
    let lease = pool.leaseNow()
    pool.wait("a")
    pool.makingFailed(isPermanent: true)
    #expect(pool.failures.isEmpty)
    pool.release(lease)
    #expect(pool.granted == ["a"])
  }

  @Test func `the minimum is made at the start and restored when one is lost`() throws {
    let pool = try Script.started {
      $0.minSize = 3
      $0.maxSize = 4
    }
    #expect(pool.makes.count == 2)
    pool.made()
    pool.made()
    let lease = pool.leaseNow()
    pool.release(lease, isSound: false)
    pool.closed()
    #expect(pool.makes.count == 1)
  }

  @Test func `idle resources are kept ready beyond those in use`() throws {
    let pool = try Script.started {
      $0.minIdle = 1
      $0.maxSize = 3
    }
    #expect(pool.makes.isEmpty)
    _ = pool.leaseNow()
    pool.advance(.seconds(60))
    pool.timerFired()
    #expect(pool.makes.count == 1)
  }

  @Test func `the outage is the last failure while no resource is left, and ends with the first one made`() throws {
    let pool = try Script.started()
    #expect(pool.machine.outage == nil)
    let lease = pool.leaseNow()
    pool.release(lease, isSound: false)
    pool.closed()
    pool.makingFailed("connection refused")
    #expect(pool.machine.outage.map { "\($0)" } == "connection refused")
    pool.advance(.seconds(1))
    pool.timerFired()
    pool.made()
    #expect(pool.machine.outage == nil)
  }

  @Test func `while none is left and none can be made, attempts go on without anyone waiting`() throws {
    let pool = try Script.started(random: 1)
    let lease = pool.leaseNow()
    pool.release(lease, isSound: false)
    pool.closed()
    for _ in 0..<5 {
      pool.makingFailed()
      let deadline = try #require(pool.machine.nextDeadline)
      pool.advance(deadline - pool.now)
      pool.timerFired()
      #expect(pool.makes.count == 1)
    }
  }

  @Test func `after an outage the number made at once doubles with each success`() throws {
    let pool = try waiting(size: 40)
    pool.makingFailed()
    for number in 0..<39 { pool.wait("w\(number)", timeout: .seconds(3600)) }
    pool.advance(.milliseconds(100))
    pool.timerFired()
    #expect(pool.makes.count == 1)
    for limit in [2, 4, 8, 16, 32] {
      pool.made()
      #expect(pool.makes.count == limit)
    }
    while !pool.makes.isEmpty { pool.made() }
    #expect(pool.granted.count == 39)
    #expect(pool.statistics.total == 40)
  }

  @Test func `a failure while the pool recovers makes it begin again with one`() throws {
    let pool = try waiting(size: 16)
    pool.makingFailed()
    for number in 0..<15 { pool.wait("w\(number)", timeout: .seconds(3600)) }
    pool.advance(.milliseconds(100))
    pool.timerFired()
    pool.made()
    pool.made()
    #expect(pool.makes.count == 4)
    pool.makingFailed()
    #expect(pool.makes.count == 3)
    for _ in 0..<3 { pool.makingFailed() }
    #expect(pool.makes.isEmpty)
    pool.advance(.milliseconds(100))
    pool.timerFired()
    #expect(pool.makes.count == 1)
  }

  @Test func `without an outage there is no limit but the pool's size`() throws {
    let pool = try Script.started { $0.maxSize = 16 }
    for number in 0..<20 { pool.wait("w\(number)") }
    #expect(pool.makes.count == 15)
  }
}
