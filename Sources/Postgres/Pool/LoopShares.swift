internal import EventLoop
internal import Synchronization

/// The loops of a pool, and how many of its connections each has.
final class LoopShares: Sendable {
  /// At least one.
  private let loops: [EventLoop]
  private let counts: Mutex<[Int]>

  init(_ loops: [EventLoop]) {
    self.loops = loops
    counts = Mutex(Array(repeating: 0, count: loops.count))
  }

  /// For a new connection: the loop with the fewest, which from now on has one more.
  func take() -> EventLoop {
    let place = counts.withLock { counts in
      let place = counts.indices.min { counts[$0] < counts[$1] } ?? 0
      counts[place] += 1
      return place
    }
    return loops[place]
  }

  /// A connection of that loop is gone, or did not come about.
  func giveBack(_ loop: EventLoop) {
    guard let place = loops.firstIndex(where: { $0 === loop }) else { return }
    counts.withLock { $0[place] -= 1 }
  }
}
