internal import EventLoop
internal import StructuredLogging
internal import Synchronization

/// What comes on channels of `NOTIFY`, for as long as the loop over it runs:
///
/// ```swift
/// for try await event in pool.listen(to: "orders") {
///   switch event {
///   case .listening, .gap: await orders.reload()
///   case .notification(let notification): await orders.changed(notification.payload)
///   }
/// }
/// ```
///
/// It has a connection of its own, beside the pool's. When that is lost it connects again, for as long as it takes, and
/// tells of the gap: what was sent meanwhile is lost, as the server keeps it for nobody.
public struct PostgresListener: AsyncSequence, Sendable {
  /// What a listener is told.
  public enum Element: Sendable, Equatable {
    /// The first event: from here on everything that is sent arrives.
    case listening
    /// Somebody sent something.
    case notification(PostgresNotification)
    /// Something may have been missed: the connection was lost and is there again, or the reader was so slow that
    /// notifications had to be dropped.
    case gap
  }

  /// Notifications kept for a reader that is slow; beyond that the oldest are dropped, and the reader is told.
  public static let bufferSize = 10_000
  /// How often the server is asked for a sign of life.
  static let pingPeriod: Duration = .seconds(30)

  private let channels: [String]
  private let options: ConnectOptions
  private let loop: EventLoop
  private let logger: Logger
  private let tracer: (any QueryTracer)?
  private let beforeConnect: (@Sendable (inout ConnectOptions) async throws -> Void)?

  init(
    _ channels: [String], _ options: ConnectOptions, _ loop: EventLoop, _ logger: Logger, _ tracer: (any QueryTracer)?,
    beforeConnect: (@Sendable (inout ConnectOptions) async throws -> Void)?
  ) {
    self.beforeConnect = beforeConnect
    self.channels = channels
    self.options = options
    self.loop = loop
    self.logger = logger
    self.tracer = tracer
  }

  /// Connects when the first event is asked for.
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(listener: self) }

  /// Where a loop over the events stands.
  public struct AsyncIterator: AsyncIteratorProtocol {
    fileprivate let listener: PostgresListener
    fileprivate var connection: ListenerConnection?
    fileprivate var hasListened = false

    fileprivate init(listener: PostgresListener) { self.listener = listener }

    /// The next event. Never nil: the sequence ends with the task's cancellation or an error.
    ///
    /// - Throws: ``PostgresError`` when the first connection cannot be made, or when a later one is refused for good
    ///   (a changed password, say); `CancellationError`.
    public mutating func next() async throws -> Element? {
      if let event = try await connection?.next() { return event }
      connection = nil
      connection = try await listener.connect(isAgain: hasListened)
      defer { hasListened = true }
      return hasListened ? .gap : .listening
    }
  }

  fileprivate func connect(isAgain: Bool) async throws -> ListenerConnection {
    var pause = Duration.milliseconds(50)
    while true {
      do {
        var options = options
        try await beforeConnect?(&options)
        return try await ListenerConnection.open(channels, options, loop, logger, tracer)
      } catch {
        let known = error as? PostgresError
        guard isAgain, !(error is CancellationError), known?.sqlState?.isPermanentForConnecting != true else {
          throw error
        }
        logger.warning("cannot listen", ["error": .string(known?.message ?? "\(type(of: error))")])
      }
      try await Task.sleep(for: pause * Double.random(in: 0.5..<1))
      pause = Swift.min(pause * 2, .seconds(2))
    }
  }
}

/// A connection that listens, and what came over it.
private final class ListenerConnection: Sendable {
  private struct State {
    var events: [PostgresListener.Element] = []
    var isLost = false
    var waiter: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())
  private let connection = Mutex<PostgresConnection?>(nil)
  private let pings = Mutex<EventLoop.Timer?>(nil)

  static func open(
    _ channels: [String], _ options: ConnectOptions, _ loop: EventLoop, _ logger: Logger, _ tracer: (any QueryTracer)?
  ) async throws -> ListenerConnection {
    let listener = ListenerConnection()
    let connection = try await PostgresConnection.connect(
      options, loop: loop, logger: logger, tracer: tracer, onEnd: { [weak listener] in listener?.lost() })
    connection.setNotificationHandler { [weak listener] notifications in listener?.take(notifications) }
    for channel in channels { try await connection.execute("LISTEN \(identifier: channel)") }
    listener.connection.withLock { $0 = connection }
    listener.schedulePing(loop)
    return listener
  }

  deinit { pings.withLock { $0 }?.cancel() }

  /// The next event; nil when the connection is lost.
  func next() async throws -> PostgresListener.Element? {
    while true {
      // First: who sends faster than the reader reads would keep a cancelled one at work without end.
      try Task.checkCancellation()
      let (event, isLost) = state.withLock { state in
        (state.events.isEmpty ? nil : state.events.removeFirst(), state.isLost)
      }
      if let event { return event }
      if isLost { return nil }
      await withTaskCancellationHandler {
        await withCheckedContinuation { waiter in
          let isParked = state.withLock { state in
            guard state.events.isEmpty, !state.isLost, !Task.isCancelled else { return false }
            state.waiter = waiter
            return true
          }
          if !isParked { waiter.resume() }
        }
      } onCancel: {
        wake()
      }
    }
  }

  private func take(_ notifications: [PostgresNotification]) {
    state.withLock { state in
      state.events += notifications.map { .notification($0) }
      let surplus = state.events.count - PostgresListener.bufferSize
      if surplus > 0 { state.events.replaceSubrange(..<surplus, with: [.gap]) }
    }
    wake()
  }

  private func lost() {
    state.withLock { $0.isLost = true }
    wake()
  }

  private func wake() {
    state.withLock { state in
      defer { state.waiter = nil }
      return state.waiter
    }?.resume()
  }

  /// A server that is gone without a word would otherwise be waited for without end.
  private func schedulePing(_ loop: EventLoop) {
    let timer = loop.schedule(after: PostgresListener.pingPeriod) { [weak self] in
      guard let self, let connection = connection.withLock({ $0 }) else { return }
      Task.detached { [weak self] in
        try? await connection.ping(.seconds(5))
        self?.schedulePing(loop)
      }
    }
    pings.withLock { $0 = timer }
  }
}

extension PostgresPool {
  /// Listens to channels of `NOTIFY`, on a connection of its own; see ``PostgresListener``.
  public func listen(to channels: String...) -> PostgresListener {
    PostgresListener(
      channels, configuration.connect, loop, logger, tracer, beforeConnect: configuration.hooks.beforeConnect)
  }
}

extension PostgresClient {
  /// Tells those who listen to a channel; in a transaction, when it commits.
  ///
  /// - Parameters:
  ///   - channel: at most 63 bytes.
  ///   - payload: at most 7999 bytes.
  public func notify(
    _ channel: String, _ payload: String = "", fileID: StaticString = #fileID, line: UInt = #line
  ) async throws {
    try await execute("SELECT pg_notify(\(channel), \(payload))", name: "Notify", fileID: fileID, line: line)
  }
}
