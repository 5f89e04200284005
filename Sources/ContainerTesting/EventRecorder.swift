public import Container
import Synchronization

/// Keeps every event of an app, and lets a test wait for one.
public final class EventRecorder: ContainerObserver {
  private struct State {
    var events: [ContainerEvent] = []
    var streams: [Int: AsyncStream<ContainerEvent>.Continuation] = [:]
    var nextID = 0
  }

  private let state = Mutex(State())

  /// A recorder of nothing yet.
  public init() {}

  /// All events so far, in order.
  public var events: [ContainerEvent] { state.withLock { $0.events } }

  /// Keeps the event.
  public func observe(_ event: ContainerEvent) {
    state.withLock { state in
      state.events.append(event)
      for stream in state.streams.values { stream.yield(event) }
    }
  }

  /// Waits for the first event, past or to come, that `isWanted` accepts; nil if the task is cancelled before.
  @discardableResult
  public func first(where isWanted: (ContainerEvent) -> Bool) async -> ContainerEvent? {
    let (stream, continuation) = AsyncStream.makeStream(of: ContainerEvent.self)
    let id = state.withLock { state in
      state.nextID += 1
      state.streams[state.nextID] = continuation
      for event in state.events { continuation.yield(event) }
      return state.nextID
    }
    defer { state.withLock { _ = $0.streams.removeValue(forKey: id) } }
    for await event in stream where isWanted(event) { return event }
    return nil
  }
}
