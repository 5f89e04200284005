internal import Dispatch
public import EventLoop
internal import Glibc
internal import MonotonicTime
public import StructuredLogging
internal import Synchronization

/// One connection to a server.
///
/// Queries may be sent from any number of tasks: they are pipelined and answered in order, each on its own. A service
/// mostly wants a ``PostgresPool``; a connection by itself serves tools and what must stay on one session.
///
/// The caller's thread sends, under the connection's lock; the loop's thread reads and resumes the caller.
public final class PostgresConnection: PostgresClient {
  /// What there is of it once, to however many it is lent one after the other.
  private let core: ConnectionCore
  /// The time is over for which it was lent.
  private let isGivenBack = Atomic(false)
  /// Whether what it was lent for is run again if it loses against another transaction.
  let isRunAgain = Atomic(false)

  package var loop: EventLoop { core.loop }
  var tracer: (any QueryTracer)? { core.tracer }
  /// Whether there is a tracer: to look at it would be to copy it.
  var isTraced: Bool { core.isTraced }
  var catalogue: SharedTypeCatalogue { core.catalogue }
  var generation: Int { core.generation }
  /// How many transactions have ended here: what was kept of one shows by it that its time is over.
  var transactionsEnded: Int { core.transactionsEnded.load(ordering: .relaxed) }

  /// Where it is connected to.
  public var options: ConnectOptions { core.options }
  /// The server process that serves this connection, as `pg_stat_activity` names it.
  public var processID: Int32 { core.processID }
  /// The server's version as an integer: 150004 is 15.4.
  public var serverVersion: Int32 { core.serverVersion }

  /// The pause before a cancel request is repeated.
  static let cancelRetryDelay: Duration = .milliseconds(50)

  private init(_ core: ConnectionCore) { self.core = core }

  /// Connects.
  ///
  /// - Parameters:
  ///   - options: where to, as whom, and how long it may take.
  ///   - loop: the loop that waits for the server's answers.
  ///   - logger: gets the server's notices.
  ///   - tracer: is told of every query.
  ///   - onEnd: called once if the connection breaks by itself; not when it is closed.
  /// - Throws: ``PostgresError`` of code ``PostgresError/Code/connectionFailed``, or `CancellationError`.
  public static func connect(
    _ options: ConnectOptions, loop: EventLoop, logger: Logger = .none, tracer: (any QueryTracer)? = nil,
    onEnd: (@Sendable () -> Void)? = nil
  ) async throws -> PostgresConnection {
    try await tracer.connecting {
      try await connect(
        options, loop: loop, logger: logger, tracer: tracer, onEnd: onEnd, catalogue: SharedTypeCatalogue())
    }
  }

  static func connect(
    _ options: ConnectOptions, loop: EventLoop, logger: Logger, tracer: (any QueryTracer)?,
    onEnd: (@Sendable () -> Void)?, catalogue: SharedTypeCatalogue
  ) async throws -> PostgresConnection {
    let generation = catalogue.generation
    // libpq resolves names and does the cryptography of passwords in the caller's thread.
    let connection = try await offLoop { isCancelled throws(PostgresError) in
      try PostgresConnection(
        ConnectionCore(
          ConnectionHandle.connect(options, logger: logger, isCancelled: isCancelled), options, loop, tracer, onEnd,
          catalogue, generation))
    }
    try connection.startWatching()
    try await connection.loadRegisteredTypes()
    return connection
  }

  private func startWatching() throws(PostgresError) {
    do {
      try core.watch.withLock { watch in
        // Unless it broke before it was watched for.
        guard !watch.isClosed else { return }
        watch.registration = try loop.register(
          core.socket, .read, onStop: { [weak self] in self?.giveUp("its event loop was stopped") },
          { [weak self] in self?.socketIsReady($0) })
      }
    } catch {
      throw PostgresError(.connectionFailed, "cannot watch the connection: \(error)")
    }
  }

  // MARK: Lending

  /// The same connection, for whoever it is lent to.
  func lent() -> PostgresConnection { PostgresConnection(core) }

