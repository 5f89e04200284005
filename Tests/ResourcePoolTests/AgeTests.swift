import MonotonicTime
import Testing

@testable import ResourcePool

@Suite struct AgeTests {
  @Test func `a resource too old is not lent but closed, and counted`() throws {
    let pool = try Script.started {
      $0.maxLifetime = .seconds(10)
      $0.maxSize = 1
    }
    pool.advance(.seconds(10))
    #expect(pool.leaseNow() == nil)
    pool.wait("a")
    #expect(pool.closes.map(\.resource) == [1])
    #expect(pool.statistics.maxLifetimeDestroyCount == 1)
    pool.closed()
    pool.made()
    #expect(pool.granted == ["a"])
  }

  @Test func `a resource that grew too old while lent is closed when it comes back`() throws {
    let pool = try Script.started { $0.maxLifetime = .seconds(10) }
    let lease = pool.leaseNow()
    pool.advance(.seconds(10))
    pool.release(lease)
    #expect(pool.closes.count == 1)
    #expect(pool.statistics.maxLifetimeDestroyCount == 1)
  }

  @Test func `a shared resource that grew too old takes no further lease`() throws {
    let pool = try Script.started {
      $0.maxLifetime = .milliseconds(5)
      $0.shareLimit = 8
      $0.maxSize = 1
    }
    _ = pool.leaseNow(shared: true)
    pool.advance(.milliseconds(5))
    #expect(pool.leaseNow(shared: true) == nil)
  }

  @Test func `chance lengthens a lifetime, never shortens it`() throws {
    let pool = try Script.started(random: 0.5) { $0.maxLifetime = .seconds(100) }
    pool.advance(.seconds(105) - .nanoseconds(1))
    pool.timerFired()
    #expect(pool.closes.isEmpty)
    pool.advance(.nanoseconds(1))
    pool.wait("a")
    #expect(pool.closes.count == 1)
  }

  @Test func `the health check closes what is too old and restores the minimum`() throws {
    let pool = try Script.started {
      $0.minSize = 1
      $0.maxLifetime = .seconds(30)
      $0.healthCheckPeriod = .seconds(60)
    }
    #expect(pool.machine.nextDeadline == pool.now + .seconds(60))
    pool.advance(.seconds(60))
    pool.timerFired()
    #expect(pool.closes.count == 1)
    #expect(pool.makes.count == 1)
    #expect(pool.machine.nextDeadline == pool.now + .seconds(60))
  }

  @Test func `what nobody used for long is closed down to the minimum, the longest idle first`() throws {
    let pool = try Script.started {
      $0.minSize = 2
      $0.maxSize = 4
      $0.maxIdleTime = .seconds(10)
    }
    pool.made()
    pool.fill(4)
    let order = pool.idle
    pool.advance(.seconds(60))
    pool.timerFired()
    #expect(pool.closes.map(\.resource) == Array(order.prefix(2)))
    #expect(pool.statistics.maxIdleDestroyCount == 2)
    #expect(pool.makes.isEmpty)
  }

  @Test func `resources kept ready are not closed for being idle`() throws {
    let pool = try Script.started {
      $0.minIdle = 2
      $0.maxIdleTime = .seconds(10)
    }
    pool.made()
    pool.advance(.seconds(100))
    pool.timerFired()
    #expect(pool.closes.isEmpty)
    #expect(pool.makes.isEmpty)
  }

  @Test func `what was idle for long is checked before it is lent`() throws {
    let pool = try Script.started()
    pool.advance(.seconds(2))
    #expect(pool.leaseNow() == nil)
    pool.wait("a")
    #expect(pool.checks.map(\.resource) == [1])
    #expect(pool.statistics.idle == 1)
    #expect(pool.makes.isEmpty)
    pool.checked()
    #expect(pool.granted == ["a"])
  }

  @Test func `when the check fails the next one is checked, and at last one is made`() throws {
    let pool = try Script.started { $0.maxSize = 2 }
    pool.fill(2)
    pool.advance(.seconds(2))
    pool.wait("a")
    pool.checked(isSound: false)
    #expect(pool.checks.count == 1)
    pool.checked(isSound: false)
    pool.closed()
    #expect(pool.makes.count == 1)
    pool.made()
    #expect(pool.granted == ["a"])
  }

  @Test func `no more checks are under way than tasks wait`() throws {
    let pool = try Script.started()
    pool.fill(4)
    pool.advance(.seconds(10))
    pool.wait("a")
    #expect(pool.checks.count == 1)
    pool.timerFired()
    #expect(pool.checks.count == 1)
    pool.wait("b")
    #expect(pool.checks.count == 2)
    pool.checked()
    pool.checked()
    #expect(pool.granted == ["a", "b"])
    #expect(pool.checks.isEmpty)
  }

  @Test func `a resource checked for a waiter that gave up is kept idle`() throws {
    let pool = try Script.started()
    pool.advance(.seconds(10))
    let ticket = pool.wait("a")
    pool.cancel(ticket)
    pool.checked()
    #expect(pool.leaseNow()?.resource == 1)
  }

  @Test func `when the only resource fails its check, one is made to find out why`() throws {
    let pool = try Script.started()
    pool.advance(.seconds(10))
    let ticket = pool.wait("a")
    pool.cancel(ticket)
    pool.checked(isSound: false)
    pool.closed()
    #expect(pool.makes.count == 1)
  }

  @Test func `with no unchecked idle time allowed each resource is checked once, then lent`() throws {
    let pool = try Script.started { $0.checkAfterIdle = .zero }
    pool.advance(.nanoseconds(1))
    pool.wait("a")
    #expect(pool.checks.count == 1)
    pool.checked()
    #expect(pool.granted == ["a"])
    pool.wait("b")
    pool.made()
    #expect(pool.granted == ["a", "b"], "what was just made needs no check")
  }
}
