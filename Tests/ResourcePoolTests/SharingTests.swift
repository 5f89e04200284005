import Testing

@testable import ResourcePool

@Suite struct SharingTests {
  private func full(limit: Int = 4, size: Int = 1) throws -> Script {
    let pool = try Script.started {
      $0.maxSize = size
      $0.shareLimit = limit
    }
    if size > 1 { pool.fill(size) }
    return pool
  }

  @Test func `idle resources are lent before any is shared`() throws {
    let pool = try full(size: 2)
    let (a, b) = (pool.leaseNow(shared: true), pool.leaseNow(shared: true))
    #expect(a?.resource != b?.resource)
  }

  @Test func `the least loaded resource is shared`() throws {
    let pool = try full(size: 2)
    let leases = (0..<4).compactMap { _ in pool.leaseNow(shared: true) }
    #expect(Set(leases.map(\.grant.slot)).count == 2)
    pool.release(leases[2])
    #expect(pool.leaseNow(shared: true)?.grant.slot == leases[2].grant.slot)
  }

  @Test func `no resource carries more than the limit`() throws {
    let pool = try full(limit: 2)
    #expect(pool.leaseNow(shared: true) != nil)
    #expect(pool.leaseNow(shared: true) != nil)
    #expect(pool.leaseNow(shared: true) == nil)
    pool.wait("a", shared: true)
    #expect(pool.granted.isEmpty)
  }

  @Test func `a limit of one shares nothing`() throws {
    let pool = try full(limit: 1)
    #expect(pool.leaseNow(shared: true) != nil)
    #expect(pool.leaseNow(shared: true) == nil)
  }

  @Test func `a resource lent to one holder is not shared`() throws {
    let pool = try full()
    _ = pool.leaseNow()
    #expect(pool.leaseNow(shared: true) == nil)
  }

  @Test func `a resource whose holders make no progress takes no further lease until one is given back`() throws {
    let pool = try full()
    let lease = pool.leaseNow(shared: true)
    _ = pool.leaseNow(shared: true)
    pool.advance(.milliseconds(10))
    #expect(pool.leaseNow(shared: true) == nil)
    pool.wait("a", shared: true)
    pool.release(lease)
    #expect(pool.granted == ["a"])
  }

  @Test func `shared leases do not overtake an exclusive waiter`() throws {
    let pool = try full()
    let (a, b) = (pool.leaseNow(shared: true), pool.leaseNow(shared: true))
    pool.wait("exclusive")
    pool.wait("shared", shared: true)
    #expect(pool.leaseNow(shared: true) == nil)
    pool.release(a)
    #expect(pool.granted.isEmpty)
    pool.release(b)
    #expect(pool.granted == ["exclusive"])
    pool.release("exclusive")
    #expect(pool.granted == ["exclusive", "shared"])
  }

  @Test func `when an exclusive waiter at the head is cancelled, the shared ones behind it are served`() throws {
    let pool = try full()
    _ = pool.leaseNow(shared: true)
    let ticket = pool.wait("exclusive")
    pool.wait("shared", shared: true)
    #expect(pool.cancel(ticket) == "exclusive")
    #expect(pool.granted == ["shared"])
  }

  @Test func `when an exclusive waiter at the head times out, the shared ones behind it are served`() throws {
    let pool = try full()
    let lease = pool.leaseNow(shared: true)
    _ = pool.leaseNow(shared: true)
    pool.wait("exclusive", timeout: .seconds(1))
    pool.wait("shared", shared: true, timeout: .seconds(9))
    pool.advance(.seconds(1))
    pool.release(lease)
    pool.timerFired()
    #expect(pool.granted == ["shared"])
  }

  @Test func `one release serves as many shared waiters as the resource carries`() throws {
    let pool = try full(limit: 3)
    let lease = pool.leaseNow()
    for name in ["a", "b", "c", "d"] { pool.wait(name, shared: true) }
    pool.release(lease)
    #expect(pool.granted == ["a", "b", "c"])
  }

  @Test func `sharing asks for another resource while there is room`() throws {
    let pool = try full(limit: 8, size: 1)
    let roomy = try Script.started {
      $0.maxSize = 3
      $0.shareLimit = 8
    }
    _ = roomy.leaseNow(shared: true)
    #expect(roomy.leaseNow(shared: true) == nil, "left to the slow path, which asks for another one")
    roomy.wait("a", shared: true)
    #expect(roomy.granted == ["a"])
    #expect(roomy.makes.count == 1)
    #expect(roomy.leaseNow(shared: true) != nil, "one is on its way")

    _ = pool.leaseNow(shared: true)
    #expect(pool.leaseNow(shared: true) != nil, "there is no room")
  }

  @Test func `a sharer does not wait for the check of an idle resource while another can be shared`() throws {
    let pool = try full(size: 3)
    pool.advance(.seconds(10))
    pool.wait("a", shared: true)
    pool.checked()
    #expect(pool.granted == ["a"])
    pool.wait("b", shared: true)
    #expect(pool.granted == ["a", "b"])
    #expect(pool.checks.count == 1, "by and by the idle ones come back into use")
    pool.wait("c", shared: true)
    #expect(pool.granted == ["a", "b", "c"])
    #expect(pool.checks.count == 1)
  }

  @Test func `a resource that one sharer found broken takes no further lease and is closed by the last`() throws {
    let pool = try full()
    let leases = (0..<3).compactMap { _ in pool.leaseNow(shared: true) }
    pool.release(leases[0], isSound: false)
    #expect(pool.leaseNow(shared: true) == nil)
    #expect(pool.closes.isEmpty)
    pool.release(leases[1])
    pool.release(leases[2])
    #expect(pool.closes.map(\.resource) == [1])
  }
}
