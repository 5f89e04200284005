public import EventLoop
internal import FoundationEssentials
internal import MonotonicTime
public import ResourcePool
public import StructuredLogging
internal import Synchronization

/// Connections to one server, made on demand and lent to whoever runs a query.
///
/// ## Usage
///
/// ```swift
/// let pool = try PostgresPool(.init(ConnectOptions("postgres://localhost/app")), loop: EventLoop())
/// try await pool.start()
/// let count: Int = try await pool.one("SELECT count(*) FROM users")
/// await pool.close()
/// ```
///
/// A single statement shares its connection with others when all connections are busy; a transaction has one for
/// itself.
public final class PostgresPool: PostgresClient {
  private let pool: ResourcePool<ConnectionFactory>
  let tracer: (any QueryTracer)?
  /// Whether there is a tracer: to look at it would be to copy it.
  private let isTraced: Bool
  let logger: Logger
  /// For what is no connection of the pool: the first of its loops.
  let loop: EventLoop
  let listeners: ListenerHub
  private let catalogue = SharedTypeCatalogue()
  /// The places of nested acquires that were logged.
  private let nestings = Mutex<Set<String>>([])
  /// What was configured.
  public let configuration: Configuration

  /// A pool that lends once it is started.
  ///
  /// - Parameters:
  ///   - configuration: the server, and how many connections to it.
  ///   - loop: the loop that waits for the server's answers. Tasks that prefer it never change threads for a query.
  ///   - logger: told of lost connections and the server's notices.
  ///   - tracer: told of queries, connects and acquires.
  /// - Throws: `PoolError` when a number makes no sense.
  public convenience init(
    _ configuration: Configuration, loop: EventLoop, logger: Logger = .none, tracer: (any QueryTracer)? = nil
  ) throws {
    try self.init(configuration, loops: [loop], logger: logger, tracer: tracer)
  }

  /// A pool whose connections are spread over several loops, so that more than one processor reads answers.
  ///
  /// Each new connection goes to the loop that has the fewest. Which connection a query gets does not depend on the
  /// loop that its task prefers: with several loops most queries change threads.
  ///
  /// - Parameters:
  ///   - configuration: the server, and how many connections to it.
  ///   - loops: the loops that wait for the server's answers; at least one. To be stopped only after the pool is closed.
  ///   - logger: told of lost connections and the server's notices.
  ///   - tracer: told of queries, connects and acquires.
  /// - Throws: `PoolError` when a number makes no sense; ``PostgresError`` of code ``PostgresError/Code/unsupported``
  ///   when there is no loop.
  public init(
    _ configuration: Configuration, loops: [EventLoop], logger: Logger = .none, tracer: (any QueryTracer)? = nil
  ) throws {
    guard let loop = loops.first else { throw PostgresError(.unsupported, "a pool needs at least one event loop") }
    self.configuration = configuration
    self.tracer = tracer
    isTraced = tracer != nil
    self.logger = logger
    self.loop = loop
    let factory = ConnectionFactory(
      options: configuration.connect, hooks: configuration.hooks, loops: LoopShares(loops), logger: logger,
      tracer: tracer,
      catalogue: catalogue)
    pool = try ResourcePool(configuration.pool, factory: factory)
    listeners = ListenerHub(configuration, loop, logger, tracer)
  }

  // MARK: Starting and closing

  /// Makes a first connection, so that a wrong address or password shows now.
  ///
  /// - Throws: ``PostgresError`` of code ``PostgresError/Code/connectionFailed``.
  public func start() async throws { try await pool.start() }

  /// Lends nothing more, ends the listeners, and returns once every connection is back and closed.
  ///
  /// - Parameter deadline: when to stop waiting for those still lent. Default: never.
  /// - Returns: who still held a connection at the deadline.
  @discardableResult
  public func close(deadline: ContinuousClock.Instant? = nil) async -> [LeaseHolder] {
    listeners.close()
    let holders = await pool.close(deadline: deadline)
    await listeners.closed(deadline: deadline)
    return holders
  }

  // MARK: Queries

  /// Runs one statement on whichever connection is free first; see ``PostgresClient/query(_:options:)``.
  ///
  /// With a time-out it has a connection for itself, since a cancel request concerns the connection.
  public nonisolated(nonsending) func query(_ sql: SQL, options: QueryOptions) async throws -> PostgresResult {
    try await run(sql, options)
  }

  /// Runs one statement and reads its rows as they come; see ``PostgresClient/query(_:options:each:)``.
  public nonisolated(nonsending) func query(
    _ sql: SQL, options: QueryOptions, each read: (PostgresResult) throws -> Void
  ) async throws {
    var reading = Reading()
    let rest = try await run(sql, options, readsAhead: true) { rows in reading.goOn(rows, read) }
    try reading.end(rest, read)
  }

