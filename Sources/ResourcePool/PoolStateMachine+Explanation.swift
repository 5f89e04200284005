internal import MonotonicTime

extension PoolStateMachine {
  /// Who holds a resource, the longest holder first.
  func holders(_ now: Instant) -> [LeaseHolder] {
    slots.indices.compactMap { slot in
      switch slots[slot].state {
      case .exclusive(let since): LeaseHolder(origin: exclusiveOrigins[slot], held: now - since, count: 1)
      case .shared(let count, let progress): LeaseHolder(origin: nil, held: now - progress, count: count)
      case .vacant, .making, .idle, .checking, .closing: nil
      }
    }
    .sorted { $0.held > $1.held }
  }

  /// Everything a person needs to see why acquires wait.
  func dump(_ now: Instant) -> PoolDump {
    PoolDump(
      statistics: statistics(), holders: holders(now),
      waiters: waiters.elements.map { waiting in
        LeaseWaiter(
          origin: waiting.origin, isShared: waiting.isShared, waited: now - waiting.since,
          remaining: max(waiting.deadline - now, .zero))
      },
      outage: pace.backoff.map { backoff in
        PoolDump.Outage(
          attempts: backoff.attempts, nextAttempt: max(backoff.notBefore - now, .zero), error: backoff.error)
      })
  }

  /// Where the asking task, or one that started it, took the resource that it has to itself.
  func outer(_ origin: LeaseOrigin) -> LeaseOrigin? {
    slots.indices.lazy.compactMap { slot in
      if case .exclusive = slots[slot].state { exclusiveOrigins[slot] } else { nil }
    }
    .first { $0.isScoped && origin.isNested(in: $0.task) }
  }

  /// The error of an acquire that would wait for ever.
  func deadlockError(_ origin: LeaseOrigin, held: LeaseOrigin?) -> PoolError {
    let others = slots.count == 1 ? "" : ", and every other one is held by a task that waits for one more"
    let whose = held == nil || held?.task == origin.task ? "" : "is a child of one that "
    return PoolError(
      .deadlock,
      "the task that asks at \(origin) \(whose)holds a resource already, taken at "
        + "\(held.map { "\($0)" } ?? "an unknown place")\(others): it would wait for itself (max \(slots.count)). Use "
        + "the resource at hand instead of the pool")
  }

  /// What those who time out at one moment are told.
  func situation(_ now: Instant) -> Situation {
    Situation(numbers: statistics(), holders: Array(holders(now).prefix(3)), lastFailure: pace.backoff?.error)
  }

  struct Situation {
    let numbers: PoolStatistics
    /// The oldest few.
    let holders: [LeaseHolder]
    let lastFailure: (any Error)?

    /// The error of an acquire that waited too long: the numbers, the likely reason, and what to look at.
    func timeoutError(waited: Duration) -> PoolError {
      var text =
        "no resource became free within \(waited.rounded) (max \(numbers.max), in use \(numbers.acquired), "
        + "idle \(numbers.idle), being made \(numbers.constructing), waiting \(numbers.waiting))"
      // A pool that is fully lent waits for its holders, whatever failed before.
      if let lastFailure, numbers.acquired < numbers.max {
        text += "; the last attempt to make one failed: \(lastFailure)"
        return PoolError(.acquireTimeout, text, cause: lastFailure)
      }
      if !holders.isEmpty {
        text += "; held longest: " + holders.map(\.description).joined(separator: ", ")
        text += ". Shorten what they do, release what leaks, or raise the pool's size"
      }
      return PoolError(.acquireTimeout, text)
    }
  }
}

extension Duration {
  /// As text with no more digits than a person reads.
  var rounded: String {
    let seconds = self / .seconds(1)
    return seconds >= 1 ? "\(Self.roundedToTenths(seconds)) s" : "\(Self.roundedToTenths(seconds * 1000)) ms"
  }

  private static func roundedToTenths(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}
