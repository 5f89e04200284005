/// A pool at one moment, for a person who wants to know why acquires wait: who holds, who waits, what failed.
public struct PoolDump: Sendable, CustomStringConvertible {
  /// The attempts to make a resource that failed in a row.
  public struct Outage: Sendable {
    /// How many; those of one burst are one.
    public let attempts: Int
    /// How long until the next is allowed; zero when it is due or under way.
    public let nextAttempt: Duration
    /// Why the last one failed.
    public let error: any Error
  }

  /// Sizes and counters.
  public let statistics: PoolStatistics
  /// Who holds a resource, the longest holder first.
  public let holders: [LeaseHolder]
  /// Who waits for one, the next to be served first.
  public let waiters: [LeaseWaiter]
  /// The failed attempts since a resource was last made; nil when the last attempt succeeded.
  public let outage: Outage?

  /// A line for the numbers, and one for each holder and waiter.
  public var description: String {
    let numbers = statistics
    var lines = [
      "pool: max \(numbers.max), in use \(numbers.acquired), idle \(numbers.idle), being made \(numbers.constructing), "
        + "waiting \(numbers.waiting)"
    ]
    if let outage {
      let attempts = outage.attempts == 1 ? "1 failed attempt" : "\(outage.attempts) failed attempts"
      lines.append("\(attempts) to make a resource, next in \(outage.nextAttempt.rounded): \(outage.error)")
    }
    lines += holders.map { "held: \($0)" }
    lines += waiters.map { "waits: \($0)" }
    return lines.joined(separator: "\n")
  }
}

/// Who waits for a resource at this moment.
public struct LeaseWaiter: Sendable, CustomStringConvertible {
  /// Where the lease was asked for.
  public let origin: LeaseOrigin
  /// Whether a share of a resource would do.
  public let isShared: Bool
  /// For how long it has waited.
  public let waited: Duration
  /// How long it will still wait.
  public let remaining: Duration

  /// The place, how long, and the patience left.
  public var description: String {
    "\(origin)\(isShared ? " (shared)" : "") for \(waited.rounded), gives up in \(remaining.rounded)"
  }
}
