internal import EventLoop
internal import Synchronization

/// Looks at all sessions that a hub has on a loop now and then: one timer in place of three for each client.
///
/// - Note: `@unchecked Sendable` because the loop's closures hold it. All of it is touched on the loop's thread alone.
final class SessionKeeper: @unchecked Sendable {
  private let tick: Duration
  private let loop: EventLoop
  private var sessions: [UInt64: Session] = [:]
  private var isTicking = false

  init(tick: Duration, loop: EventLoop) {
    self.tick = tick
    self.loop = loop
  }

  func add(_ session: Session) {
    sessions[session.client.id] = session
    guard !isTicking else { return }
    isTicking = true
    schedule()
  }

  func remove(_ session: Session) { sessions[session.client.id] = nil }

  func look(at now: ContinuousClock.Instant) {
    for session in Array(sessions.values) { session.look(at: now) }
  }

  private func schedule() {
    loop.schedule(after: tick) { [self] in
      look(at: .now)
      isTicking = !sessions.isEmpty
      if isTicking { schedule() }
    }
  }
}
