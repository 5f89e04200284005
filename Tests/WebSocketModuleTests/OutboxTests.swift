import Testing

@testable import WebSocketModule

@Suite struct OutboxTests {
  private func filled(_ policy: SlowConsumerPolicy, maxMessages: Int = 2, maxBytes: Int = 1000) -> Outbox {
    var outbox = Outbox(maxMessages: maxMessages, maxBytes: maxBytes, policy: policy)
    #expect(outbox.offer("a") == .queued)
    #expect(outbox.offer("b") == .queued)
    return outbox
  }

  private func drain(_ outbox: inout Outbox) -> [Outbox.Next] {
    var all: [Outbox.Next] = []
    while let next = outbox.next() { all.append(next) }
    return all
  }

  @Test func `messages leave in their order, then the goodbye, once`() {
    var outbox = filled(.disconnect)
    outbox.close(.normal, reason: "done", discards: false)
    outbox.close(.goingAway, reason: "late", discards: true)
    #expect(outbox.offer("c") == .closed)
    #expect(drain(&outbox) == [.message("a"), .message("b"), .goodbye(.normal, reason: "done")])
    #expect(drain(&outbox) == [])
  }

  @Test func `a full queue is an overflow, drops the new one or the oldest, as the policy says`() {
    var strict = filled(.disconnect)
    #expect(strict.offer("c") == .overflow)
    var newest = filled(.dropNewest)
    #expect(newest.offer("c") == .dropped)
    #expect(drain(&newest) == [.message("a"), .message("b")])
    var oldest = filled(.dropOldest)
    #expect(oldest.offer("c") == .displaced(1))
    #expect(drain(&oldest) == [.message("b"), .message("c")])
  }

  @Test func `bytes count too, and one message alone may be larger`() {
    var outbox = Outbox(maxMessages: 100, maxBytes: 10, policy: .dropOldest)
    #expect(outbox.offer(.binary([UInt8](repeating: 0, count: 50))) == .queued)
    #expect(outbox.offer("12345") == .displaced(1))
    #expect(outbox.offer("12345") == .queued)
    #expect(outbox.offer("1") == .displaced(1))
    #expect(drain(&outbox) == [.message("12345"), .message("1")])
  }

  @Test func `a goodbye that discards leaves nothing before it`() {
    var outbox = filled(.disconnect)
    outbox.close(.policyViolation, reason: "slow", discards: true)
    #expect(drain(&outbox) == [.goodbye(.policyViolation, reason: "slow")])
    #expect(outbox.closingCode == .policyViolation)
  }

  @Test func `a long life keeps order and count`() {
    var outbox = Outbox(maxMessages: 100, maxBytes: 1 << 20, policy: .disconnect)
    var (sent, received) = (0, 0)
    for round in 0..<1000 {
      for _ in 0..<(round % 7) where outbox.offer(.text("\(sent)")) == .queued { sent += 1 }
      for _ in 0..<(round % 5) {
        guard let next = outbox.next() else { break }
        #expect(next == .message(.text("\(received)")))
        received += 1
      }
      #expect(outbox.count == sent - received)
    }
  }
}
