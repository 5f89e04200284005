internal import ResourcePool

extension PostgresPool {
  /// Sizes, ages and patience of a pool of connections.
  public struct Configuration: Sendable {
    /// Where to connect and as whom.
    public var connect: ConnectOptions
    /// The most connections. 0 (the default) is twice the number of processors plus one.
    public var maxConnections = 0
    /// Connections kept even when nobody uses them. Default 0.
    public var minConnections = 0
    /// Idle connections kept ready beyond those in use. Default 0.
    public var minIdleConnections = 0
    /// A connection older than this is closed instead of being lent again. Default 1 hour, lengthened at random by up
    /// to a tenth.
    public var maxLifetime: Duration = .seconds(3600)
    /// A connection idle for longer is closed. Default 30 minutes.
    public var maxIdleTime: Duration = .seconds(1800)
    /// How often ages are checked and minimums restored. Default 1 minute.
    public var healthCheckPeriod: Duration = .seconds(60)
    /// A connection that was idle for longer is asked for a sign of life before it is lent; one that gives none within
    /// half a second is replaced. Default 1 second.
    public var pingAfterIdle: Duration = .seconds(1)
    /// How long a query or transaction waits for a connection. Default 5 seconds.
    public var acquireTimeout: Duration = .seconds(5)
    /// How many single statements may be under way on one connection when all are busy; 1 switches that off.
    /// Default 32.
    public var pipelineDepth = 32

    /// Code of the app's own at connecting, lending and closing. Default none.
    public var hooks = Hooks()

    /// The defaults, for a server.
    public init(_ connect: ConnectOptions) { self.connect = connect }

    /// ``maxConnections``, or what it stands for when it is 0.
    public var effectiveMaxConnections: Int { Self.effectiveMaxConnections(maxConnections) }

    /// What a number of connections stands for: 0 is twice the number of processors plus one.
    package static func effectiveMaxConnections(_ configured: Int) -> Int {
      configured > 0 ? configured : processorCount * 2 + 1
    }

    var pool: PoolConfiguration {
      var pool = PoolConfiguration()
      pool.maxSize = maxConnections < 0 ? maxConnections : effectiveMaxConnections
      pool.minSize = minConnections
      pool.minIdle = minIdleConnections
      pool.maxLifetime = maxLifetime
      pool.maxIdleTime = maxIdleTime
      pool.healthCheckPeriod = healthCheckPeriod
      pool.acquireTimeout = acquireTimeout
      pool.checkAfterIdle = pingAfterIdle
      // A connection that pipelines nothing is no place to queue at.
      pool.shareLimit = connect.statementCacheMode == .simple ? 1 : pipelineDepth
      return pool
    }
  }
}