  /// Whoever kept what ``lent()`` has made gets errors from now on: the connection is somebody else's.
  func takeBack() { isGivenBack.store(true, ordering: .relaxed) }

  func checkItIsLent(_ caller: QueryCaller? = nil) throws(PostgresError) {
    guard isGivenBack.load(ordering: .relaxed) else { return }
    throw PostgresError.leaseIsOver.of(caller)
  }

  /// A transaction on it has ended.
  func endTransaction() { core.transactionsEnded.add(1, ordering: .relaxed) }

  // MARK: Queries

  /// Runs one statement; see ``PostgresClient/query(_:options:)``.
  public nonisolated(nonsending) func query(_ sql: SQL, options: QueryOptions) async throws -> PostgresResult {
    try checkItIsLent(options.caller)
    return try await run(sql, options)
  }

  /// - Parameter patience: Without an answer by then the connection is closed: for what is answered at once or never, once
  ///   what stands before it is.
  @inline(__always)
  nonisolated(nonsending) func run(
    _ sql: SQL, _ options: QueryOptions = QueryOptions(), isCancellable: Bool = true, patience: Duration? = nil,
    onDone: (@Sendable (Bool) -> Void)? = nil
  ) async throws -> PostgresResult {
    let trace = trace(.query, sql, options.name)
    var request = ConnectionRequest(.statement(sql), onDone: onDone)
    let watchdog = patience.map { watch(over: request, $0) }
    defer { watchdog?.cancel() }
    do {
      do {
        try await perform(request, timeout: options.timeout, isCancellable: isCancellable)
      } catch let error as PostgresError where error.unknownType != nil {
        request = try await performLearning(error, sql, options, isCancellable: isCancellable, onDone)
      }
      // A statement that is done without an error has a result.
      guard let handle = request.result else { throw PostgresError(.unsupported, "the server sent no result") }
      let result = PostgresResult(handle: handle, sql: sql.text, caller: options.caller)
      trace?.end(.success(result.rowsAffected), prepared: request.wasPrepared)
      return result
    } catch {
      let named = (error as? PostgresError)?.of(sql, options.caller) ?? error
      trace?.end(.failure(named), prepared: request.wasPrepared)
      throw named
    }
  }

  /// Tells the tracer, if there is one, that something is about to be sent.
  func trace(_ operation: QueryTrace.Operation, _ sql: @autoclosure () -> SQL, _ name: String?) -> QueryTrace? {
    guard isTraced, let tracer else { return nil }
    return QueryTrace.started(
      tracer, operation, sql(), name, processID, isRunAgain: isRunAgain.load(ordering: .relaxed))
  }

  /// Runs a text of any number of statements without parameters, by the simple protocol: as one transaction, unless
  /// the text says otherwise. Rows are dropped.
  ///
  /// - Throws: ``PostgresError`` whose position counts from the text's beginning.
  public func script(_ text: String, name: String? = nil, timeout: Duration? = nil) async throws {
    try await run(script: text, ConnectionRequest(.script(text)), name, timeout)
  }

  /// Runs a script, and returns the one value of its last query, as text.
  package func scriptValue(_ text: String, name: String? = nil) async throws -> String? {
    let request = ConnectionRequest(.script(text))
    request.keepsRows = true
    try await run(script: text, request, name, nil)
    guard let result = request.result, result.rowCount == 1, result.columnCount == 1 else { return nil }
    return result.text(0, 0)
  }