  @inline(__always)
  private nonisolated(nonsending) func run(
    _ sql: SQL, _ options: QueryOptions, readsAhead: Bool = false, _ read: (PostgresResult) -> Void = { _ in }
  ) async throws -> PostgresResult {
    let start = options.timeout.map { _ in MonotonicInstant.now }
    let lease: Lease<PostgresConnection>
    if let free = leaseNow(shared: options.timeout == nil, options) {
      lease = free
    } else {
      lease = try await self.lease(shared: options.timeout == nil, options)
    }
    let waited = start.map { .now - $0 } ?? .zero
    let lent = isTraced && options.timeout != nil ? MonotonicInstant.now : nil
    do {
      // Given back by the connection when the server is done with it, which for a cancelled query may be later.
      let onDone = { @Sendable [self] isSound in
        if let lent { giveBack(lease, isSound: isSound, since: lent) } else { pool.release(lease, isSound: isSound) }
      }
      return try await lease.resource.run(sql, options, waited: waited, onDone: onDone, readsAhead: readsAhead, read)
    } catch {
      suspect(error, lease)
      // A single statement asked for no read-only transaction: the server has become a standby.
      if (error as? PostgresError)?.sqlState == .readOnlySQLTransaction { invalidate(since: lease) }
      throw error
    }
  }

  /// A connection of the pool; see ``PostgresClient/checkOut(_:)``.
  public nonisolated(nonsending) func checkOut(_ options: QueryOptions) async throws -> PostgresCheckout {
    PostgresCheckout(try await lease(shared: false, options), of: self)
  }

  /// Lends a connection for as long as `body` runs: for what must stay on one session.
  ///
  /// A connection that comes back in a transaction, or with a query under way, is closed. Who kept it gets an error of
  /// code ``PostgresError/Code/unsupported`` from then on.
  ///
  /// - Parameters:
  ///   - acquireTimeout: how long to wait for a connection. Default: the pool's.
  ///   - body: what is to be done with it.
  /// - Throws: `PoolError` when none became free in time, or what `body` throws.
  @discardableResult
  public func withConnection<Result>(
    acquireTimeout: Duration? = nil,
    isolation: isolated (any Actor)? = #isolation, fileID: StaticString = #fileID, line: UInt = #line,
    _ body: (PostgresConnection) async throws -> sending Result
  ) async throws -> sending Result {
    var options = QueryOptions(fileID: fileID, line: line)
    options.acquireTimeout = acquireTimeout
    let lease: Lease<PostgresConnection>
    if let free = leaseNow(shared: false, options, isScoped: true) {
      lease = free
    } else {
      lease = try await self.lease(shared: false, options, isScoped: true)
    }
    let connection = lease.resource
    let lent = connection.lent()
    let start = isTraced ? MonotonicInstant.now : nil
    defer {
      lent.takeBack()
      let isClean = connection.isClean
      if !isClean, connection.isOpen {
        logger.warning(
          "closing a connection that came back in the middle of its work, or with a client_encoding of its own",
          ["origin": .string("\(fileID):\(line)"), "pid": .integer(connection.processID)])
      }
      giveBack(lease, isSound: isClean, since: start)
    }
    do {
      // Unsafe only to the compiler: `body` lets go of its result, but what passes it on does not say so.
      nonisolated(unsafe) let result = try await LeaseScope.during { try await body(lent) }
      return result
    } catch {
      suspect(error, lease)
      throw error
    }
  }

  /// What is free at once. A call without suspension: a task that prefers an executor pays for each one.
  ///
  /// - Parameter isScoped: the running task holds the lease until it gives it back, and does nothing else meanwhile.
  private func leaseNow(
    shared: Bool, _ options: QueryOptions, isScoped: Bool = false
  ) -> Lease<PostgresConnection>? {
    let start = isTraced ? MonotonicInstant.now : nil
    let origin = origin(options, isScoped: isScoped)
    guard let lease = pool.leaseNow(shared: shared, origin) else { return nil }
    if let start { told(options, shared: shared, since: start, nil) }
    return noting(lease, origin)
  }

  /// What becomes free in time.
  private nonisolated(nonsending) func lease(
    shared: Bool, _ options: QueryOptions, isScoped: Bool = false
  ) async throws -> Lease<PostgresConnection> {
    let timeout = options.acquireTimeout ?? options.timeout.map { min($0, configuration.acquireTimeout) }
    let origin = origin(options, isScoped: isScoped)
    guard isTraced else {
      return noting(try await pool.lease(shared: shared, timeout: timeout, origin), origin)
    }
    let start = MonotonicInstant.now
    do {
      let lease = try await pool.lease(shared: shared, timeout: timeout, origin)
      told(options, shared: shared, since: start, nil)
      return noting(lease, origin)
    } catch {
      told(options, shared: shared, since: start, error)
      throw error
    }
  }

