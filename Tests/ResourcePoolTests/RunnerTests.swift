import ResourcePool
import Testing

/// The runner, with real tasks and a factory in memory.
@Suite struct RunnerTests {
  private static let origin = LeaseOrigin(fileID: #fileID, line: #line)

  private func startedPool(
    _ factory: FakeFactory = FakeFactory(), _ configure: (inout PoolConfiguration) -> Void = { _ in }
  ) async throws -> ResourcePool<FakeFactory> {
    var configuration = PoolConfiguration()
    configuration.acquireTimeout = .seconds(300)  // the tests that are about time set their own
    configure(&configuration)
    let pool = try ResourcePool(configuration, factory: factory)
    try await pool.start()
    return pool
  }

  @Test func `under the load of many tasks no resource has two holders and every acquire is answered`() async throws {
    let factory = FakeFactory()
    let pool = try await startedPool(factory) { $0.maxSize = 5 }
    let holders = Shared<Set<Int>>([])
    try await withThrowingTaskGroup { group in
      for task in 0..<64 {
        group.addTask {
          for round in 0..<200 {
            try await pool.withResource(isSound: { _ in (task + round) % 97 != 0 }) { resource in
              #expect(holders.withLock { $0.insert(resource).inserted })
              if round % 3 == 0 { await Task.yield() }
              #expect(holders.withLock { $0.remove(resource) } == resource)
            }
          }
        }
      }
      try await group.waitForAll()
    }
    let numbers = pool.statistics()
    #expect(numbers.acquireCount == 64 * 200)
    #expect(numbers.canceledAcquireCount == 0)
    #expect(numbers.acquireDuration.count == numbers.acquireCount)
    #expect(numbers.acquired == 0)
    #expect(factory.mostAlive <= 5)
    #expect(await pool.close().isEmpty)
    #expect(factory.made == factory.closed)
  }

  @Test func `when every resource is refused by its preparation, no storm of new ones is made`() async throws {
    let factory = RefusingFactory()
    var configuration = PoolConfiguration()
    configuration.maxSize = 2
    (configuration.retryDelay, configuration.maxRetryDelay) = (.seconds(3600), .seconds(3600))
    let pool = try ResourcePool(configuration, factory: factory)
    try await pool.start()
    let error = await #expect(throws: PoolError.self) {
      try await pool.withResource(timeout: .milliseconds(1500)) { _ in }
    }
    #expect(error?.code == .acquireTimeout)
    // Two may have been idle, the third is refused like them, and the one after it is for who asks next.
    #expect(factory.made <= 4)
    #expect(await pool.close().isEmpty)
  }

  @Test func `an acquire that is given up because all it was lent was refused counts as given up, once`() async throws {
    let factory = RefusingFactory()
    var configuration = PoolConfiguration()
    (configuration.retryDelay, configuration.maxRetryDelay) = (.seconds(3600), .seconds(3600))
    configuration.maxSize = 1
    let pool = try ResourcePool(configuration, factory: factory)
    try await pool.start()
    let error = await #expect(throws: PoolError.self) {
      try await pool.withResource(timeout: .milliseconds(100)) { _ in }
    }
    #expect(error?.code == .acquireTimeout)
    #expect(pool.statistics().canceledAcquireCount == 1)

