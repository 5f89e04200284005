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
/// All listeners of a pool share one connection, beside the pool's: it is made when the first of them begins, and closed
/// when the last ends. When it is lost it is made again, for as long as it takes, and each listener is told of the gap:
/// what was sent meanwhile is lost, as the server keeps it for nobody.
///
/// Each listener has a buffer of its own: one that reads slowly holds up neither the others nor the connection.
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
  private let hub: ListenerHub

  init(_ channels: [String], _ hub: ListenerHub) {
    self.channels = channels
    self.hub = hub
  }

  /// Begins to listen when the first event is asked for.
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(listener: self) }

  /// Where a loop over the events stands.
  public struct AsyncIterator: AsyncIteratorProtocol {
    private let listener: PostgresListener
    private var subscription: ListenerSubscription?
    private var hasListened = false

    fileprivate init(listener: PostgresListener) { self.listener = listener }

    /// The next event. Never nil: the sequence ends with the task's cancellation or an error.
    ///
    /// - Throws: ``PostgresError`` when the first connection cannot be made, when the server refuses a channel, or when a
    ///   later connection is refused for good (a changed password, say); of code ``PostgresError/Code/closed`` when the
    ///   pool is closed; `CancellationError`.
    public mutating func next() async throws -> Element? {
      do {
        // Who is cancelled begins nothing.
        try Task.checkCancellation()
        let subscription = subscription ?? listener.hub.subscribe(to: listener.channels, isAgain: hasListened)
        self.subscription = subscription
        let event = try await subscription.next()
        hasListened = true
        return event
      } catch {
        self.subscription = nil
        throw error
      }
    }
  }
}

extension PostgresPool {
  /// Listens to channels of `NOTIFY`, over the one connection that all listeners of the pool share; see
  /// ``PostgresListener``.
  ///
  /// - Parameter channels: at most 63 bytes each; the server cuts off what is beyond.
  public func listen(to channels: String...) -> PostgresListener { PostgresListener(channels, listeners) }
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
