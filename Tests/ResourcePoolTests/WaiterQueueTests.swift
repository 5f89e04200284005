import Testing

@testable import ResourcePool

@Suite struct WaiterQueueTests {
  @Test func `elements leave in the order they came, however many were removed between them`() {
    var queue = WaiterQueue<Int>()
    let tickets = (0..<1000).map { queue.append($0) }
    for number in stride(from: 0, to: 1000, by: 3) { #expect(queue.remove(tickets[number]) == number) }
    var left: [Int] = []
    while let number = queue.popFirst() { left.append(number) }
    #expect(left == (0..<1000).filter { $0 % 3 != 0 })
    #expect(queue.isEmpty)
  }

  @Test func `a ticket is good once, and never for a later element`() {
    var queue = WaiterQueue<Int>()
    let first = queue.append(1)
    #expect(queue.remove(first) == 1)
    for number in 2..<200 {
      let ticket = queue.append(number)
      #expect(ticket != first)
      #expect(queue.remove(first) == nil)
      #expect(queue.popFirst() == number)
    }
  }

  @Test func `those removed by a rule come back in order and the others stay`() {
    var queue = WaiterQueue<Int>()
    for number in 0..<100 { _ = queue.append(number) }
    #expect(queue.removeAll { $0 % 2 == 0 } == Array(stride(from: 0, to: 100, by: 2)))
    #expect(queue.count == 50)
    #expect(queue.first == 1)
    #expect(queue.earliest(\.self) == 1)
  }

  @Test func `thousands removed behind one that stays take no room`() {
    var queue = WaiterQueue<Int>()
    let first = queue.append(0)
    for number in 1...10_000 {
      let ticket = queue.append(number)
      #expect(queue.remove(ticket) == number)
    }
    #expect(queue.room < 200)
    #expect(queue.remove(first) == 0)
  }
}
