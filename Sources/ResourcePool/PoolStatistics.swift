/// What a pool holds and has done, read at one moment. Counters only grow; the names are those of pgxpool's `Stat`.
public struct PoolStatistics: Sendable, Equatable {
  /// Successful acquires.
  public var acquireCount: UInt64 = 0
  /// Acquires given up: the task was cancelled, the time was out, no resource can be made, or the pool was closed.
  public var canceledAcquireCount: UInt64 = 0
  /// Successful acquires that had to wait because nothing was free to lend at once.
  public var emptyAcquireCount: UInt64 = 0
  /// Resources made.
  public var newCount: UInt64 = 0
  /// Resources closed for their age.
  public var maxLifetimeDestroyCount: UInt64 = 0
  /// Resources closed because nobody used them.
  public var maxIdleDestroyCount: UInt64 = 0
  /// Acquires by tasks that had a resource to themselves already, or were started by one that had: a deadlock in
  /// waiting.
  public var nestedAcquireCount: UInt64 = 0
  /// How long successful acquires took.
  public var acquireDuration = DurationHistogram()

  /// Resources lent, to one holder or to several.
  public var acquired = 0
  /// Resources being made.
  public var constructing = 0
  /// Resources free to lend, those being checked included.
  public var idle = 0
  /// The most resources the pool may hold.
  public var max = 0
  /// Tasks that wait for a resource.
  public var waiting = 0

  /// All resources: ``acquired``, ``constructing`` and ``idle``.
  public var total: Int { acquired + constructing + idle }
}

/// Durations counted into fixed buckets, for a Prometheus histogram.
public struct DurationHistogram: Sendable, Equatable {
  /// The upper bounds of the buckets, in seconds; one more bucket holds what is longer. They span an acquire that
  /// finds an idle resource (below a microsecond) to one that nearly times out.
  public static let bounds: [Double] = [
    0.000_001, 0.000_01, 0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
  ]

  /// How many durations fell in each bucket, not cumulated; one more than ``bounds``.
  public private(set) var counts = [UInt64](repeating: 0, count: bounds.count + 1)
  /// The sum of all durations, in seconds.
  public private(set) var sum: Double = 0

  /// How many durations were observed.
  public var count: UInt64 { counts.reduce(0, +) }

  /// An acquire that did not wait: cheaper than measuring what cannot be told from zero.
  mutating func observeInstant() { counts[0] += 1 }

  mutating func observe(_ duration: Duration) {
    // Events may carry instants that are a little out of order; the sum must only grow.
    let seconds = Swift.max(0, duration / .seconds(1))
    counts[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] += 1
    sum += seconds
  }
}
