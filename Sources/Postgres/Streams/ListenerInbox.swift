/// What one listener has been told and has not read yet.
struct ListenerInbox {
  enum Next {
    case event(PostgresListener.Element)
    /// More may come.
    case nothing
    case failed(any Error)
  }

  private let capacity: Int
  /// `.listening` was not read yet.
  private var isUnannounced: Bool
  /// Something was dropped in front of the events.
  private var hasDropped = false
  private var events: Queue<PostgresListener.Element>
  /// How many of the events may be read; the others came before the listener was told that it listens (again). Nil: all.
  private var readable: Int? = 0
  private var failure: (any Error)?

  /// - Parameter isAgain: it begins with a gap, since somebody who listened before goes on.
  init(isAgain: Bool, capacity: Int = PostgresListener.bufferSize) {
    self.capacity = capacity
    isUnannounced = !isAgain
    events = Queue(isAgain ? [.gap] : [])
  }

  /// The oldest make room.
  mutating func take(_ notification: PostgresNotification) {
    guard failure == nil else { return }
    events.append(.notification(notification))
    guard events.count > capacity else { return }
    events.removeFirst()
    hasDropped = true
    readable = readable.map { max(0, $0 - 1) }
  }

  /// The server has been told of all its channels.
  mutating func open() {
    guard failure == nil else { return }
    readable = nil
  }

  /// The connection is lost: what comes from now on is behind a gap, which is told when the listener listens again.
  mutating func interrupt() {
    guard failure == nil, readable == nil else { return }
    guard !isUnannounced else {
      // It has not heard that it listens: it will.
      readable = 0
      return
    }
    if events.last != .gap { events.append(.gap) }
    readable = events.count - 1
  }

  /// Nothing more comes.
  mutating func fail(_ error: any Error) {
    guard failure == nil else { return }
    failure = error
    readable = readable ?? (isUnannounced ? 0 : events.count)
  }

  /// There is nothing to read now.
  var isEmpty: Bool {
    if let readable { return readable == 0 && failure == nil }
    return !isUnannounced && !hasDropped && events.isEmpty
  }

  mutating func next() -> Next {
    if let readable {
      guard readable > 0 else { return failure.map { .failed($0) } ?? .nothing }
    } else if isUnannounced {
      isUnannounced = false
      return .event(.listening)
    }
    if hasDropped {
      hasDropped = false
      return .event(.gap)
    }
    guard let event = events.removeFirst() else { return .nothing }
    readable = readable.map { $0 - 1 }
    return .event(event)
  }
}
