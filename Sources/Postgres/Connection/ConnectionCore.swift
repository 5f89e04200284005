internal import EventLoop
internal import Glibc
internal import MonotonicTime
internal import StructuredLogging
internal import Synchronization

/// What makes up a connection: its session behind a lock, its socket, and what never changes about it.
///
/// The loop holds it for as long as the socket is watched; whoever uses it has a ``PostgresConnection``.
final class ConnectionCore: Sendable {
  let session: Mutex<ConnectionSession>
  let cancelHandle: CancelHandle
  let notices: NoticeReceiver
  let loop: EventLoop
  /// A descriptor of our own for libpq's socket: libpq closes its own by itself when the connection breaks, and the
  /// number may be another connection's by the time the loop is told to forget it.
  let socket: Int32
  let watch = Mutex<Watch>(Watch())
  /// What the loop watches for.
  let watched = Atomic<UInt8>(Interest.read.rawValue)
  let onNotification = Mutex<(@Sendable ([PostgresNotification]) -> Void)?>(nil)
  let tracer: (any QueryTracer)?
  let isTraced: Bool
  let onEnd: (@Sendable () -> Void)?
  /// Of the pool, or its own.
  let catalogue: SharedTypeCatalogue
  /// That of the catalogue when it was about to connect.
  let generation: Int
  let transactionsEnded = Atomic<Int>(0)
  let options: ConnectOptions
  let processID: Int32
  let serverVersion: Int32

  /// The pause before a cancel request is repeated.
  private static let cancelRetryDelay: Duration = .milliseconds(50)

  struct Watch {
    var registration: Registration?
    var isClosed = false
  }

  init(
    _ handle: consuming ConnectionHandle, _ options: ConnectOptions, _ loop: EventLoop, _ tracer: (any QueryTracer)?,
    _ onEnd: (@Sendable () -> Void)?, _ catalogue: SharedTypeCatalogue, _ generation: Int
  ) throws(PostgresError) {
    self.options = options
    self.catalogue = catalogue
    self.generation = generation
    self.loop = loop
    self.tracer = tracer
    isTraced = tracer != nil
    self.onEnd = onEnd
    cancelHandle = try handle.makeCancelHandle()
    notices = handle.notices
    processID = handle.processID
    serverVersion = handle.serverVersion
    socket = try handle.duplicateSocket()
    session = Mutex(ConnectionSession(handle, options.statementCacheMode))
  }

  // MARK: Watching the socket

  func startWatching() throws(PostgresError) {
    do {
      try watch.withLock { watch in
        // Unless it broke before it was watched for.
        guard !watch.isClosed else { return }
        watch.registration = try loop.register(
          socket, .read, onStop: { [self] in giveUp("its event loop was stopped") },
          { [self] in socketIsReady($0) })
      }
    } catch {
      throw PostgresError(.connectionFailed, "cannot watch the connection: \(error)")
    }
  }

  /// - Returns: Whether it was watched until now.
  @discardableResult
  func stopWatching() -> Bool {
    watch.withLock { watch in
      defer { watch.isClosed = true }
      guard !watch.isClosed else { return false }
      watch.registration?.cancel()
      watch.registration = nil
      Glibc.close(socket)
      return true
    }
  }

  private func socketIsReady(_ readiness: Readiness) {
    let notifications = act { session, deliveries in
      session.pump(readiness, &deliveries)
      return session.takeNotifications()
    }
    guard !notifications.isEmpty, let onNotification = onNotification.withLock({ $0 }) else { return }
    onNotification(notifications)
  }

  /// Has the loop watch for what the session waits for now. Of two threads that come here with news the second may be
  /// overtaken by the first: hence the last look.
  private func updateInterest() {
    watch.withLock { watch in
      var interest: UInt8
      repeat {
        interest = session.withLock { $0.interest }
        watched.store(interest, ordering: .relaxed)
        // Fails only for a socket that is gone, and then nobody waits for it.
        try? watch.registration?.update(Interest(rawValue: interest))
      } while interest != session.withLock { $0.interest }
    }
  }

  // MARK: The session

  /// Lets the session decide, and tells those concerned after the lock is released.
  @discardableResult
  func act<Result: Sendable>(_ event: (inout ConnectionSession, inout Deliveries) -> Result) -> Result {
    var deliveries = Deliveries()
    let (result, interest, hasFailed) = session.withLock { session in
      let result = event(&session, &deliveries)
      return (result, session.interest, session.failure != nil)
    }
    if interest != watched.load(ordering: .relaxed) { updateInterest() }
    // First, so that what a statement told of is in the log when its caller goes on.
    notices.deliver()
    deliveries.deliver()
    if let cancelled = deliveries.cancelled { cancel(cancelled) }
    if deliveries.corks {
      loop.execute { [self] in act { session, _ in session.uncork() } }
    }
    if hasFailed, let failure = session.withLock({ $0.failure }), watch.withLock({ !$0.isClosed }) {
      end(failure)
    }
    return result
  }

  // MARK: Giving up

  /// Has a request given up when its time is over.
  func schedule(_ limit: Duration, _ request: ConnectionRequest) -> EventLoop.Timer {
    loop.schedule(after: limit) { [self] in abort(request, .timedOut(limit)) }
  }

  /// Gives a request up, whether it was sent or not; at the server too, unless others share the connection that were not
  /// given up.
  func abort(_ request: ConnectionRequest, _ reason: ConnectionRequest.Abort) {
    act { session, deliveries in session.abort(request, reason, &deliveries) }
  }

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
      cancelHandle.send()
      watchdog.cancel()
      let isStillRunning = act { session, deliveries in session.cancelSent(request, &deliveries) }
      guard isStillRunning else { return }
      loop.schedule(after: Self.cancelRetryDelay) { [self] in
        guard act({ session, _ in session.cancelAgain(request) }) else { return }
        cancel(request, since: start)
      }
    }
  }

  /// Closes the connection as if it had broken by itself.
  func giveUp(_ reason: String) { end(.givenUp(reason)) }

  /// Closes a connection that does not answer, as if it had broken by itself; not one that has answered meanwhile, since
  /// somebody else may have it by now.
  private func giveUp(_ reason: String, waitingFor request: ConnectionRequest) {
    let error = PostgresError.givenUp(reason)
    if session.withLock({ $0.fail(error, unlessOver: request) }) { end(error) }
  }

  private func giveUp(
    after limit: Duration, _ reason: String, waitingFor request: ConnectionRequest
  ) -> EventLoop.Timer {
    loop.schedule(after: limit) { [self] in giveUp(reason, waitingFor: request) }
  }

  /// Closes the connection if a request has no answer by then. What stands before it has a time of its own, or as long as
  /// it takes: a stream that was left early in a transaction, say, whose rest is read first.
  func watch(over request: ConnectionRequest, _ patience: Duration) -> EventLoop.Timer {
    loop.schedule(after: patience) { [self] in
      if session.withLock({ $0.isBehindOthers(request) }) {
        _ = watch(over: request, patience)
      } else {
        giveUp("no answer within \(patience.logText)", waitingFor: request)
      }
    }
  }

  private func end(_ error: PostgresError) {
    let isFirst = stopWatching()
    act { session, deliveries in session.close(error, &deliveries) }
    if isFirst { onEnd?() }
  }
}
