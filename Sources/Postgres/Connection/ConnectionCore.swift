internal import EventLoop
internal import Glibc
internal import Synchronization

/// What makes up a connection: its session behind a lock, its socket, and what never changes about it.
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

  // A connection that nobody closed.
  deinit { stopWatching() }

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
}
