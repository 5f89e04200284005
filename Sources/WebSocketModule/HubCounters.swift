internal import Synchronization

/// What a hub counts, from all threads.
final class HubCounters: Sendable {
  let connections = Atomic<Int>(0)
  /// The connections, and the handshakes that are to become some.
  let seats = Atomic<Int>(0)
  let users = Atomic<Int>(0)
  let opened = Atomic<Int>(0)
  let received = Atomic<Int>(0)
  let receivedBytes = Atomic<Int>(0)
  let sent = Atomic<Int>(0)
  let sentBytes = Atomic<Int>(0)
  let lost = Atomic<Int>(0)
  let slow = Atomic<Int>(0)
  private let closes = Mutex<[WebSocketCloseCode: Int]>([:])

  func received(_ message: WebSocketMessage) {
    received.add(1, ordering: .relaxed)
    receivedBytes.add(message.byteCount, ordering: .relaxed)
  }

  func sent(bytes: Int) {
    sent.add(1, ordering: .relaxed)
    sentBytes.add(bytes, ordering: .relaxed)
  }

  func dropped(_ count: Int) { lost.add(count, ordering: .relaxed) }

  func wasTooSlow() { slow.add(1, ordering: .relaxed) }

  /// Codes of applications and of fancy clients count as one, so that nobody makes series at will.
  func closed(_ code: WebSocketCloseCode) {
    let known = (1000...1014).contains(code.rawValue) ? code : WebSocketCloseCode(rawValue: 4000)
    closes.withLock { $0[known, default: 0] += 1 }
  }

  var closesByCode: [WebSocketCloseCode: Int] { closes.withLock { $0 } }
}
