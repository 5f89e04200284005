internal import EventLoop
internal import Synchronization

/// One connection of a user.
///
/// Its messages go out in the order they were sent. Sending never waits: what the client does not take at once waits in
/// a queue within ``HubConfiguration/maxQueuedMessages`` and ``HubConfiguration/maxQueuedBytes``.
public final class HubClient: Sendable {
  /// Who it is, as the route's `user` closure said.
  public let user: String
  /// Tells it from the user's other connections; never used twice by a hub.
  public let id: UInt64
  /// The client's address without its port.
  public let remoteAddress: String
  /// What both sides agreed to speak; nil if nothing was asked for.
  public let subprotocol: String?

  private struct State {
    var outbox: Outbox
    var isFlushScheduled = false
  }

  private let state: Mutex<State>
  let loop: EventLoop
  private let counters: HubCounters
  private let flush: Mutex<(@Sendable () -> Void)?>

  init(
    user: String, id: UInt64, remoteAddress: String, subprotocol: String?, configuration: HubConfiguration,
    counters: HubCounters, loop: EventLoop
  ) {
    self.user = user
    self.id = id
    self.remoteAddress = remoteAddress
    self.subprotocol = subprotocol
    self.counters = counters
    self.loop = loop
    state = Mutex(
      State(
        outbox: Outbox(
          maxMessages: configuration.maxQueuedMessages, maxBytes: configuration.maxQueuedBytes,
          policy: configuration.slowConsumers)))
    flush = Mutex(nil)
  }

  /// Sends a message, from any thread.
  ///
  /// - Returns: whether it is queued. False when the connection closes, or its queue is full and the policy drops.
  @discardableResult
  public func send(_ message: WebSocketMessage) -> Bool {
    // On the loop a full queue may be full only because the loop has had no time to empty it.
    if loop.isCurrent, state.withLock({ $0.outbox.isFull(for: message) }) { flush.withLock { $0 }?() }
    let (offer, schedules) = state.withLock { state in
      let offer = state.outbox.offer(message)
      if offer == .overflow {
        state.outbox.close(.policyViolation, reason: "too slow", discards: true)
      }
      guard offer != .dropped, offer != .closed else { return (offer, false) }
      defer { state.isFlushScheduled = true }
      return (offer, !state.isFlushScheduled)
    }
    if schedules { scheduleFlush() }
    switch offer {
    case .queued: return true
    case .displaced(let count):
      counters.dropped(count)
      return true
    case .dropped, .overflow:
      counters.dropped(1)
      if offer == .overflow { counters.wasTooSlow() }
      return false
    case .closed: return false
    }
  }

  /// Says goodbye after what waits, from any thread. Only the first goodbye counts.
  ///
  /// - Parameters:
  ///   - code: why. One that may not be sent, such as 1005, becomes 1000.
  ///   - reason: for people, up to 123 bytes of UTF-8; what is longer is cut.
  public func close(_ code: WebSocketCloseCode = .normal, reason: String = "") {
    let code = code.isSendable ? code : .normal
    let schedules = state.withLock { state in
      state.outbox.close(code, reason: Self.cut(reason), discards: false)
      defer { state.isFlushScheduled = true }
      return !state.isFlushScheduled
    }
    if schedules { scheduleFlush() }
  }

  /// How many messages wait.
  public var queuedMessages: Int { state.withLock { $0.outbox.count } }

  private static func cut(_ reason: String) -> String {
    var reason = reason
    while reason.utf8.count > 123 { reason.removeLast() }
    return reason
  }

  private func scheduleFlush() {
    loop.execute { [self] in flush.withLock { $0 }?() }
  }

  // MARK: The session's side, on the loop

  /// Says what empties the queue; nil when nothing does any more.
  func setFlush(_ body: (@Sendable () -> Void)?) {
    flush.withLock { $0 = body }
  }

  /// What is queued from here on schedules a flush again.
  func flushBegins() {
    state.withLock { $0.isFlushScheduled = false }
  }

  /// The code of the goodbye that was said, or waits to be.
  var closingCode: WebSocketCloseCode? { state.withLock { $0.outbox.closingCode } }

  func next() -> Outbox.Next? {
    state.withLock { $0.outbox.next() }
  }

  /// Nothing is sent any more.
  func end() {
    setFlush(nil)
    state.withLock { $0.outbox.end() }
  }
}