    let refused = pool.statistics().acquireCount
    let acquire = Task { try await pool.withResource(timeout: .seconds(3600)) { _ in } }
    // The second of those that it was lent is refused too, and it pauses for long.
    try await eventually("the pause") {
      pool.statistics().acquireCount == refused + 2 && pool.statistics().acquired == 0
    }
    acquire.cancel()
    await #expect(throws: CancellationError.self) { try await acquire.value }
    #expect(pool.statistics().canceledAcquireCount == 2)
    #expect(await pool.close().isEmpty)
  }

  @Test(arguments: [true, false])
  func `an acquire without patience gets what is idle, with a preparation as without`(isPrepared: Bool) async throws {
    func check(_ factory: some ResourceFactory) async throws {
      let pool = try ResourcePool(PoolConfiguration(), factory: factory)
      try await pool.start()
      try await pool.withResource(timeout: .zero) { _ in }
      #expect(await pool.close().isEmpty)
    }
    if isPrepared { try await check(RefusingFactory(refuses: false)) } else { try await check(FakeFactory()) }
  }

  @Test func `under the load of sharers and holders no exclusive lease is shared`() async throws {
    let factory = FakeFactory()
    let pool = try await startedPool(factory) {
      $0.maxSize = 3
      $0.shareLimit = 4
    }
    let load = Shared<[Int: Int]>([:])
    try await withThrowingTaskGroup { group in
      for task in 0..<32 {
        group.addTask {
          for _ in 0..<200 {
            let isShared = task % 4 != 0
            let lease = try await pool.lease(shared: isShared, Self.origin)
            let weight = isShared ? 1 : 100
            let total = load.withLock { load in
              load[lease.resource, default: 0] += weight
              return load[lease.resource] ?? 0
            }
            #expect(total <= 4 || total == 100)
            await Task.yield()
            load.withLock { $0[lease.resource, default: 0] -= weight }
            pool.release(lease, isSound: true)
          }
        }
      }
      try await group.waitForAll()
    }
    await pool.close()
    #expect(factory.made == factory.closed)
  }

  @Test func `ten thousand cancellations at any moment lose no resource and leave no waiter`() async throws {
    let factory = FakeFactory()
    let pool = try await startedPool(factory) {
      $0.maxSize = 3
      $0.shareLimit = 2
    }
    var generator = Generator(seed: 42)
    let outcomes = Shared((served: 0, cancelled: 0))
    for _ in 0..<100 {
      try await withThrowingTaskGroup { group in
        var tasks: [Task<Void, any Error>] = []
        for _ in 0..<100 {
          let isShared = Bool.random(using: &generator)
          let yields = Int.random(in: 0..<3, using: &generator)
          tasks.append(
            Task {
              for _ in 0..<yields { await Task.yield() }
              do {
                let lease = try await pool.lease(shared: isShared, Self.origin)
                await Task.yield()
                pool.release(lease, isSound: true)
                outcomes.withLock { $0.served += 1 }
              } catch is CancellationError {
                outcomes.withLock { $0.cancelled += 1 }
              }
            })
        }
        tasks.shuffle(using: &generator)
        let pauses = (0..<10).map { _ in Int.random(in: 0..<20, using: &generator) }
        for (index, task) in tasks.enumerated() {
          if index % 10 == 0 { for _ in 0..<pauses[index / 10] { await Task.yield() } }
          task.cancel()
        }
        for task in tasks { group.addTask { try await task.value } }
        try await group.waitForAll()
      }
    }
    let (served, cancelled) = outcomes.withLock { $0 }
    #expect(served + cancelled == 10_000)
    let numbers = pool.statistics()
    #expect(numbers.acquireCount == UInt64(served))
    #expect(numbers.canceledAcquireCount == UInt64(cancelled))
    #expect(numbers.waiting == 0)
    #expect(numbers.acquired == 0)
    #expect(await pool.close().isEmpty)
    #expect(factory.made == factory.closed)
    #expect(factory.mostAlive <= 3)
  }

  @Test func `an acquire by a cancelled task that would have to wait fails and is counted`() async throws {
    let pool = try await startedPool { $0.maxSize = 1 }
    let lease = try await pool.lease(shared: false, Self.origin)
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      _ = try await pool.lease(shared: false, Self.origin)
    }
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(pool.statistics().canceledAcquireCount == 1)
    pool.release(lease, isSound: true)
    await pool.close()
  }

  @Test func `an acquire that times out says with which numbers and who holds`() async throws {
    let pool = try await startedPool { $0.maxSize = 1 }
    let lease = try await pool.lease(shared: false, LeaseOrigin(fileID: "App/Leak.swift", line: 7))
    let error = await #expect(throws: PoolError.self) {
      try await pool.withResource(timeout: .milliseconds(5)) { _ in }
    }
    #expect(error?.code == .acquireTimeout)
    #expect(error?.message.contains("(max 1, in use 1, idle 0, being made 0, waiting 1)") == true)
    #expect(error?.message.contains("held longest: App/Leak.swift:7 for ") == true)
    pool.release(lease, isSound: true)
    await pool.close()
  }

  @Test func `an acquire that times out because none can be made says why`() async throws {
    let factory = FakeFactory()
    let pool = try await startedPool(factory) { $0.maxSize = 2 }
    let lease = try await pool.lease(shared: false, Self.origin)
    factory.fail(with: .init())
    let error = await #expect(throws: PoolError.self) {
      try await pool.withResource(timeout: .milliseconds(20)) { _ in }
    }
    #expect(error?.message.contains("the last attempt to make one failed: connection refused") == true)
    #expect(error?.cause as? FakeFactory.Refused == FakeFactory.Refused())
    pool.release(lease, isSound: true)
    await pool.close()
  }

  @Test func `waiters are served once the outage is over, with nobody calling`() async throws {
    let factory = FakeFactory()
    let pool = try await startedPool(factory) {
      $0.maxSize = 1
      $0.retryDelay = .milliseconds(1)
    }
    factory.fail(with: .init())
    try await pool.withResource(isSound: { _ in false }) { _ in }
    try await eventually("the outage shows") { pool.outage != nil }
    async let served = pool.withResource { $0 }
    try await eventually("it waits") { pool.statistics().waiting == 1 }
    factory.fail(with: nil)
    #expect(try await served == 2)
    #expect(pool.outage == nil)
    await pool.close()
  }

  @Test func `a start that fails throws the factory's own error, and can be tried again`() async throws {
    let factory = FakeFactory()
    factory.fail(with: .init())
    let pool = try ResourcePool(PoolConfiguration(), factory: factory)
    await #expect(throws: FakeFactory.Refused.self) { try await pool.start() }
    let early = await #expect(throws: PoolError.self) { try await pool.withResource { _ in } }
    #expect(early?.code == .notStarted)
    factory.fail(with: nil)
    try await pool.start()
    #expect(try await pool.withResource { $0 } == 1)
    let again = await #expect(throws: PoolError.self) { try await pool.start() }
    #expect(again?.code == .alreadyStarted)
    #expect(factory.made == 1, "the refused start made nothing")
    await pool.close()
  }

  @Test func `a pool closed while it starts closes what it made`() async throws {
    let factory = FakeFactory()
    factory.shut()
    let pool = try ResourcePool(PoolConfiguration(), factory: factory)
    let start = Task { try await pool.start() }
    try await eventually("the start makes") { factory.heldBack == 1 }
    #expect(await pool.close(deadline: .now).isEmpty)
    factory.open()
    let error = await #expect(throws: PoolError.self) { try await start.value }
    #expect(error?.code == .closed)
    #expect(await pool.close().isEmpty)
    #expect(factory.made == 1)
    #expect(factory.closed == 1)
  }

  @Test func `a wrong configuration is refused when the pool is created`() {
    var configuration = PoolConfiguration()
    configuration.maxSize = 0
    #expect(throws: PoolError.self) { try ResourcePool(configuration, factory: FakeFactory()) }
  }

  @Test func `closing waits for those who hold, and tells those who wait`() async throws {
    let factory = FakeFactory()
    let pool = try await startedPool(factory) { $0.maxSize = 1 }
    let lease = try await pool.lease(shared: false, Self.origin)
    let waiter = Task { try await pool.withResource { _ in } }
    try await eventually("it waits") { pool.statistics().waiting == 1 }
    let close = Task { await pool.close() }
    await #expect(throws: PoolError.self) { try await waiter.value }
    #expect(factory.closed == 0)
    pool.release(lease, isSound: true)
    #expect(await close.value.isEmpty)
    #expect(factory.closed == 1)
    let late = await #expect(throws: PoolError.self) { try await pool.withResource { _ in } }
    #expect(late?.code == .closed)
  }

  @Test func `closing calls off what is being made, which may else take all of a time-out`() async throws {
    let factory = EndlessFactory()
    var configuration = PoolConfiguration()
    configuration.maxSize = 2
    let pool = try ResourcePool(configuration, factory: factory)
    try await pool.start()
    try await pool.withResource { _ in
      let waiting = Task { try await pool.withResource { _ in } }
      try await eventually("a second resource is being made") { factory.isMaking }
      waiting.cancel()
      _ = await waiting.result
    }
    let deadline = ContinuousClock.now + .seconds(60)
    #expect(await pool.close(deadline: deadline).isEmpty)
    #expect(ContinuousClock.now < deadline)
    #expect(pool.statistics().constructing == 0)
  }

  @Test(arguments: [Duration.seconds(-1), .zero, .milliseconds(5)])
  func `closing with a deadline names those who still hold`(patience: Duration) async throws {
    let pool = try await startedPool()
    let lease = try await pool.lease(shared: false, LeaseOrigin(fileID: "App/Report.swift", line: 3))
    let holders = await pool.close(deadline: .now + patience)
    #expect(holders.map { $0.origin?.description } == ["App/Report.swift:3"])
    pool.release(lease, isSound: true)
    #expect(await pool.close().isEmpty)
  }

  @Test func `the deadline of one close does not end another`() async throws {
    let factory = FakeFactory()
    let pool = try await startedPool(factory)
    let lease = try await pool.lease(shared: false, Self.origin)
    let patient = Task { await pool.close() }
    let hasty = await pool.close(deadline: .now)
    #expect(hasty.count == 1)
    pool.release(lease, isSound: true)
    #expect(await patient.value.isEmpty)
    #expect(factory.closed == 1)
  }

  @Test func `an idle resource that ends is replaced, and never lent`() async throws {
    let factory = FakeFactory()
    let pool = try await startedPool(factory) { $0.minSize = 1 }
    factory.end(1)
    try await eventually("another is made") { pool.statistics().newCount == 2 }
    #expect(try await pool.withResource { $0 } == 2)
    await pool.close()
    #expect(factory.made == factory.closed)
  }

  @Test func `a lent resource that ends is not lent again`() async throws {
    let factory = FakeFactory()
    let pool = try await startedPool(factory)
    try await pool.withResource { factory.end($0) }
    #expect(try await pool.withResource { $0 } == 2)
    await pool.close()
  }

  @Test func `a permanent failure reaches the waiters at once, with its cause`() async throws {
    let factory = FakeFactory()
    let pool = try await startedPool(factory) { $0.maxSize = 2 }
    factory.fail(with: .init(isPermanent: true))
    try await pool.withResource(isSound: { _ in false }) { _ in }
    let error = await #expect(throws: PoolError.self) {
      try await pool.withResource(timeout: .seconds(3600)) { _ in }
    }
    #expect(error?.code == .unavailable)
    #expect(error?.cause as? FakeFactory.Refused == FakeFactory.Refused(isPermanent: true))
    await pool.close()
  }

  @Test func `a resource that was idle is checked before it is lent, and replaced when that fails`() async throws {
    let factory = FakeFactory()
    let pool = try await startedPool(factory) { $0.checkAfterIdle = .zero }
    #expect(try await pool.withResource { $0 } == 1)
    #expect(factory.checks == 1)
    factory.failChecks()
    #expect(try await pool.withResource { $0 } == 2)
    #expect(factory.closed == 1)
    await pool.close()
  }

  @Test func `after invalidation all resources are new`() async throws {
    let factory = FakeFactory()
    let pool = try await startedPool(factory)
    try await pool.withResource { _ in pool.invalidate() }
    #expect(try await pool.withResource { $0 } == 2)
    await pool.close()
    #expect(factory.made == factory.closed)
  }

  @Test func `the pool's own work does not see the task-local values of whoever caused it`() async throws {
    let factory = FakeFactory()
    let pool = try await startedPool(factory) { $0.maxSize = 2 }
    let lease = try await pool.lease(shared: false, Self.origin)
    try await FakeFactory.$caller.withValue("a request") { try await pool.withResource { _ in } }
    #expect(factory.seenTaskLocals == ["nobody", "nobody"])
    pool.release(lease, isSound: true)
    await pool.close()
  }

  @Test func `the body's error passes, and the resource comes back`() async throws {
    let pool = try await startedPool { $0.maxSize = 1 }
    await #expect(throws: FakeFactory.Refused.self) {
      try await pool.withResource { _ in throw FakeFactory.Refused() }
    }
    #expect(pool.statistics().idle == 1)
    await pool.close()
  }

  @Test func `the listing shows who holds and who waits`() async throws {
    let pool = try await startedPool { $0.maxSize = 1 }
    let lease = try await pool.lease(shared: false, LeaseOrigin(fileID: "App/Report.swift", line: 3))
    let waiter = Task { try await pool.lease(shared: true, LeaseOrigin(fileID: "App/Login.swift", line: 9)) }
    try await eventually("it waits") { pool.statistics().waiting == 1 }
    let dump = pool.dump()
    #expect(dump.holders.map { $0.origin?.description } == ["App/Report.swift:3"])
    #expect(dump.waiters.map(\.origin.description) == ["App/Login.swift:9"])
    pool.release(lease, isSound: true)
    pool.release(try await waiter.value, isSound: true)
    await pool.close()
  }

  @Test func `an acquire in the body of another is told at once when the pool has only one`() async throws {
    let pool = try await startedPool { $0.maxSize = 1 }
    let error = await #expect(throws: PoolError.self) {
      try await pool.withResource { _ in try await pool.withResource { _ in } }
    }
    #expect(error?.code == .deadlock)
    #expect(pool.statistics().nestedAcquireCount == 1)
    // The resource came back.
    try await pool.withResource { _ in }
  }

  @Test func `a task started in the body of another is not taken for it`() async throws {
    let pool = try await startedPool { $0.maxSize = 1 }
    let child = try await pool.withResource { _ in
      let child = Task { try await pool.withResource { $0 } }
      try await eventually("the child waits") { pool.statistics().waiting == 1 }
      return child
    }
    #expect(try await child.value == 1)
    #expect(pool.statistics().nestedAcquireCount == 0)
  }
}
