internal import Dispatch
public import EventLoop
public import StructuredLogging
internal import Synchronization

/// One connection to a server.
///
/// Queries may be sent from any number of tasks: they are pipelined and answered in order, each on its own. A service
/// mostly wants a ``PostgresPool``; a connection by itself serves tools and what must stay on one session.
///
/// The caller's thread sends, under the connection's lock; the loop's thread reads and resumes the caller.
public final class PostgresConnection: PostgresClient {
  private let session: Mutex<ConnectionSession>
  private let cancelHandle: CancelHandle
  private let notices: NoticeReceiver
  let loop: EventLoop
  private let socket: Int32
  private let watch = Mutex<Watch>(Watch())
  private let tracer: (any QueryTracer)?
  private let onEnd: (@Sendable () -> Void)?

  /// Where it is connected to.
  public let options: ConnectOptions
  /// The server process that serves this connection, as `pg_stat_activity` names it.
  public let processID: Int32
  /// The server's version as an integer: 150004 is 15.4.
  public let serverVersion: Int32

  /// How long the server has to act on a cancel request, before the connection is given up.
  static let cancelTimeout: Duration = .seconds(5)
  /// The pause before a cancel request is repeated.
  static let cancelRetryDelay: Duration = .milliseconds(50)

  private struct Watch {
    var registration: Registration?
    var isWriting = false
    var isClosed = false
  }

  private init(
    _ handle: consuming ConnectionHandle, _ options: ConnectOptions, _ loop: EventLoop, _ tracer: (any QueryTracer)?,
    _ onEnd: (@Sendable () -> Void)?
  ) throws(PostgresError) {
    self.options = options
    self.loop = loop
    self.tracer = tracer
    self.onEnd = onEnd
    cancelHandle = try handle.makeCancelHandle()
    notices = handle.notices
    processID = handle.processID
    serverVersion = handle.serverVersion
    socket = handle.socket
    session = Mutex(ConnectionSession(handle))
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
    try await connect(
      options, loop: loop, logger: logger, tracer: tracer, onEnd: onEnd, catalogue: SharedTypeCatalogue())
  }

  static func connect(
    _ options: ConnectOptions, loop: EventLoop, logger: Logger, tracer: (any QueryTracer)?,
    onEnd: (@Sendable () -> Void)?, catalogue: SharedTypeCatalogue
  ) async throws -> PostgresConnection {
    // libpq resolves names and does the cryptography of passwords in the caller's thread.
    let connection = try await offLoop { isCancelled throws(PostgresError) in
      try PostgresConnection(
        ConnectionHandle.connect(options, logger: logger, isCancelled: isCancelled), options, loop, tracer, onEnd)
    }
    try connection.startWatching()
    try await connection.loadTypes(catalogue)
    return connection
  }

  private func loadTypes(_ catalogue: SharedTypeCatalogue) async throws {
    guard !options.types.isEmpty else { return }
    do {
      let types = try await catalogue.value(options.types, on: self)
      session.withLock { $0.use(types) }
    } catch {
      await close()
      throw error
    }
  }

  private func startWatching() throws {
    let registration = try loop.register(socket, .read) { [weak self] _ in self?.socketIsReady() }
    let isClosed = watch.withLock { watch in
      if !watch.isClosed { watch.registration = registration }
      return watch.isClosed
    }
    // It broke before it was watched for.
    if isClosed { registration.cancel() }
  }

  // A connection that nobody closed: its descriptor is about to be, and the loop must forget it first.
  deinit { stopWatching() }

  // MARK: Queries

  /// Runs one statement; see ``PostgresClient/query(_:name:)``.
  public func query(_ sql: SQL, name: String?) async throws -> PostgresResult {
    try await query(sql, name: name, isCancellable: true)
  }

  func query(
    _ sql: SQL, name: String?, isCancellable: Bool = true, onDone: (@Sendable (Bool) -> Void)? = nil
  ) async throws -> PostgresResult {
    let trace = tracer.map { QueryTrace.started($0, .query, sql, name, processID) }
    do {
      let handle = try await send(.statement(sql), isCancellable: isCancellable, onDone: onDone)
      let result = PostgresResult(handle: handle, sql: sql.text, name: name)
      trace?.end(.success(result.rowsAffected))
      return result
    } catch {
      let named = (error as? PostgresError)?.of(sql.text, name) ?? error
      trace?.end(.failure(named))
      throw named
    }
  }

  /// Runs a text of any number of statements without parameters, by the simple protocol: as one transaction, unless
  /// the text says otherwise. Rows are dropped.
  ///
  /// - Throws: ``PostgresError`` whose position counts from the text's beginning.
  public func script(_ text: String, name: String? = nil) async throws {
    let trace = tracer.map { QueryTrace.started($0, .script, SQL(unchecked: text), name, processID) }
    do {
      _ = try await send(.script(text), isCancellable: true, onDone: nil)
      trace?.end(.success(0))
    } catch {
      let named = (error as? PostgresError)?.of(text, name) ?? error
      trace?.end(.failure(named))
      throw named
    }
  }

