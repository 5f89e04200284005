import Testing

@testable import DatabaseModule

@Suite struct PoolWatchTests {
  private let start = ContinuousClock.now

  private func changes(
    _ looks: [(waiting: Int, givenUp: UInt64)], out: Range<Int> = 0..<0
  ) -> [PoolWatch.Change] {
    var watch = PoolWatch()
    return looks.enumerated().compactMap { second, look in
      watch.look(
        waiting: look.waiting, givenUp: look.givenUp, isOut: out.contains(second),
        at: start.advanced(by: .seconds(second)))
    }
  }

  @Test func `a task that waits for a moment is nothing to tell`() {
    #expect(changes([(0, 0), (3, 0), (0, 0), (1, 0), (0, 0)]).isEmpty)
  }

  @Test func `tasks that wait at two looks are told once, and when it is over`() {
    let looks = [(1, 0), (2, 0), (5, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0)].map { ($0.0, UInt64($0.1)) }
    #expect(changes(looks) == [.starved(waiting: 2, givenUp: 0), .recovered(after: .seconds(6))])
  }

  @Test func `an acquire that was given up tells though nobody waits now`() {
    #expect(changes([(0, 7), (0, 9)]) == [.starved(waiting: 0, givenUp: 2)])
    // What was given up before the first look is an old story.
    #expect(changes([(0, 7), (0, 7)]).isEmpty)
  }

  @Test func `that tasks wait while no connection can be made is the outage's to tell, not the pool's`() {
    let looks = [(0, 0), (4, 0), (4, 3), (0, 7), (0, 7), (0, 7), (0, 7), (0, 7), (4, 7), (4, 9), (0, 11), (0, 11)]
      .map { ($0.0, UInt64($0.1)) }
    #expect(changes(looks, out: 2..<10).isEmpty)
    // Afterwards it is the pool's again.
    #expect(changes(looks + [(1, 11), (1, 11)], out: 2..<10) == [.starved(waiting: 1, givenUp: 0)])
  }

  @Test func `an outage in a time of waiting does not end it`() {
    let looks = [(1, 0), (1, 0)] + Array(repeating: (0, UInt64(0)), count: 20)
    #expect(changes(looks, out: 3..<17) == [.starved(waiting: 1, givenUp: 0), .recovered(after: .seconds(20))])
  }

  @Test func `a pool on the edge is not told again and again`() {
    var looks: [(Int, UInt64)] = [(1, 0), (1, 0)]
    for _ in 0..<10 { looks += [(0, 0), (0, 0), (1, 0)] }
    #expect(changes(looks) == [.starved(waiting: 1, givenUp: 0)])
  }
}
