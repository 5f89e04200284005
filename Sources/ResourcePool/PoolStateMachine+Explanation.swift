extension PoolStateMachine {
  /// Who holds a resource, the longest holder first.
  func holders(_ now: Instant) -> [LeaseHolder] {
    slots.compactMap { slot in
      switch slot.state {
      case .exclusive(let origin, let since): LeaseHolder(origin: origin, held: now - since, count: 1)
      case .shared(let count, let progress): LeaseHolder(origin: nil, held: now - progress, count: count)
      case .vacant, .making, .idle, .checking: nil
      }
    }
    .sorted { $0.held > $1.held }
  }

  /// The error of an acquire that waited too long: the numbers, the likely reason, and what to look at.
  func timeoutError(_ waiting: Waiting, _ now: Instant) -> PoolError {
    let numbers = statistics()
    let waited = (now - waiting.since).rounded
    var text =
      "no resource became free within \(waited) (max \(numbers.max), in use \(numbers.acquired), "
      + "idle \(numbers.idle), being made \(numbers.constructing), waiting \(numbers.waiting + 1))"
    if let backoff, numbers.acquired < numbers.max {
      text += "; the last attempt to make one failed: \(backoff.error)"
      return PoolError(.acquireTimeout, text, cause: backoff.error)
    }
    let oldest = holders(now).prefix(3)
    if !oldest.isEmpty {
      text += "; held longest: " + oldest.map(\.description).joined(separator: ", ")
      text += ". Shorten what they do, release what leaks, or raise the pool's size"
    }
    return PoolError(.acquireTimeout, text)
  }
}

extension Duration {
  /// As text with no more digits than a person reads.
  var rounded: String {
    formattedSeconds >= 1 ? "\(roundedTo(formattedSeconds)) s" : "\(roundedTo(formattedSeconds * 1000)) ms"
  }

  private var formattedSeconds: Double { self / .seconds(1) }

  private func roundedTo(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}
