import Testing

@testable import Postgres

@Suite struct ListenerInboxTests {
  struct Closed: Error {}

  private func take(_ inbox: inout ListenerInbox, _ payloads: Int...) {
    for payload in payloads {
      inbox.take(PostgresNotification(channel: "c", payload: "\(payload)", processID: 1))
    }
  }

  /// All that can be read now.
  private func read(_ inbox: inout ListenerInbox) -> [String] {
    var read: [String] = []
    while true {
      let wasEmpty = inbox.isEmpty
      switch inbox.next() {
      case .event(.listening): read.append("listening")
      case .event(.gap): read.append("gap")
      case .event(.notification(let notification)): read.append(notification.payload)
      case .failed: return read + ["failed"]
      case .nothing:
        #expect(wasEmpty)
        return read
      }
      #expect(!wasEmpty)
    }
  }

  @Test func `what comes before it listens is behind the news that it does`() {
    var inbox = ListenerInbox(isAgain: false)
    take(&inbox, 1)
    #expect(read(&inbox) == [])
    inbox.open()
    take(&inbox, 2)
    #expect(read(&inbox) == ["listening", "1", "2"])
  }

  @Test func `who listened before begins with a gap`() {
    var inbox = ListenerInbox(isAgain: true)
    take(&inbox, 1)
    #expect(read(&inbox) == [])
    inbox.open()
    #expect(read(&inbox) == ["gap", "1"])
  }

  @Test func `interrupted it gives what came before, and the gap once it listens again`() {
    var inbox = ListenerInbox(isAgain: false)
    inbox.open()
    #expect(read(&inbox) == ["listening"])
    take(&inbox, 1)
    inbox.interrupt()
    take(&inbox, 2)
    #expect(read(&inbox) == ["1"])
    inbox.open()
    #expect(read(&inbox) == ["gap", "2"])
  }

  @Test func `of several losses that were not read of there is one gap, told when it listens`() {
    var inbox = ListenerInbox(isAgain: false)
    inbox.open()
    #expect(read(&inbox) == ["listening"])
    for _ in 0..<3 {
      inbox.interrupt()
      inbox.interrupt()
      #expect(read(&inbox) == [])
      inbox.open()
    }
    #expect(read(&inbox) == ["gap"])
  }

  @Test func `lost before anybody read that it listens, it says so when it does again`() {
    var inbox = ListenerInbox(isAgain: false)
    inbox.open()
    take(&inbox, 1)
    inbox.interrupt()
    #expect(read(&inbox) == [])
    inbox.open()
    #expect(read(&inbox) == ["listening", "1"])
  }

  @Test func `the oldest make room, and a gap tells of them`() {
    var inbox = ListenerInbox(isAgain: false, capacity: 3)
    inbox.open()
    take(&inbox, 1, 2, 3, 4, 5)
    #expect(read(&inbox) == ["listening", "gap", "3", "4", "5"])
    take(&inbox, 6, 7, 8)
    #expect(read(&inbox) == ["6", "7", "8"])
    take(&inbox, 1, 2, 3, 4)
    #expect(read(&inbox) == ["gap", "2", "3", "4"])
  }

  @Test func `what is dropped behind a loss is told when it listens again`() {
    var inbox = ListenerInbox(isAgain: false, capacity: 3)
    inbox.open()
    #expect(read(&inbox) == ["listening"])
    take(&inbox, 1)
    inbox.interrupt()
    take(&inbox, 2, 3, 4)
    #expect(read(&inbox) == [])
    inbox.open()
    #expect(read(&inbox) == ["gap", "2", "3", "4"])
  }

  @Test func `it keeps no more than its capacity, whatever comes`() {
    var inbox = ListenerInbox(isAgain: false, capacity: 10)
    inbox.open()
    for number in 0..<1000 {
      take(&inbox, number)
      if number % 7 == 0 {
        inbox.interrupt()
        inbox.open()
      }
    }
    // And listening, a gap, and one at the end for the last loss.
    #expect(read(&inbox).count <= 13)
  }

  @Test func `a failure is told after what came before it, again and again`() {
    var inbox = ListenerInbox(isAgain: false)
    inbox.open()
    #expect(read(&inbox) == ["listening"])
    take(&inbox, 1)
    inbox.fail(Closed())
    take(&inbox, 2)
    inbox.open()
    #expect(read(&inbox) == ["1", "failed"])
    #expect(read(&inbox) == ["failed"])
  }

  @Test func `one that never listened fails at once`() {
    var inbox = ListenerInbox(isAgain: false)
    take(&inbox, 1)
    inbox.fail(Closed())
    #expect(read(&inbox) == ["failed"])
  }
}
