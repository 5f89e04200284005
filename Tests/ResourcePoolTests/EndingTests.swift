import MonotonicTime
import Testing

@testable import ResourcePool

@Suite struct EndingTests {
  @Test func `a broken resource is closed when it comes back, and a replacement made only once that is done`() throws {
    let pool = try Script.started { $0.maxSize = 1 }
    let lease = pool.leaseNow()
    pool.wait("a")
    pool.release(lease, isSound: false)
    #expect(pool.closes.map(\.resource) == [1])
    #expect(pool.makes.isEmpty, "the pool would hold more than its size")
    pool.closed()
    #expect(pool.makes.count == 1)
    pool.made()
    #expect(pool.leases["a"]?.resource == 2)
  }

  @Test func `an idle resource that ended is not lent, and one is made to find out why`() throws {
    let pool = try Script.started()
    pool.ended(slot: 0, serial: 1)
    #expect(pool.closes.map(\.resource) == [1])
    #expect(pool.leaseNow() == nil)
    pool.closed()
    #expect(pool.makes.count == 1)
  }

  @Test func `resources that end as soon as they are made are made again with growing pauses, until one lasts`() throws
  {
    let pool = try Script.started(random: 1) { $0.maxSize = 1 }
    func endAgain() {
      pool.ended(slot: 0, serial: pool.machine.slots[0].serial)
      pool.closed()
    }
    endAgain()
    #expect(pool.makes.count == 1, "to find out why")
    pool.made()
    for pause in [100, 200, 400] {
      endAgain()
      #expect(pool.makes.isEmpty, "the pool would ask without end")
      #expect(pool.machine.outage != nil)
      #expect(pool.machine.nextDeadline == pool.now + .milliseconds(pause))
      pool.advance(.milliseconds(pause))
      pool.timerFired()
      pool.made()
      #expect(pool.machine.outage == nil)
    }
    pool.advance(.seconds(1))
    endAgain()
    #expect(pool.makes.count == 1)
    pool.made()
    endAgain()
    #expect(pool.makes.count == 1)
  }

  @Test func `resources that end while they are made are made again after a pause`() throws {
    let pool = try Script.started { $0.minSize = 2 }
    pool.timerFired()
    for _ in 1...2 {
      let make = try #require(pool.makes.first)
      pool.ended(slot: make.slot, serial: make.serial)
      pool.made()
      pool.closed()
    }
    #expect(pool.makes.isEmpty)
    #expect(pool.machine.pace.backoff != nil)
  }

  @Test func `an idle resource that ended among others is not replaced while nobody needs it`() throws {
    let pool = try Script.started()
    pool.fill(2)
    pool.ended(slot: 0, serial: 1)
    pool.closed()
    #expect(pool.makes.isEmpty)
    #expect(pool.statistics.idle == 1)
  }

  @Test func `a lent resource that ended is closed when it comes back, sound or not`() throws {
    let pool = try Script.started()
    let lease = try #require(pool.leaseNow())
    pool.ended(lease)
    #expect(pool.closes.isEmpty)
    pool.release(lease)
    #expect(pool.closes.map(\.resource) == [1])
    pool.closed()
    #expect(pool.makes.count == 1, "none is left: one is made to find out why")
  }

  @Test func `a shared resource that ended takes no further lease`() throws {
    let pool = try Script.started {
      $0.shareLimit = 8
      $0.maxSize = 1
    }
    let lease = try #require(pool.leaseNow(shared: true))
    pool.ended(lease)
    #expect(pool.leaseNow(shared: true) == nil)
    pool.wait("a", shared: true)
    #expect(pool.granted.isEmpty)
    pool.release(lease)
    pool.closed()
    pool.made()
    #expect(pool.leases["a"]?.resource == 2)
  }

  @Test func `when one of several sharers found the resource broken, one is made to find out why`() throws {
    let pool = try Script.started {
      $0.maxSize = 1
      $0.shareLimit = 2
    }
    let first = pool.leaseNow(shared: true)
    let second = pool.leaseNow(shared: true)
    pool.release(first, isSound: false)
    pool.release(second)
    pool.closed()
    #expect(pool.makes.count == 1)
  }

  @Test func `a resource that ended while it was being made is never lent`() throws {
    let pool = try Script.started { $0.maxSize = 2 }
    let lease = try #require(pool.leaseNow())
    pool.wait("a")
    let make = try #require(pool.makes.first)
    pool.ended(slot: make.slot, serial: make.serial)
    pool.made()
    #expect(pool.granted.isEmpty)
    #expect(pool.closes.map(\.resource) == [2])
    pool.release(lease)
    #expect(pool.leases["a"]?.resource == 1)
  }

  @Test func `a resource that ended while it was being checked is not lent`() throws {
    let pool = try Script.started { $0.maxSize = 1 }
    pool.advance(.seconds(10))
    pool.wait("a")
    pool.ended(slot: 0, serial: 1)
    pool.checked(isSound: true)
    #expect(pool.granted.isEmpty)
    #expect(pool.closes.map(\.resource) == [1])
    pool.closed()
    pool.made()
    #expect(pool.granted == ["a"])
  }

  @Test func `news of a resource long gone does not touch its successor`() throws {
    let pool = try Script.started { $0.maxSize = 1 }
    let lease = pool.leaseNow()
    pool.wait("a")
    pool.release(lease, isSound: false)
    pool.ended(slot: 0, serial: 1)
    pool.closed()
    pool.ended(slot: 0, serial: 1)
    pool.made()
    pool.ended(slot: 0, serial: 1)
    pool.release("a")
    #expect(pool.leaseNow()?.resource == 2)
  }

  @Test func `invalidating closes the idle now and the lent when they come back`() throws {
    let pool = try Script.started()
    pool.fill(2)
    let lease = pool.leaseNow()
    pool.invalidate()
    #expect(pool.closes.count == 1)
    #expect(pool.leaseNow() == nil)
    pool.release(lease)
    #expect(pool.closes.count == 2)
  }

  @Test func `several who suspect the same resources invalidate once`() throws {
    let pool = try Script.started { $0.maxSize = 2 }
    pool.fill(2)
    let (a, b) = (try #require(pool.leaseNow()), try #require(pool.leaseNow()))
    pool.invalidate(since: a)
    pool.release(a)
    pool.closed()
    pool.wait("new")
    pool.made()
    pool.release("new")
    pool.invalidate(since: b)
    #expect(pool.closes.isEmpty)
    #expect(pool.leaseNow()?.resource == 3)
  }

  @Test func `an invalidated shared resource takes no further lease`() throws {
    let pool = try Script.started {
      $0.maxSize = 1
      $0.shareLimit = 8
    }
    _ = pool.leaseNow(shared: true)
    pool.invalidate()
    #expect(pool.leaseNow(shared: true) == nil)
  }

  @Test func `a resource whose making began before everything was invalidated is closed when made`() throws {
    let pool = try Script.started { $0.maxSize = 2 }
    _ = pool.leaseNow()
    pool.wait("a")
    pool.invalidate()
    pool.made()
    #expect(pool.granted.isEmpty)
    #expect(pool.closes.map(\.resource) == [2])
    pool.closed()
    pool.made()
    #expect(pool.granted == ["a"])
  }

  @Test func `a resource whose check began before everything was invalidated is closed when checked`() throws {
    let pool = try Script.started { $0.maxSize = 1 }
    pool.advance(.seconds(10))
    pool.wait("a")
    pool.invalidate()
    pool.checked()
    #expect(pool.granted.isEmpty)
    #expect(pool.closes.map(\.resource) == [1])
  }
}
