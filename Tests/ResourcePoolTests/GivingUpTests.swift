import MonotonicTime
import Testing

@testable import ResourcePool

@Suite struct GivingUpTests {
  @Test func `a cancelled waiter is handed back once and counted once`() throws {
    let pool = try Script.started { $0.maxSize = 1 }
    let lease = pool.leaseNow()
    let ticket = pool.wait("a")
    #expect(pool.cancel(ticket) == "a")
    #expect(pool.cancel(ticket) == nil)
    #expect(pool.statistics.canceledAcquireCount == 1)
    pool.release(lease)
    #expect(pool.granted.isEmpty)
  }

  @Test func `a cancellation that comes after the grant finds nobody`() throws {
    let pool = try Script.started { $0.maxSize = 1 }
    let lease = pool.leaseNow()
    let ticket = pool.wait("a")
    pool.release(lease)
    #expect(pool.cancel(ticket) == nil)
    #expect(pool.statistics.canceledAcquireCount == 0)
    #expect(pool.statistics.acquireCount == 2)
  }

  @Test func `a cancelled waiter in the middle leaves the order of the others`() throws {
    let pool = try Script.started { $0.maxSize = 1 }
    let lease = pool.leaseNow()
    pool.wait("a")
    let ticket = pool.wait("b")
    pool.wait("c")
    pool.cancel(ticket)
    pool.release(lease)
    pool.release("a")
    #expect(pool.granted == ["a", "c"])
  }

  @Test func `a waiter fails at its deadline and not before`() throws {
    let pool = try Script.started { $0.maxSize = 1 }
    _ = pool.leaseNow()
    pool.wait("a", timeout: .seconds(3))
    #expect(pool.machine.nextDeadline == pool.now + .seconds(3))
    pool.advance(.seconds(3) - .nanoseconds(1))
    pool.timerFired()
    #expect(pool.failures.isEmpty)
    pool.advance(.nanoseconds(1))
    pool.timerFired()
    #expect(pool.failures["a"]?.code == .acquireTimeout)
    #expect(pool.statistics.canceledAcquireCount == 1)
    #expect(pool.statistics.waiting == 0)
  }

  @Test func `the timer is set to the earliest deadline of those who wait`() throws {
    let pool = try Script.started { $0.maxSize = 1 }
    _ = pool.leaseNow()
    pool.wait("late", timeout: .seconds(9))
    pool.wait("early", timeout: .seconds(2))
    #expect(pool.machine.nextDeadline == pool.now + .seconds(2))
    pool.advance(.seconds(2))
    pool.timerFired()
    #expect(pool.failures.keys.sorted() == ["early"])
    #expect(pool.machine.nextDeadline == pool.now + .seconds(7))
  }

  @Test func `a waiter's deadline does not outlive it`() throws {
    let pool = try Script.started { $0.maxSize = 1 }
    let lease = pool.leaseNow()
    pool.wait("a")
    pool.release(lease)
    pool.advance(.seconds(20))
    pool.wait("b")
    #expect(pool.machine.nextDeadline == pool.now + .seconds(5))
  }

  @Test func `all who time out together read the same number of waiters`() throws {
    let pool = try Script.started { $0.maxSize = 1 }
    _ = pool.leaseNow()
    pool.wait("a")
    pool.wait("b")
    pool.advance(.seconds(5))
    pool.timerFired()
    #expect(pool.failures["a"]?.message.contains("waiting 2") == true)
    #expect(pool.failures["b"]?.message.contains("waiting 2") == true)
  }

  @Test func `the error of a time-out carries the numbers, the oldest holders and the advice`() throws {
    let pool = try Script.started { $0.maxSize = 2 }
    pool.fill(2)
    _ = pool.leaseNow(line: 11)
    pool.advance(.milliseconds(500))
    _ = pool.leaseNow(line: 22)
    pool.wait("a", timeout: .seconds(5))
    pool.advance(.seconds(5))
    pool.timerFired()
    let message = try #require(pool.failures["a"]).message
    #expect(
      message == """
        no resource became free within 5.0 s (max 2, in use 2, idle 0, being made 0, waiting 1); held longest: \
        ResourcePoolTests/GivingUpTests.swift:11 for 5.5 s, ResourcePoolTests/GivingUpTests.swift:22 for 5.0 s. \
        Shorten what they do, release what leaks, or raise the pool's size
        """)
  }

  @Test func `the error of a time-out tells of the last failure to make a resource`() throws {
    let pool = try Script.started { $0.maxSize = 2 }
    _ = pool.leaseNow()
    pool.wait("a")
    pool.makingFailed("connection refused")
    pool.advance(.seconds(5))
    pool.timerFired()
    let error = try #require(pool.failures["a"])
    #expect(error.message.contains("the last attempt to make one failed: connection refused"))
    #expect((error.cause as? Script.Failure)?.description == "connection refused")
  }
}
