/// Sizes, ages and patience of a pool.
public struct PoolConfiguration: Sendable {
  /// The most resources the pool holds, those being made or closed included. From 1 to 100 000. Default 4.
  public var maxSize = 4
  /// Resources kept even when nobody uses them. Default 0.
  public var minSize = 0
  /// Idle resources kept ready beyond those in use, within ``maxSize``. Default 0.
  public var minIdle = 0
  /// A resource older than this is closed instead of being lent again. Default 1 hour.
  public var maxLifetime: Duration = .seconds(3600)
  /// Each resource's lifetime is lengthened by a random share of up to this much of ``maxLifetime``, so that those
  /// made together do not end together. Default 0.1.
  public var lifetimeJitter = 0.1
  /// A resource idle for longer is closed, down to ``minSize``. Default 30 minutes.
  public var maxIdleTime: Duration = .seconds(1800)
  /// How often ages are checked and the minimum restored. Default 1 minute.
  public var healthCheckPeriod: Duration = .seconds(60)
  /// How long an acquire waits before it fails with ``PoolError/Code/acquireTimeout``. Default 5 seconds.
  public var acquireTimeout: Duration = .seconds(5)
  /// A resource that was idle for longer is checked before it is lent; zero checks each that was idle at all.
  /// Default 1 second.
  public var checkAfterIdle: Duration = .seconds(1)
  /// How many shared leases one resource carries at once. 1 (the default) lends every resource to one holder only.
  /// Sharing does not stand in for growing: while there is room another resource is made beside it.
  public var shareLimit = 1
  /// A resource whose present holders have had no answer for longer than this takes no further shared lease: who
  /// queues behind a slow one waits with it. Default 10 ms.
  public var shareWindow: Duration = .milliseconds(10)
  /// The pause after a first failure to make a resource; doubled with each further one. Default 100 ms.
  public var retryDelay: Duration = .milliseconds(100)
  /// The longest pause between two attempts to make a resource. Default 2 seconds.
  public var maxRetryDelay: Duration = .seconds(2)

  /// The defaults.
  public init() {}

  /// - Throws: ``PoolError`` of code ``PoolError/Code/invalidConfiguration`` naming the first value that makes no sense.
  func validate() throws(PoolError) {
    func require(_ condition: Bool, _ rule: String) throws(PoolError) {
      guard condition else { throw PoolError(.invalidConfiguration, "pool configuration: \(rule)") }
    }
    // A place is kept for each, so that a number that stands for "no limit" is more than there is memory for.
    try require((1...100_000).contains(maxSize), "maxSize must be between 1 and 100000, not \(maxSize)")
    try require((0...maxSize).contains(minSize), "minSize must be between 0 and maxSize (\(maxSize)), not \(minSize)")
    try require((0...maxSize).contains(minIdle), "minIdle must be between 0 and maxSize (\(maxSize)), not \(minIdle)")
    try require(shareLimit >= 1, "shareLimit must be at least 1, not \(shareLimit)")
    try require((0...1).contains(lifetimeJitter), "lifetimeJitter must be between 0 and 1, not \(lifetimeJitter)")
    for (name, duration) in [("checkAfterIdle", checkAfterIdle), ("shareWindow", shareWindow)] {
      try require(duration >= .zero, "\(name) must not be negative, but is \(duration)")
    }
    for (name, duration) in [
      ("maxLifetime", maxLifetime), ("maxIdleTime", maxIdleTime), ("healthCheckPeriod", healthCheckPeriod),
      ("acquireTimeout", acquireTimeout), ("retryDelay", retryDelay), ("maxRetryDelay", maxRetryDelay),
    ] {
      try require(duration > .zero, "\(name) must be longer than zero, not \(duration)")
    }
  }
}
