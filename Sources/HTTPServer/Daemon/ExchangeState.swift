/// The life of one request as a pure value: events in, what to do out. It keeps the promises that libmicrohttpd asks
/// for and does not check: one answer, no resume of what is not suspended, nothing after the end.
enum ExchangeState: Equatable, Sendable {
  /// Headers or body are still on their way. → handling, answered, completed
  case receiving
  /// The handler runs inside the library's callback. → answered, suspended
  case handling
  /// The connection is suspended; the handler will answer. → answered, abandoned
  case suspended
  /// A response is queued and is being sent. → paused, completed
  case answered
  /// A stream has nothing to send at the moment; the connection is suspended. → answered, abandoned
  case paused
  /// The connection is to be closed without an answer. → completed
  case abandoned
  /// The library has let go of the request: its connection must not be touched any more.
  case completed

  /// What to do with an answer.
  enum Answer: Equatable {
    /// We are inside the callback: queue it before the callback returns.
    case queue
    /// Queue it, then resume the connection.
    case queueAndResume
    /// Nobody waits for it any more, or there was one already.
    case drop
  }

  /// What to do to give up a request.
  enum Abandonment: Equatable {
    /// Break the socket and resume the connection, so that the library notices.
    case breakAndResume
    /// Break the socket.
    case breakSocket
    /// It is over.
    case none
  }

  /// The request is complete and the handler is about to be called. Says whether it should be.
  mutating func handlerBegins() -> Bool {
    guard self == .receiving else { return false }
    self = .handling
    return true
  }

  /// The handler has returned to the callback. Says whether it is still at work, so that the connection is to be suspended.
  mutating func callbackReturns() -> Bool {
    guard self == .handling else { return false }
    self = .suspended
    return true
  }

  /// There is an answer: the handler's, or one of the server's own.
  mutating func answer() -> Answer {
    switch self {
    case .receiving, .handling:
      self = .answered
      return .queue
    case .suspended:
      self = .answered
      return .queueAndResume
    case .answered, .paused, .abandoned, .completed:
      return .drop
    }
  }

  /// A stream has run dry inside the callback that asks for bytes. Says whether the connection is to be suspended.
  mutating func pause() -> Bool {
    guard self == .answered else { return false }
    self = .paused
    return true
  }

  /// The stream has bytes again, or its end. Says whether the connection is to be resumed.
  mutating func unpause() -> Bool {
    guard self == .paused else { return false }
    self = .answered
    return true
  }

  /// Whether the library does not look after the connection, so that nobody would notice when the client leaves.
  var isUnwatched: Bool { self == .suspended || self == .paused }

  /// The client is gone or too slow, or the server stops.
  mutating func abandon() -> Abandonment {
    switch self {
    case .suspended, .paused:
      self = .abandoned
      return .breakAndResume
    case .receiving, .answered:
      return .breakSocket
    // A callback is under way; what it leaves behind is abandoned at the next look.
    case .handling, .abandoned, .completed:
      return .none
    }
  }

  /// The library is through with the request.
  mutating func complete() { self = .completed }
}
