/// Whether tasks have to wait for connections, from looks at the pool now and then: a state machine, so that a log has a
/// line when it begins and one when it is over.
struct PoolWatch: Sendable {
  enum Change: Sendable, Hashable {
    /// Tasks wait, and did at the look before; or acquires were given up since.
    case starved(waiting: Int, givenUp: UInt64)
    /// No task has waited for some looks.
    case recovered(after: Duration)
  }

  private enum State: Sendable {
    /// Nobody waited at the last look. May go to pressed, out or starved.
    case calm
    /// Tasks waited at the last look. May go to calm, out or starved.
    case pressed
    /// No connection could be made at the last look. May go to calm or pressed.
    case out
    /// Said to be starved; so many looks in a row found nobody waiting. May go to calm only.
    case starved(since: ContinuousClock.Instant, calmLooks: Int)
  }

  /// How many looks in a row have to find nobody waiting: pools on the edge would fill the log otherwise.
  static let calmLooks = 5

  private var state = State.calm
  private var givenUp: UInt64?

  /// - Parameters:
  ///   - waiting: How many tasks wait now.
  ///   - givenUp: How many acquires have been given up since the start of the process.
  ///   - isOut: Whether there is no connection because none can be made: `OutageLog` tells of that, and nobody holds what
  ///     the tasks wait for.
  mutating func look(waiting: Int, givenUp total: UInt64, isOut: Bool, at now: ContinuousClock.Instant) -> Change? {
    let fresh = total - (givenUp ?? total)
    givenUp = total
    switch state {
    case .calm where isOut, .pressed where isOut, .out where isOut:
      state = .out
      return nil
    case .out:
      // What was given up since the last look was so for the outage.
      state = waiting > 0 ? .pressed : .calm
      return nil
    case .calm, .pressed:
      let wasPressed = if case .pressed = state { true } else { false }
      guard fresh > 0 || (waiting > 0 && wasPressed) else {
        state = waiting > 0 ? .pressed : .calm
        return nil
      }
      state = .starved(since: now, calmLooks: 0)
      return .starved(waiting: waiting, givenUp: fresh)
    case .starved(let since, let looks):
      guard waiting == 0, fresh == 0, !isOut else {
        state = .starved(since: since, calmLooks: 0)
        return nil
      }
      guard looks + 1 >= Self.calmLooks else {
        state = .starved(since: since, calmLooks: looks + 1)
        return nil
      }
      state = .calm
      return .recovered(after: now - since)
    }
  }
}
