internal import MonotonicTime

/// Timers in order of their deadlines: a binary heap, with the work kept beside it so that a cancelled timer costs
/// one removal from a dictionary. Its entry stays in the heap until it is due or the heap is swept.
struct TimerQueue {
  private var heap: [(deadline: MonotonicInstant, id: UInt64)] = []
  private var work: [UInt64: @Sendable () -> Void] = [:]
  private var nextID: UInt64 = 0

  /// The earliest deadline; that of a cancelled timer at worst, which costs one idle turn.
  var nextDeadline: MonotonicInstant? { heap.first?.deadline }

  /// How many entries the heap holds, those of cancelled timers with them.
  var heapCount: Int { heap.count }

  /// How many timers wait.
  var count: Int { work.count }

  /// Adds a timer; says whether it is now the first one due.
  mutating func insert(
    _ deadline: MonotonicInstant, _ body: @escaping @Sendable () -> Void
  ) -> (id: UInt64, isFirst: Bool) {
    nextID += 1
    work[nextID] = body
    heap.append((deadline, nextID))
    siftUp(heap.count - 1)
    return (nextID, heap[0].id == nextID)
  }

  mutating func remove(_ id: UInt64) {
    guard work.removeValue(forKey: id) != nil else { return }
    // Amortised: a sweep halves the heap, so it is paid for by the removals before it.
    if heap.count > 64, heap.count > 2 * work.count { sweep() }
  }

  /// The work of one timer that is due, taken out.
  mutating func popDue(_ now: MonotonicInstant) -> (@Sendable () -> Void)? {
    while let first = heap.first, first.deadline <= now {
      popFirst()
      if let body = work.removeValue(forKey: first.id) { return body }
    }
    return nil
  }

  private mutating func sweep() {
    heap.removeAll { work[$0.id] == nil }
    for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
  }

  private mutating func popFirst() {
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    siftDown(0)
  }

  private mutating func siftUp(_ start: Int) {
    var child = start
    while child > 0 {
      let parent = (child - 1) / 2
      guard isOrdered(child, parent) else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func siftDown(_ start: Int) {
    var parent = start
    while true {
      var first = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && isOrdered(child, first) {
        first = child
      }
      guard first != parent else { return }
      heap.swapAt(first, parent)
      parent = first
    }
  }

  /// By deadline, then by age, so that equal deadlines run in the order they were set.
  private func isOrdered(_ a: Int, _ b: Int) -> Bool {
    (heap[a].deadline, heap[a].id) < (heap[b].deadline, heap[b].id)
  }
}
