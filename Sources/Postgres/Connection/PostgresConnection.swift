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
  let core: ConnectionCore
  /// Whose connection this one is for a while; nil in the one that was connected.
  private let lender: PostgresConnection?
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

  private init(_ core: ConnectionCore, of lender: PostgresConnection? = nil) {
    self.core = core
    self.lender = lender
  }

  // A connection that nobody closed. What is still being cancelled on it keeps it no longer.
  deinit {
    guard lender == nil, core.stopWatching() else { return }
    core.act { session, deliveries in session.close(PostgresError(.closed, "the connection is closed"), &deliveries) }
  }

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
    try connection.core.startWatching()
    try await connection.loadRegisteredTypes()
    return connection
  }

  // MARK: Lending

  /// The same connection, for whoever it is lent to.
  func lent() -> PostgresConnection { PostgresConnection(core, of: self) }

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

  /// Runs one statement and reads its rows as they come; see ``PostgresClient/query(_:options:each:)``.
  public nonisolated(nonsending) func query(
    _ sql: SQL, options: QueryOptions, each read: (PostgresResult) throws -> Void
  ) async throws {
    try checkItIsLent(options.caller)
    var reading = Reading()
    let rest = try await run(sql, options, readsAhead: true) { rows in reading.goOn(rows, read) }
    try reading.end(rest, read)
  }

  /// - Parameters:
  ///   - waited: how much of the time-out is gone.
  ///   - isCommit: A rollback for an answer is an error.
  ///   - patience: Without an answer by then the connection is closed: for what is answered at once or never, once what
  ///     stands before it is.
  ///   - readsAhead: Rows of a long answer are read while more of them come; what is returned has the rest.
  @inline(__always)
  nonisolated(nonsending) func run(
    _ sql: SQL, _ options: QueryOptions = QueryOptions(), waited: Duration = .zero, isCancellable: Bool = true,
    isCommit: Bool = false, patience: Duration? = nil, onDone: (@Sendable (Bool) -> Void)? = nil,
    readsAhead: Bool = false, _ read: (PostgresResult) -> Void = { _ in }
  ) async throws -> PostgresResult {
    let trace = trace(.query, sql, options.name)
    var request = ConnectionRequest(.statement(sql), onDone: onDone)
    request.readsAhead = readsAhead
    let watchdog = patience.map { core.watch(over: request, $0) }
    defer { watchdog?.cancel() }
    do {
      do {
        try await perform(request, timeout: options.rest(after: waited), isCancellable: isCancellable)
      } catch let error as PostgresError where error.unknownType != nil {
        request = try await performLearning(
          error, sql, options.after(waited), isCancellable: isCancellable, onDone)
      }
      if request.hasBegun { try await readOn(request, options.caller, read) }
      // A statement that is done without an error has a result.
      guard let handle = request.result else { throw PostgresError(.unsupported, "the server sent no result") }
      if isCommit, handle.transactionOutcome == .undone { throw PostgresError.undoneAtCommit }
      let result = PostgresResult(handle: handle, sql: request.text, caller: options.caller)
      trace?.end(.success(request.rowsAffected), prepared: request.wasPrepared)
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
    let timer = timeout.map { limit in core.schedule(limit, request) }
    defer { if request.hasBegun { request.timer = timer } else { timer?.cancel() } }
    try await _unsafeInheritExecutor_withTaskCancellationHandler {
      try await submit(request, others)
    } onCancel: {
      core.abort(request, .cancelled)
    }
  }

  /// Has rows read as they come, until all have.
  @inline(never)
  private nonisolated(nonsending) func readOn(
    _ request: ConnectionRequest, _ caller: QueryCaller, _ read: (PostgresResult) -> Void
  ) async throws {
    defer { request.timer?.cancel() }
    while true {
      // Where there is always more, nobody waits who could be told.
      if Task.isCancelled { core.abort(request, .cancelled) }
      switch act({ session, deliveries in session.take(request, &deliveries) }) {
      case .rows(let chunks):
        for rows in chunks { read(PostgresResult(handle: rows, sql: request.text, caller: caller)) }
      case .nothing: await awaitFlow(of: request)
      case .failed(let error): throw error
      case .end, .bytes: return
      }
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

  /// The reader of a stream or of a COPY wants no more.
  func stop(_ request: ConnectionRequest) {
    act { session, deliveries in session.stop(request, &deliveries) }
  }

  // MARK: Ending

  /// Whether it can still be used.
  public var isOpen: Bool { !isGivenBack.load(ordering: .relaxed) && core.session.withLock { $0.failure == nil } }

  /// Open, quiet and outside any transaction: fit for the next user.
  var isClean: Bool {
    core.session.withLock { $0.isSound && $0.isQuiet && $0.transactionStatus == .idle }
  }

  var transactionStatus: TransactionStatus { core.session.withLock { $0.transactionStatus } }

  /// How many transactions a statement has rolled back.
  var rollbackCount: Int { core.session.withLock { $0.rollbackCount } }

  /// Whether a transaction was rolled back that began when there had been so many rollbacks; whatever was begun since.
  func wasRolledBack(since count: Int) -> Bool {
    core.session.withLock { session in
      if session.isQuiet, session.transactionStatus == .idle, session.lastOutcome == .undone { return true }
      return session.rollbackCount != count
    }
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
  func giveUp(_ reason: String) { core.giveUp(reason) }

  /// Lets the session decide, and tells those concerned after the lock is released.
  @discardableResult
  @inline(__always)
  func act<Result: Sendable>(_ event: (inout ConnectionSession, inout Deliveries) -> Result) -> Result {
    core.act(event)
  }

  // MARK: Notifications

  /// Has somebody told of what comes to the channels that this session listens to. On the loop's thread.
  func setNotificationHandler(_ handler: (@Sendable ([PostgresNotification]) -> Void)?) {
    core.onNotification.withLock { $0 = handler }
  }
}
