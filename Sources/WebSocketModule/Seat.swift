internal import Synchronization

/// A place among ``HubConfiguration/maxConnections``: taken with the answer to the handshake, so that handshakes at the
/// same time do not all find room, and left when the connection ends, or with the answer where none came of it.
final class Seat: Sendable {
  private let counters: HubCounters
  private let isTaken = Atomic(true)

  private init(_ counters: HubCounters) { self.counters = counters }

  deinit { leave() }

  static func take(_ counters: HubCounters, limit: Int) -> Seat? {
    var taken = counters.seats.load(ordering: .relaxed)
    while taken < limit {
      let (exchanged, original) = counters.seats.weakCompareExchange(
        expected: taken, desired: taken + 1, ordering: .relaxed)
      if exchanged { return Seat(counters) }
      taken = original
    }
    return nil
  }

  /// Gives it to others. Safe to call twice.
  func leave() {
    if isTaken.exchange(false, ordering: .relaxed) { counters.seats.subtract(1, ordering: .relaxed) }
  }
}
