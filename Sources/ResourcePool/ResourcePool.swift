/// A pool of anything that is dear to make: lends to one holder at a time or, where the resource can bear it, to
/// several; first come, first served.
///
/// The rules are those of ``PoolConfiguration``. Every decision is taken by a state machine under a lock; making,
/// checking, closing and resuming happen after the lock is released.
public final class ResourcePool<Factory: ResourceFactory>: Sendable {
  /// What is lent.
  public typealias Resource = Factory.Resource

  /// What was configured.
  public let configuration: PoolConfiguration
  @usableFromInline let core: PoolCore
  @usableFromInline let shelf: FactoryShelf<Factory>
  @usableFromInline let hasLeaseHooks: Bool

  /// A pool that lends once it is started.
  ///
  /// - Throws: ``PoolError`` of code ``PoolError/Code/invalidConfiguration``.
  public init(_ configuration: PoolConfiguration, factory: Factory) throws(PoolError) {
    try configuration.validate()
    self.configuration = configuration
    shelf = FactoryShelf(factory, size: configuration.maxSize)
    hasLeaseHooks = factory.hasLeaseHooks
    core = PoolCore(configuration, shelf)
  }

  // MARK: Starting and closing

  /// Makes a first resource, so that a wrong configuration shows now and not at the first acquire; then lends.
  ///
  /// - Throws: what the factory throws, after which the start may be tried again; or ``PoolError`` when the pool was
  ///   started or closed before.
  public func start() async throws { try await core.start() }

  /// Lends nothing more, tells those who wait, and returns once every resource is back and closed.
  ///
  /// The tasks in which the factory is making resources are cancelled: nobody will have those any more.
  ///
  /// - Parameter deadline: when to stop waiting for those still lent. Default: never.
  /// - Returns: those who still held a resource at the deadline; empty when all came back.
  @discardableResult
  public func close(deadline: ContinuousClock.Instant? = nil) async -> [LeaseHolder] {
    await core.close(deadline: deadline)
  }

  // MARK: Lending

  /// Lends a resource for as long as `body` runs.
  ///
  /// - Parameters:
  ///   - timeout: how long to wait for one; nil for ``PoolConfiguration/acquireTimeout``.
  ///   - isSound: asked afterwards whether the resource may be lent again. Default: always.
  /// - Throws: ``PoolError``, `CancellationError` when the task is cancelled while it waits, or what `body` throws.
  @inlinable
  public func withResource<Result>(
    timeout: Duration? = nil, isolation: isolated (any Actor)? = #isolation, fileID: StaticString = #fileID,
    line: UInt = #line,
    isSound: (Resource) -> Bool = { _ in true }, _ body: (Resource) async throws -> sending Result
  ) async throws -> sending Result {
    let origin = LeaseOrigin(fileID: fileID, line: line, task: LeaseOrigin.currentTask)
    let lease: Lease<Resource>
    if let free = leaseNow(shared: false, origin) {
      lease = free
    } else {
      lease = try await self.lease(shared: false, timeout: timeout, origin)
    }
    defer { release(lease, isSound: isSound(lease.resource)) }
    return try await body(lease.resource)
  }

  /// A lease if there is one without waiting: a call without suspension, for which a task that prefers an executor pays.
  @inlinable
  package func leaseNow(shared: Bool, _ origin: LeaseOrigin) -> Lease<Resource>? {
    guard !hasLeaseHooks, let grant = core.leaseNow(shared: shared, origin) else { return nil }
    return lease(grant)
  }

  /// A lease, after waiting for it if need be. To be given back with ``release(_:isSound:)``, once.
  @inlinable
  package nonisolated(nonsending) func lease(
    shared: Bool, timeout: Duration? = nil, _ origin: LeaseOrigin
  ) async throws -> Lease<Resource> {
    if hasLeaseHooks { return try await preparedLease(timeout: timeout, origin) }
    let grant = try await core.waitForLease(shared: shared, timeout: timeout, origin)
    guard let lease = lease(grant) else { throw PoolError.emptySlot }
    return lease
  }

  @usableFromInline
  nonisolated(nonsending) func preparedLease(timeout: Duration?, _ origin: LeaseOrigin) async throws -> Lease<Resource>
  {
    let patience = timeout ?? configuration.acquireTimeout
    let start = ContinuousClock.now
    var refusals = 0
    while true {
      let rest = patience - (ContinuousClock.now - start)
      // What is idle is to be had without patience.
      guard refusals == 0 || rest > .zero else {
        core.countGivenUp()
        throw PoolError(
          .acquireTimeout, "every resource taken within \(patience.rounded) was refused by its preparation")
      }
      let grant = try await core.waitForLease(shared: false, timeout: rest, origin)
      guard let lease = lease(grant) else { throw PoolError.emptySlot }
      if await shelf.factory.prepare(lease.resource) { return lease }
      core.release(grant.slot, isSound: false)
      refusals += 1
      // By now it is new ones that are refused: to make the next at once, and so on, would be a storm of them.
      guard refusals > configuration.maxSize else { continue }
      let pause = configuration.retryPause(afterAttempts: refusals - configuration.maxSize)
      // Cancelled, the next wait ends at once.
      try? await Task.sleep(for: min(pause, max(.zero, patience - (ContinuousClock.now - start))))
    }
  }

  @usableFromInline
  func recycle(_ lease: Lease<Resource>) {
    // The task that held it is through with it, whatever becomes of it.
    core.forgetTask(lease.grant.slot)
    Task.detached { [core, shelf] in
      let isSound = await shelf.factory.recycle(lease.resource)
      core.release(lease.grant.slot, isSound: isSound)
    }
  }

  /// With the resource, which stays in its slot for as long as it is lent.
  @inlinable
  func lease(_ grant: LeaseGrant) -> Lease<Resource>? {
    shelf[grant.slot].map { Lease(grant: grant, resource: $0) }
  }

  /// Ends a lease.
  ///
  /// - Parameter isSound: whether the resource may be lent again.
  @inlinable
  package func release(_ lease: Lease<Resource>, isSound: Bool) {
    if hasLeaseHooks, isSound { return recycle(lease) }
    core.release(lease.grant.slot, isSound: isSound)
  }

  /// Closes all resources made so far, the lent ones when they come back: for when what they lead to has moved.
  public func invalidate() { core.invalidate() }

  /// As ``invalidate()``, on account of this lease's resource; nothing happens when that was done since it was made.
  package func invalidate(since lease: Lease<Resource>) { core.invalidate(suspect: lease.grant.generation) }

  // MARK: Reading

  /// A snapshot of sizes and counters.
  public func statistics() -> PoolStatistics { core.statistics() }

  /// Who holds a resource now, the longest holder first.
  public func holders() -> [LeaseHolder] { core.holders() }

  /// Where the asking task, or one that started it, took the resource that it has to itself; nil when none has.
  package func outerOrigin(of origin: LeaseOrigin) -> LeaseOrigin? { core.outerOrigin(of: origin) }

  /// A listing for a person: the numbers, who holds, who waits, what failed.
  public func dump() -> PoolDump { core.dump() }

  /// The last failure to make a resource, while no resource is left and none could be made since.
  public var outage: (any Error)? { core.outage }
}
