import Testing

@testable import ResourcePool

@Suite struct LendingTests {
  @Test func `an idle resource is lent at once`() throws {
    let pool = try Script.started()
    let lease = pool.leaseNow()
    #expect(lease?.resource == 1)
    #expect(pool.statistics.acquired == 1)
    #expect(pool.statistics.idle == 0)
    #expect(pool.statistics.acquireCount == 1)
    #expect(pool.statistics.emptyAcquireCount == 0)
  }

  @Test func `the resource used last is lent first, so that those not needed age`() throws {
    let pool = try Script.started()
    pool.fill(3)
    let (a, b) = (pool.leaseNow(), pool.leaseNow())
    pool.release(b)
    pool.release(a)
    #expect(pool.leaseNow()?.resource == a?.resource)
    #expect(pool.leaseNow()?.resource == b?.resource)
  }

  @Test func `nothing is lent at once while others wait`() throws {
    let pool = try Script.started { $0.maxSize = 1 }
    let lease = pool.leaseNow()
    pool.wait("a")
    pool.wait("b")
    pool.release(lease)
    #expect(pool.granted == ["a"])
    #expect(pool.leaseNow() == nil)
  }

  @Test func `waiters are served in the order they came`() throws {
    let pool = try Script.started { $0.maxSize = 1 }
    let lease = pool.leaseNow()
    for name in ["a", "b", "c"] { pool.wait(name) }
    pool.release(lease)
    pool.release("a")
    pool.release("b")
    #expect(pool.granted == ["a", "b", "c"])
    #expect(pool.statistics.emptyAcquireCount == 3)
  }

  @Test func `a waiter makes the pool grow, up to its size and no further`() throws {
    let pool = try Script.started { $0.maxSize = 3 }
    _ = pool.leaseNow()
    for name in ["a", "b", "c", "d"] { pool.wait(name) }
    #expect(pool.makes.count == 2)
    #expect(pool.statistics.constructing == 2)
    #expect(pool.statistics.waiting == 4)
    pool.made()
    pool.made()
    #expect(pool.granted == ["a", "b"])
    #expect(pool.makes.isEmpty)
    #expect(pool.statistics.total == 3)
  }

  @Test func `a resource made for a waiter that gave up is kept idle`() throws {
    let pool = try Script.started { $0.maxSize = 2 }
    _ = pool.leaseNow()
    let ticket = pool.wait("a")
    pool.cancel(ticket)
    pool.made()
    #expect(pool.granted.isEmpty)
    #expect(pool.leaseNow()?.resource == 2)
  }

  @Test func `what a waiter can have at once counts as found, not as waited for`() throws {
    let pool = try Script.started()
    pool.fill(2)
    let before = pool.statistics
    #expect(pool.wait("a") == nil)
    #expect(pool.granted == ["a"])
    #expect(pool.statistics.acquireCount == before.acquireCount + 1)
    #expect(pool.statistics.emptyAcquireCount == before.emptyAcquireCount)
  }

  @Test func `the time spent waiting is observed`() throws {
    let pool = try Script.started { $0.maxSize = 1 }
    let lease = pool.leaseNow()
    pool.wait("a")
    pool.advance(.milliseconds(20))
    pool.release(lease)
    #expect(pool.statistics.acquireDuration.count == 2)
    #expect(pool.statistics.acquireDuration.sum == 0.02)
  }

  @Test func `nothing is lent before the start`() {
    let pool = Script()
    #expect(pool.leaseNow() == nil)
    #expect(pool.wait("a") == nil)
    #expect(pool.failures["a"]?.code == .notStarted)
  }

  @Test func `a pool starts once`() throws {
    let pool = try Script.started()
    let error = #expect(throws: PoolError.self) { try pool.start() }
    #expect(error?.code == .alreadyStarted)
  }
}