  private func run(
    script text: String, _ request: ConnectionRequest, _ name: String?, _ timeout: Duration?
  ) async throws {
    try checkItIsLent()
    let trace = trace(.script, SQL(unchecked: text), name)
    do {
      try await perform(request, timeout: timeout)
      trace?.end(.success(0))
    } catch {
      let named =
        (error as? PostgresError)?.of(
          text, name.map { QueryCaller(name: $0, fileID: #fileID, line: #line) }) ?? error
      trace?.end(.failure(named))
      throw named
    }
  }

  /// This connection itself; see ``PostgresClient/checkOut(_:)``.
  public nonisolated(nonsending) func checkOut(_ options: QueryOptions) async throws -> PostgresCheckout {
    try checkItIsLent(options.caller)
    return PostgresCheckout(self)
  }

  /// Has a request sent, with others that share its waiter, and waits until the server is done with all.
  @inline(__always)
  nonisolated(nonsending) func perform(
    _ request: ConnectionRequest, with others: [ConnectionRequest] = [], timeout: Duration?, isCancellable: Bool = true
  ) async throws {
    guard isCancellable else { return try await submit(request, others) }
    let timer = timeout.map { limit in schedule(limit, request) }
    defer { timer?.cancel() }
    try await withTaskCancellationHandler {
      try await submit(request, others)
    } onCancel: {
      abort(request, .cancelled)
    }
  }

  @inline(__always)
  private nonisolated(nonsending) func submit(_ request: ConnectionRequest, _ others: [ConnectionRequest]) async throws
  {
    func submit(_ continuation: ConnectionRequest.Continuation) {
      // What other tasks on the loop are about to send goes with it.
      let corked = ConnectionHandle.canCork && loop.hasMoreWork
      act { session, deliveries in
        session.submit(request, with: others, continuation, corked: corked, &deliveries)
      }
    }
    #if DEBUG
      try await withCheckedThrowingContinuation(submit)
    #else
      try await withUnsafeThrowingContinuation(submit)
    #endif
  }

  /// Has a request given up when its time is over.
  func schedule(_ limit: Duration, _ request: ConnectionRequest) -> EventLoop.Timer {
    loop.schedule(after: limit) { [weak self] in self?.abort(request, .timedOut(limit)) }
  }

  /// Gives a request up, whether it was sent or not; at the server too, unless others share the connection that were not
  /// given up.
  func abort(_ request: ConnectionRequest, _ reason: ConnectionRequest.Abort) {
    act { session, deliveries in session.abort(request, reason, &deliveries) }
  }

  /// The reader of a stream or of a COPY wants no more.
  func stop(_ request: ConnectionRequest) {
    act { session, deliveries in session.stop(request, &deliveries) }
  }

  // MARK: Cancelling

  /// Asks the server to cancel the request, again and again while it runs; gives the connection up when that does
  /// not help.
  private func cancel(_ request: ConnectionRequest, since start: MonotonicInstant = .now) {
    guard MonotonicInstant.now - start < options.cancelTimeout else {
      giveUp("the server did not act on a cancel request", waitingFor: request)
      return
    }
    // Also ends a cancel request that itself hangs.
    let watchdog = giveUp(after: options.cancelTimeout, "a cancel request was not answered", waitingFor: request)
    onBlockingThread { [self] in
      core.cancelHandle.send()
      watchdog.cancel()
      let isStillRunning = act { session, deliveries in session.cancelSent(request, &deliveries) }
      guard isStillRunning else { return }
      loop.schedule(after: Self.cancelRetryDelay) { [weak self] in
        guard let self, act({ session, _ in session.cancelAgain(request) }) else { return }
        cancel(request, since: start)
      }
    }
  }

  // MARK: Ending

  /// Whether it can still be used.
  public var isOpen: Bool { !isGivenBack.load(ordering: .relaxed) && core.session.withLock { $0.failure == nil } }

  /// Open, quiet and outside any transaction: fit for the next user.
  var isClean: Bool {
    core.session.withLock { $0.isSound && $0.isQuiet && $0.transactionStatus == .idle }
  }

  var transactionStatus: TransactionStatus { core.session.withLock { $0.transactionStatus } }

  /// No transaction is open, and the last one was rolled back.
  var wasRolledBack: Bool {
    core.session.withLock { $0.isQuiet && $0.transactionStatus == .idle && $0.lastOutcome == .undone }
  }

  /// Whether a transaction is open, failed or not.
  package var isInTransaction: Bool { transactionStatus.isInTransaction }

  /// Whether a backslash in a plain string is but a backslash to the server, as the SQL standard has it.
  package var readsStandardStrings: Bool {
    core.session.withLock { $0.handle?.setting("standard_conforming_strings") == "on" }
  }

  /// Closes the connection. What is under way fails with ``PostgresError/Code/closed``; a second call does
  /// nothing, nor does one by who kept the connection longer than it was lent.
  public func close() async {
    guard !isGivenBack.load(ordering: .relaxed) else { return }
    core.stopWatching()
    act { session, deliveries in session.close(PostgresError(.closed, "the connection is closed"), &deliveries) }
  }

  /// Closes the connection as if it had broken by itself.
  func giveUp(_ reason: String) { end(.givenUp(reason)) }

  /// Closes a connection that does not answer, as if it had broken by itself; not one that has answered meanwhile, since
  /// somebody else may have it by now.
  private func giveUp(_ reason: String, waitingFor request: ConnectionRequest) {
    let error = PostgresError.givenUp(reason)
    if core.session.withLock({ $0.fail(error, unlessOver: request) }) { end(error) }
  }

  private func giveUp(
    after limit: Duration, _ reason: String, waitingFor request: ConnectionRequest
  ) -> EventLoop.Timer {
    loop.schedule(after: limit) { [weak self] in self?.giveUp(reason, waitingFor: request) }
  }

  /// Closes the connection if a request has no answer by then. What stands before it has a time of its own, or as long as
  /// it takes: a stream that was left early in a transaction, say, whose rest is read first.
  private func watch(over request: ConnectionRequest, _ patience: Duration) -> EventLoop.Timer {
    loop.schedule(after: patience) { [weak self] in
      guard let self else { return }
      if core.session.withLock({ $0.isBehindOthers(request) }) {
        _ = watch(over: request, patience)
      } else {
        giveUp("no answer within \(patience.logText)", waitingFor: request)
      }
    }
  }

  private func end(_ error: PostgresError) {
    let isFirst = core.stopWatching()
    act { session, deliveries in session.close(error, &deliveries) }
    if isFirst { core.onEnd?() }
  }

  // MARK: The session

  /// Lets the session decide, and tells those concerned after the lock is released.
  @discardableResult
  func act<Result: Sendable>(_ event: (inout ConnectionSession, inout Deliveries) -> Result) -> Result {
    var deliveries = Deliveries()
    let (result, interest, hasFailed) = core.session.withLock { session in
      let result = event(&session, &deliveries)
      return (result, session.interest, session.failure != nil)
    }
    if interest != core.watched.load(ordering: .relaxed) { updateInterest() }
    // First, so that what a statement told of is in the log when its caller goes on.
    core.notices.deliver()
    deliveries.deliver()
    if let cancelled = deliveries.cancelled { cancel(cancelled) }
    if deliveries.corks {
      loop.execute { [self] in act { session, _ in session.uncork() } }
    }
    if hasFailed, let failure = core.session.withLock({ $0.failure }), core.watch.withLock({ !$0.isClosed }) {
      end(failure)
    }
    return result
  }

  private func socketIsReady(_ readiness: Readiness) {
    let notifications = act { session, deliveries in
      session.pump(readiness, &deliveries)
      return session.takeNotifications()
    }
    guard !notifications.isEmpty, let onNotification = core.onNotification.withLock({ $0 }) else { return }
    onNotification(notifications)
  }

  /// Has the loop watch for what the session waits for now. Of two threads that come here with news the second may be
  /// overtaken by the first: hence the last look.
  private func updateInterest() {
    core.watch.withLock { watch in
      var interest: UInt8
      repeat {
        interest = core.session.withLock { $0.interest }
        core.watched.store(interest, ordering: .relaxed)
        // Fails only for a socket that is gone, and then nobody waits for it.
        try? watch.registration?.update(Interest(rawValue: interest))
      } while interest != core.session.withLock { $0.interest }
    }
  }

  // MARK: Notifications

  /// Has somebody told of what comes to the channels that this session listens to. On the loop's thread.
  func setNotificationHandler(_ handler: (@Sendable ([PostgresNotification]) -> Void)?) {
    core.onNotification.withLock { $0 = handler }
  }
}
