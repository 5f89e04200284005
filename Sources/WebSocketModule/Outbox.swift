/// What waits to be sent to a client, within its bounds. A pure value.
struct Outbox {
  /// What became of a message.
  enum Offer: Equatable {
    case queued
    /// Queued, and this many older ones are gone.
    case displaced(Int)
    /// Not queued.
    case dropped
    /// Not queued, and the client is to be closed.
    case overflow
    /// Nothing is queued after a goodbye.
    case closed
  }

  enum Next: Equatable {
    case message(WebSocketMessage)
    case goodbye(WebSocketCloseCode, reason: String)
  }

  private let maxMessages: Int
  private let maxBytes: Int
  private let policy: SlowConsumerPolicy
  private var messages: [WebSocketMessage] = []
  /// Where the messages begin that still wait.
  private var start = 0
  private var bytes = 0
  private var goodbye: (code: WebSocketCloseCode, reason: String)?
  private var isGoodbyeTaken = false

  init(maxMessages: Int, maxBytes: Int, policy: SlowConsumerPolicy) {
    self.maxMessages = maxMessages
    self.maxBytes = maxBytes
    self.policy = policy
  }

  var count: Int { messages.count - start }
  var closingCode: WebSocketCloseCode? { goodbye?.code }

  mutating func offer(_ message: WebSocketMessage) -> Offer {
    guard goodbye == nil else { return .closed }
    var displaced = 0
    while isFull(for: message) {
      switch policy {
      case .disconnect: return .overflow
      case .dropNewest: return .dropped
      case .dropOldest:
        _ = take()
        displaced += 1
      }
    }
    messages.append(message)
    bytes += message.byteCount
    return displaced == 0 ? .queued : .displaced(displaced)
  }

  func isFull(for message: WebSocketMessage) -> Bool {
    count > 0 && (count >= maxMessages || bytes + message.byteCount > maxBytes)
  }

  /// Ends the queue. Only the first goodbye counts.
  ///
  /// - Parameter discards: whether what still waits is forgotten, because the client would not take it anyway.
  mutating func close(_ code: WebSocketCloseCode, reason: String, discards: Bool) {
    guard goodbye == nil else { return }
    goodbye = (code, reason)
    if discards { (messages, start, bytes) = ([], 0, 0) }
  }

  /// Ends the queue where nothing can be sent any more, and forgets what still waits: the application may keep the client.
  mutating func end() {
    close(.abnormal, reason: "", discards: false)
    (messages, start, bytes) = ([], 0, 0)
  }

  /// What is to be sent next: messages in order, then the goodbye, once.
  mutating func next() -> Next? {
    if let message = take() { return .message(message) }
    guard let goodbye, !isGoodbyeTaken else { return nil }
    isGoodbyeTaken = true
    return .goodbye(goodbye.code, reason: goodbye.reason)
  }

  private mutating func take() -> WebSocketMessage? {
    guard start < messages.count else { return nil }
    let message = messages[start]
    // Lets go of it now; the array is cut when half of it is air.
    messages[start] = .binary([])
    start += 1
    bytes -= message.byteCount
    if start == messages.count {
      (messages, start) = ([], 0)
    } else if start > 32, start * 2 > messages.count {
      messages.removeFirst(start)
      start = 0
    }
    return message
  }
}
