import MonotonicTime
import Testing

@testable import EventLoop

@Suite struct TimerQueueTests {
  @Test(arguments: 0..<20 as Range<UInt64>)
  func `timers come out by deadline and age, without the cancelled, whatever the order of events`(seed: UInt64) {
    var random = SplitMix(state: seed)
    let start = MonotonicInstant.now
    var queue = TimerQueue()
    var model: [(deadline: Int, id: UInt64)] = []
    for _ in 0..<500 {
      if Int.random(in: 0..<3, using: &random) > 0 || model.isEmpty {
        let deadline = Int.random(in: 0..<50, using: &random)
        let (id, _) = queue.insert(start + .seconds(deadline)) {}
        model.append((deadline, id))
      } else {
        let victim = model.remove(at: Int.random(in: 0..<model.count, using: &random))
        queue.remove(victim.id)
        queue.remove(victim.id)
      }
    }
    #expect(queue.count == model.count)
    for second in 0..<50 {
      let due = model.filter { $0.deadline == second }.count
      var popped = 0
      while queue.popDue(start + .seconds(second)) != nil { popped += 1 }
      #expect(popped == due)
    }
    #expect(queue.count == 0)
  }

  @Test func `a hundred thousand cancelled timers do not stay in memory`() {
    var queue = TimerQueue()
    let deadline = MonotonicInstant.now
    for _ in 0..<100_000 {
      let (id, _) = queue.insert(deadline) {}
      queue.remove(id)
    }
    #expect(queue.heapCount < 200)
  }
}

/// The generator of Steele, Lea and Flood (2014): a seed per test makes a failure repeatable.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