  private func origin(_ options: QueryOptions, isScoped: Bool) -> LeaseOrigin {
    LeaseOrigin(
      fileID: options.fileID, line: options.line, name: options.name, task: LeaseOrigin.currentTask, isScoped: isScoped)
  }

  /// Has the tracer know how long somebody waited for a connection.
  @inline(never)
  private func told(_ options: QueryOptions, shared: Bool, since start: MonotonicInstant, _ error: (any Error)?) {
    let trace = AcquireTrace(name: options.name, isShared: shared, fileID: options.fileID, line: options.line)
    tracer?.record(.acquireEnded(trace, duration: .now - start, error))
  }

  func giveBack(_ lease: Lease<PostgresConnection>, isSound: Bool, since start: MonotonicInstant? = nil) {
    if isTraced, let tracer {
      let held = start.map { .now - $0 } ?? .zero
      tracer.record(.released(processID: lease.resource.processID, isSound: isSound, held: held))
    }
    pool.release(lease, isSound: isSound)
  }

  /// One lost connection throws suspicion on all that were made before: after a failover none of them is any good.
  func suspect(_ error: any Error, _ lease: Lease<PostgresConnection>) {
    // What the body of a transaction throws may be of another server's: from another pool, or by postgres_fdw or dblink.
    guard !lease.resource.isOpen, let error = error as? PostgresError,
      [.connectionLost, .outcomeUnknown].contains(error.code) || error.sqlState?.isFailover == true
    else { return }
    logger.warning("connection lost", ["error": .string(error.message), "pid": .integer(lease.resource.processID)])
    guard error.sqlState?.isOfOneSession != true else { return }
    invalidate(since: lease)
  }

  private func invalidate(since lease: Lease<PostgresConnection>) {
    // First: whoever connects from now on asks the catalogue of the server that is there now.
    catalogue.forget()
    pool.invalidate(since: lease)
  }

  /// A task that takes a second connection while it holds one, itself or through a task it started, works until all are
  /// held by such tasks.
  private func noting(_ lease: Lease<PostgresConnection>, _ origin: LeaseOrigin) -> Lease<PostgresConnection> {
    guard lease.isNested else { return lease }
    let held = pool.outerOrigin(of: origin).map { "\($0)" } ?? ""
    // Once for each pair of places: a busy server would say it a thousand times a second.
    if nestings.withLock({ $0.insert("\(held) \(origin)").inserted }) {
      logger.warning(
        "a task takes a second connection while it, or the task that started it, holds one; under load such tasks wait "
          + "for each other",
        ["held_since": .string(held), "asked_at": .string("\(origin)")])
    }
    return lease
  }

  // MARK: Health

  /// A snapshot of sizes and counters.
  public func stat() -> PoolStatistics { pool.statistics() }

  /// Who holds a connection now, the longest holder first.
  public func holders() -> [LeaseHolder] { pool.holders() }

  /// A listing for a person who wants to know why acquires wait: the numbers, who holds, who waits, what failed.
  public func dump() -> PoolDump { pool.dump() }

  /// Why the last connection could not be made, while there is none.
  package var outage: (any Error)? { pool.outage }

  /// Closes the connections made so far, those in use when they come back. Listeners are told of a gap, and go on over a new
  /// one.
  public func reset() {
    catalogue.forget()
    pool.invalidate()
    listeners.reconnect()
  }

  /// Asks the server for a sign of life. Waits for no connection of the pool: when none is idle, it makes one of its own
  /// for the question.
  ///
  /// - Throws: ``PostgresError`` when the server does not answer in time.
  public func ping(timeout: Duration = .seconds(2)) async throws {
    if let outage = pool.outage { throw outage }
    let origin = LeaseOrigin(fileID: #fileID, line: #line)
    if pool.statistics().idle > 0, let lease = try? await pool.lease(shared: false, timeout: timeout / 4, origin) {
      defer { pool.release(lease, isSound: lease.resource.isClean) }
      try await lease.resource.ping(timeout)
    } else {
      try await pingApart(timeout)
    }
  }

  private func pingApart(_ timeout: Duration) async throws {
    var options = configuration.connect
    options.connectTimeout = timeout
    options.types = []
    try await configuration.hooks.beforeConnect?(&options)
    do {
      let connection = try await PostgresConnection.connect(options, loop: loop)
      try await connection.ping(timeout)
      await connection.close()
    } catch let error as PostgresError where error.sqlState == .tooManyConnections {
      // A refusal is a sign of life too.
    }
  }
}

extension PostgresConnection {
  /// Asks for a sign of life; a connection that gives none in time is closed.
  func ping(_ timeout: Duration) async throws {
    _ = try await run("SELECT 1", QueryOptions(name: "Ping"), patience: timeout)
  }
}

/// How many processors the process may use.
var processorCount: Int { ProcessInfo.processInfo.activeProcessorCount }
