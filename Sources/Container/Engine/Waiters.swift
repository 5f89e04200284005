/// Those who wait for values of nodes, each of whom may give up.
struct Waiters<Answer: Sendable>: Sendable {
  typealias Waiter = CheckedContinuation<Answer, Never>

  private var waiting: [Int: [Int: Waiter]] = [:]
  private var lastNumber = 0

  var isEmpty: Bool { waiting.isEmpty }

  /// A number for one who is about to wait.
  mutating func number() -> Int {
    lastNumber += 1
    return lastNumber
  }

  mutating func add(_ waiter: Waiter, as number: Int, for node: Int) { waiting[node, default: [:]][number] = waiter }

  /// Takes one out; nil if that one has been taken out before.
  mutating func remove(_ number: Int, for node: Int) -> Waiter? {
    defer { if waiting[node]?.isEmpty == true { waiting[node] = nil } }
    return waiting[node]?.removeValue(forKey: number)
  }

  /// Takes all out who wait for a node.
  mutating func removeAll(for node: Int) -> [Waiter] {
    waiting.removeValue(forKey: node).map { Array($0.values) } ?? []
  }

  /// Takes all out.
  mutating func removeAll() -> [Waiter] {
    defer { waiting = [:] }
    return waiting.values.flatMap(\.values)
  }
}
