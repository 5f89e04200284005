import Testing

@testable import ResourcePool

@Suite struct NestingTests {
  @Test func `a task that asks for a second resource is counted, and told when it would wait for itself`() throws {
    let pool = try Script.started { $0.maxSize = 1 }
    _ = pool.leaseNow(task: 7, fileID: "App/Orders.swift", line: 12)
    pool.wait("again", task: 7, fileID: "App/Audit.swift", line: 99)
    let error = try #require(pool.failures["again"])
    #expect(error.code == .deadlock)
    #expect(
      error.message
        == "the task that asks at App/Audit.swift:99 holds a resource already, taken at App/Orders.swift:12: it would "
        + "wait for itself (max 1). Use the resource at hand instead of the pool")
    #expect(pool.statistics.nestedAcquireCount == 1)
    #expect(pool.statistics.canceledAcquireCount == 1)
    #expect(pool.statistics.waiting == 0)
  }

  @Test func `a second resource that is there is lent, and counted as nested`() throws {
    let pool = try Script.started { $0.maxSize = 3 }
    pool.fill(3)
    let first = pool.leaseNow(task: 7)
    #expect(first?.isNested == false)
    #expect(pool.leaseNow(task: 7)?.isNested == true)
    #expect(pool.leaseNow(shared: true, task: 7)?.isNested == true)
    #expect(pool.statistics.nestedAcquireCount == 2)
  }

  @Test func `a task that gave its resource back asks anew like any other`() throws {
    let pool = try Script.started { $0.maxSize = 1 }
    let first = pool.leaseNow(task: 7)
    pool.release(first)
    let second = pool.leaseNow(task: 7)
    #expect(second?.isNested == false)
    pool.release(second, isSound: false)
    pool.closed()
    pool.wait("third", task: 7)
    #expect(pool.failures.isEmpty && pool.statistics.nestedAcquireCount == 0)
  }

  @Test func `two tasks that hold all and both ask for one more: the second to ask is told, the first is served`()
    throws
  {
    let pool = try Script.started { $0.maxSize = 2 }
    pool.fill(2)
    _ = pool.leaseNow(task: 7)
    let other = pool.leaseNow(task: 8)
    pool.wait("7", task: 7)
    #expect(pool.failures.isEmpty)
    pool.wait("8", task: 8)
    #expect(pool.failures["8"]?.code == .deadlock)
    #expect(pool.failures["8"]?.message.contains("every other one is held by a task that waits") == true)
    pool.release(other)
    #expect(pool.granted == ["7"])
    #expect(pool.leases["7"]?.isNested == true)
  }

  @Test func `while one holder does not wait there is hope, and nobody is told`() throws {
    let pool = try Script.started { $0.maxSize = 2 }
    pool.fill(2)
    _ = pool.leaseNow(task: 7)
    let free = pool.leaseNow(task: 8)
    pool.wait("7", task: 7)
    #expect(pool.failures.isEmpty)
    pool.release(free)
    #expect(pool.granted == ["7"])
  }

  @Test func `a holder that is not known, sharers and a resource being made may all come back`() throws {
    let unknown = try Script.started { $0.maxSize = 2 }
    unknown.fill(2)
    _ = unknown.leaseNow(task: 7)
    _ = unknown.leaseNow()
    unknown.wait("a", task: 7)
    #expect(unknown.failures.isEmpty)

    let shared = try Script.started {
      $0.maxSize = 2
      $0.shareLimit = 4
    }
    shared.fill(2)
    _ = shared.leaseNow(task: 7)
    _ = shared.leaseNow(shared: true, task: 8)
    shared.wait("a", task: 7)
    #expect(shared.failures.isEmpty)

    let growing = try Script.started { $0.maxSize = 2 }
    _ = growing.leaseNow(task: 7)
    growing.wait("a", task: 7)
    #expect(growing.failures.isEmpty && growing.makes.count == 1)
  }

  @Test func `a single statement of a task that holds the only resource would wait for itself too`() throws {
    let pool = try Script.started {
      $0.maxSize = 1
      $0.shareLimit = 8
    }
    _ = pool.leaseNow(task: 7)
    pool.wait("statement", shared: true, task: 7)
    #expect(pool.failures["statement"]?.code == .deadlock)
  }

  // MARK: On account of a task that holds

  @Test func `a child that would wait for the resource of its parent is told, with the place where the parent took it`()
    throws
  {
    let pool = try Script.started { $0.maxSize = 1 }
    _ = pool.leaseNow(task: 7, fileID: "App/Orders.swift", line: 12)
    pool.wait("child", task: 8, holders: [.init(task: 7, isAwaiting: true)], fileID: "App/Audit.swift", line: 99)
    let error = try #require(pool.failures["child"])
    #expect(error.code == .deadlock)
    #expect(
      error.message
        == "the task that asks at App/Audit.swift:99 is a child of one that holds a resource already, taken at "
        + "App/Orders.swift:12: it would wait for itself (max 1). Use the resource at hand instead of the pool")
    #expect(pool.statistics.nestedAcquireCount == 1)
    #expect(pool.statistics.canceledAcquireCount == 1)
  }

  @Test func `a task that the holder need not wait for is counted and waits, and is served when the holder is through`()
    throws
  {
    let pool = try Script.started { $0.maxSize = 1 }
    let holder = pool.leaseNow(task: 7)
    pool.wait("free", task: 8, holders: [.init(task: 7, isAwaiting: false)])
    #expect(pool.failures.isEmpty)
    #expect(pool.statistics.nestedAcquireCount == 1)
    pool.release(holder)
    #expect(pool.granted == ["free"])
    #expect(pool.statistics.nestedAcquireCount == 1, "counted when it asked, and not again")
  }

  @Test func `children of two holders that have all: the second to ask is told, the first is served`() throws {
    let pool = try Script.started { $0.maxSize = 2 }
    pool.fill(2)
    _ = pool.leaseNow(task: 7)
    let other = pool.leaseNow(task: 8)
    pool.wait("first", task: 71, holders: [.init(task: 7, isAwaiting: true)])
    #expect(pool.failures.isEmpty, "8 does not wait")
    pool.wait("second", task: 81, holders: [.init(task: 8, isAwaiting: true)])
    #expect(pool.failures["second"]?.code == .deadlock)
    pool.release(other)
    #expect(pool.granted == ["first"])
    #expect(pool.leases["first"]?.isNested == true)
    #expect(pool.statistics.nestedAcquireCount == 2)
  }

  @Test func `a holder that waits, and one whose child does, are both no hope to a third`() throws {
    let pool = try Script.started { $0.maxSize = 3 }
    pool.fill(3)
    for task in 7...9 { _ = pool.leaseNow(task: UInt(task)) }
    pool.wait("itself", task: 7)
    pool.wait("child", task: 81, holders: [.init(task: 8, isAwaiting: true)])
    #expect(pool.failures.isEmpty)
    pool.wait("third", task: 91, holders: [.init(task: 9, isAwaiting: true)])
    #expect(pool.failures["third"]?.code == .deadlock)
    #expect(pool.failures["third"]?.message.contains("every other one is held by a task that waits") == true)
  }

  @Test func `while a task waits that its holder does not wait for, there is hope for others`() throws {
    let pool = try Script.started { $0.maxSize = 2 }
    pool.fill(2)
    _ = pool.leaseNow(task: 7)
    let other = pool.leaseNow(task: 8)
    pool.wait("free", task: 81, holders: [.init(task: 8, isAwaiting: false)])
    pool.wait("child", task: 71, holders: [.init(task: 7, isAwaiting: true)])
    #expect(pool.failures.isEmpty)
    pool.release(other)
    #expect(pool.granted == ["free"])
    pool.release("free")
    #expect(pool.granted == ["free", "child"])
  }

  @Test func `a child two scopes deep waits for both holders, and finds what a third one gives back`() throws {
    let pool = try Script.started { $0.maxSize = 3 }
    pool.fill(3)
    _ = pool.leaseNow(task: 7)
    let inner = pool.leaseNow(task: 8, holders: [.init(task: 7, isAwaiting: true)])
    #expect(inner?.isNested == true)
    let third = pool.leaseNow(task: 9)
    let holders = [OuterHolder(task: 8, isAwaiting: true), OuterHolder(task: 7, isAwaiting: true)]
    pool.wait("deep", task: 80, holders: holders)
    #expect(pool.failures.isEmpty)
    pool.release(third)
    #expect(pool.granted == ["deep"])
    pool.wait("deeper", task: 80, holders: holders)
    #expect(pool.failures["deeper"]?.code == .deadlock)
  }

  @Test func `a task whose starter gave its resource back is like any other`() throws {
    let pool = try Script.started { $0.maxSize = 1 }
    pool.release(pool.leaseNow(task: 7))
    #expect(pool.leaseNow(task: 8, holders: [.init(task: 7, isAwaiting: false)])?.isNested == false)
    #expect(pool.statistics.nestedAcquireCount == 0)
  }
}
