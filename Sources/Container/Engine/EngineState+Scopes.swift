extension EngineState {
  /// The scopes that are open, and what the stop does about them.
  struct Scopes: Sendable {
    enum Phase: Sendable {
      /// Anybody may open one.
      case open
      /// The stop waits for those that are open; only inside them may others be opened.
      case ending
      /// Those that are still open have been cancelled.
      case cancelled
      /// Nobody may open one, and nobody waits for any.
      case over
      /// The same, and those that are still open were waited for in vain.
      case leftBehind
    }

    var phase = Phase.open
    /// Since when the stop waits, and how long it does so in this phase.
    var since = Duration.zero
    var deadline: Duration?
    /// Each at a place of its own for as long as it is open: that is cheaper than a key to find it by.
    private var places: [OpenScope?] = []
    private var free: [Int] = []

    var count: Int { places.count - free.count }
    var all: [OpenScope] { places.compactMap(\.self) }

    var isWaitedFor: Bool { phase == .ending || phase == .cancelled }

    mutating func insert(_ scope: OpenScope) -> Int {
      if let place = free.popLast() {
        places[place] = scope
        return place
      }
      places.append(scope)
      return places.count - 1
    }

    mutating func remove(_ place: Int) {
      places[place] = nil
      free.append(place)
    }
  }

  /// A scope is opened. Returns its place.
  mutating func open(_ scope: OpenScope, isInner: @autoclosure () -> Bool) throws(ContainerError) -> Int {
    switch scopes.phase {
    case .open: break
    case .ending, .cancelled: guard isInner() else { throw .noScope(after: machine.current) }
    case .over, .leftBehind: throw .noScope(after: machine.current)
    }
    return scopes.insert(scope)
  }

  /// The scope at `place` is over. Returns whether it has been waited for long enough, in vain.
  mutating func close(_ place: Int, now: @autoclosure () -> Duration) -> (isLate: Bool, effects: [Effect]) {
    scopes.remove(place)
    var effects: [Effect] = []
    guard scopes.isWaitedFor else { return (scopes.phase == .leftBehind, effects) }
    if scopes.count == 0 {
      endScopes(.over, now: now(), &effects)
      ensureWorker(&effects)
    }
    return (false, effects)
  }

  /// Nobody may open a scope any more once nothing is left to be stopped but what they need; those that are open are waited for.
  mutating func awaitScopesInTurn(now: Duration, _ effects: inout [Effect]) {
    guard schedule.isAtScopes, scopes.phase == .open else { return }
    guard scopes.count > 0 else { return endScopes(.over, now: now, &effects) }
    scopes.phase = .ending
    scopes.since = now
    giveScopesTime(now: now, &effects)
  }

  /// Half of the time that the stop has left: what comes after them needs some too.
  private mutating func giveScopesTime(now: Duration, _ effects: inout [Effect]) {
    scopes.deadline = now + ((deadline ?? now) - now) / 2
    effects.append(.watch)
  }

  /// The scopes that are still open have had their time: they are named and cancelled, at last left behind.
  mutating func expireScopes(now: Duration, _ effects: inout [Effect]) {
    if scopes.phase == .ending {
      scopes.phase = .cancelled
      // They need not be told of again with whatever else takes long.
      watch.lastReport = now
      effects.append(.emit(.stragglers(scopeStragglers(now: now))))
      effects.append(.cancelScopes(scopes.all))
      return giveScopesTime(now: now, &effects)
    }
    stopFailures.append(.scopesDidNotEnd(scopes.all.map { $0.origin(plan) }, now - scopes.since))
    endScopes(.leftBehind, now: now, &effects)
  }

  private mutating func endScopes(_ phase: Scopes.Phase, now: Duration, _ effects: inout [Effect]) {
    tellScopesEnded(now: now, &effects)
    scopes.phase = phase
    scopes.deadline = nil
    schedule.endScopes()
    enqueueStops()
    finishIfStopped(now: now, &effects)
  }

  /// The stop as a whole is over its time: nobody waits for scopes any more.
  mutating func abandonScopes(now: Duration, _ effects: inout [Effect]) {
    tellScopesEnded(now: now, &effects)
    if scopes.count > 0 { effects.append(.cancelScopes(scopes.all)) }
    (scopes.phase, scopes.deadline) = (.leftBehind, nil)
  }

  private func tellScopesEnded(now: Duration, _ effects: inout [Effect]) {
    guard scopes.isWaitedFor else { return }
    effects.append(.emit(.scopesEnded(now - scopes.since, leftBehind: scopes.count)))
  }

  func scopeStragglers(now: Duration) -> [Straggler] {
    guard scopes.isWaitedFor else { return [] }
    return scopes.all.map { $0.origin(plan) }.counted.map { origin, count in
      Straggler(origin: origin, activity: .ending, elapsed: now - scopes.since, count: count)
    }
  }
}
