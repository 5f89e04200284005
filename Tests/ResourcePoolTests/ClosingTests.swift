import Testing

@testable import ResourcePool

@Suite struct ClosingTests {
  @Test func `closing closes the idle, tells those who wait, and counts them as given up`() throws {
    let pool = try Script.started { $0.maxSize = 1 }
    let lease = pool.leaseNow()
    pool.wait("a")
    pool.close()
    #expect(pool.failures["a"]?.code == .closed)
    #expect(pool.statistics.canceledAcquireCount == 1)
    #expect(!pool.machine.isDrained)
    pool.release(lease)
    #expect(!pool.machine.isDrained)
    pool.closed()
    #expect(pool.machine.isDrained)
  }

  @Test func `a closed pool lends nothing and sets no timer`() throws {
    let pool = try Script.started()
    pool.close()
    #expect(pool.leaseNow() == nil)
    #expect(pool.wait("a") == nil)
    #expect(pool.failures["a"]?.code == .closed)
    #expect(pool.machine.nextDeadline == nil)
    pool.timerFired()
    #expect(pool.makes.isEmpty)
  }

  @Test func `a resource made while the pool closes is closed`() throws {
    let pool = try Script.started { $0.maxSize = 2 }
    let lease = pool.leaseNow()
    pool.wait("a")
    pool.close()
    pool.release(lease)
    pool.closed()
    #expect(!pool.machine.isDrained, "one is still being made")
    pool.made()
    #expect(pool.closes.map(\.resource) == [2])
    pool.closed()
    #expect(pool.machine.isDrained)
  }

  @Test func `a failure to make one while the pool closes ends the wait for it`() throws {
    let pool = try Script.started { $0.maxSize = 2 }
    let lease = pool.leaseNow()
    pool.wait("a")
    pool.close()
    pool.release(lease)
    pool.closed()
    pool.makingFailed(isPermanent: true)
    #expect(pool.machine.isDrained)
  }

  @Test func `a resource being checked while the pool closes is closed`() throws {
    let pool = try Script.started()
    pool.advance(.seconds(10))
    pool.wait("a")
    pool.close()
    #expect(!pool.machine.isDrained)
    pool.checked()
    pool.closed()
    #expect(pool.machine.isDrained)
  }

  @Test func `a resource that ends while the pool closes is closed once`() throws {
    let pool = try Script.started()
    let lease = try #require(pool.leaseNow())
    pool.close()
    pool.ended(lease)
    pool.release(lease)
    #expect(pool.closes.count == 1)
    pool.ended(slot: 0, serial: 1)
    pool.closed()
    #expect(pool.closes.isEmpty)
    #expect(pool.makes.isEmpty)
    #expect(pool.machine.isDrained)
  }

  @Test func `closing twice is closing once`() throws {
    let pool = try Script.started()
    pool.close()
    pool.close()
    #expect(pool.closes.count == 1)
    pool.closed()
    #expect(pool.machine.isDrained)
  }

  @Test func `a pool that never started is drained when closed, and refuses to start`() {
    let pool = Script()
    pool.close()
    #expect(pool.machine.isDrained)
    let error = #expect(throws: PoolError.self) { try pool.start() }
    #expect(error?.code == .closed)
  }
}