  private func send(
    _ kind: ConnectionSession.Request.Kind, isCancellable: Bool, onDone: (@Sendable (Bool) -> Void)?
  ) async throws -> ResultHandle {
    guard isCancellable else {
      return try await withCheckedThrowingContinuation { continuation in
        act { session, completions in _ = session.submit(kind, continuation, onDone: onDone, &completions) }
      }
    }
    // Read and written under the session's lock only.
    let ticket = Mutex(Ticket.notSent)
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let isCancelled = act { session, completions in
          ticket.withLock { ticket in
            if case .cancelled = ticket { return true }
            ticket = .sent(session.submit(kind, continuation, onDone: onDone, &completions))
            return false
          }
        }
        if isCancelled {
          onDone?(true)
          continuation.resume(throwing: CancellationError())
        }
      }
    } onCancel: {
      let decision = act { session, completions -> (id: UInt64, decision: ConnectionSession.CancelDecision)? in
        ticket.withLock { ticket in
          guard case .sent(let id) = ticket else {
            ticket = .cancelled
            return nil
          }
          return (id, session.cancelRequest(id, &completions))
        }
      }
      if let decision, case .send = decision.decision { cancel(decision.id) }
    }
  }

  private enum Ticket {
    case notSent
    case sent(UInt64)
    case cancelled
  }

  // MARK: Cancelling

  /// Asks the server to cancel the request, again and again while it runs; gives the connection up when that does
  /// not help.
  private func cancel(_ id: UInt64, since start: ContinuousClock.Instant = .now) {
    guard ContinuousClock.now - start < Self.cancelTimeout else {
      giveUp("the server did not act on a cancel request")
      return
    }
    // Also ends a cancel request that itself hangs.
    let watchdog = loop.schedule(after: Self.cancelTimeout) { [weak self] in
      self?.giveUp("a cancel request was not answered")
    }
    blockingQueue.async { [self] in
      cancelHandle.send()
      watchdog.cancel()
      let isStillRunning = act { session, completions in session.cancelSent(id, &completions) }
      guard isStillRunning else { return }
      loop.schedule(after: Self.cancelRetryDelay) { [weak self] in
        guard let self, act({ session, _ in session.cancelAgain(id) }) else { return }
        cancel(id, since: start)
      }
    }
  }

  // MARK: Ending

  /// Whether it can still be used.
  public var isOpen: Bool { session.withLock { $0.failure == nil } }

  /// Open, quiet and outside any transaction: fit for the next user.
  var isClean: Bool {
    session.withLock { $0.failure == nil && $0.isQuiet && $0.transactionStatus == .idle }
  }

  var transactionStatus: TransactionStatus { session.withLock { $0.transactionStatus } }

  /// Closes the connection. What is under way fails with ``PostgresError/Code/closed``; a second call does nothing.
  public func close() async {
    stopWatching()
    act { session, completions in session.close(PostgresError(.closed, "the connection is closed"), &completions) }
  }

  /// Closes a connection that does not answer, as if it had broken by itself.
  func giveUp(_ reason: String) {
    end(PostgresError(.connectionLost, "connection given up: \(reason)"))
  }

  private func end(_ error: PostgresError) {
    let isFirst = stopWatching()
    act { session, completions in session.close(error, &completions) }
    if isFirst { onEnd?() }
  }

  @discardableResult
  private func stopWatching() -> Bool {
    watch.withLock { watch in
      defer { watch.isClosed = true }
      // Before the session closes the socket: its number may be another's a moment later.
      watch.registration?.cancel()
      watch.registration = nil
      return !watch.isClosed
    }
  }

  // MARK: The session

  /// Lets the session decide, and tells those concerned after the lock is released.
  @discardableResult
  private func act<Result: Sendable>(
    _ event: (inout ConnectionSession, inout [ConnectionSession.Completion]) -> Result
  ) -> Result {
    var completions: [ConnectionSession.Completion] = []
    let (result, wantsWrite, failure) = session.withLock { session in
      let result = event(&session, &completions)
      return (result, session.wantsWrite, session.failure)
    }
    for completion in completions { completion.deliver() }
    notices.deliver()
    if wantsWrite { watchForWriting() }
    if let failure, watch.withLock({ !$0.isClosed }) { end(failure) }
    return result
  }

  private func socketIsReady() {
    act { session, completions in session.pump(&completions) }
    watch.withLock { watch in
      guard watch.isWriting, !session.withLock({ $0.wantsWrite }) else { return }
      watch.isWriting = false
      // Fails only for a socket that is gone, and then nobody waits for it.
      try? watch.registration?.update(.read)
    }
  }

  private func watchForWriting() {
    watch.withLock { watch in
      guard !watch.isWriting else { return }
      watch.isWriting = true
      try? watch.registration?.update([.read, .write])
    }
  }
}
