internal import CLibpq
internal import StructuredLogging
internal import Synchronization

/// Keeps the server's notices until they can be logged: they arrive under the connection's lock, where no foreign code
/// may run.
final class NoticeReceiver: Sendable {
  private let logger: Logger
  private let waiting = Mutex<[ServerMessage]>([])
  private let hasWaiting = Atomic(false)
  /// Why the server ended the connection while nothing was under way on it.
  private let farewell = Mutex<ServerMessage?>(nil)

  init(_ logger: Logger) { self.logger = logger }

  var lastWords: ServerMessage? { farewell.withLock { $0 } }

  fileprivate func receive(_ notice: ServerMessage) {
    // To libpq what nobody has asked for is a notice.
    if notice.endsConnection { farewell.withLock { $0 = notice } }
    waiting.withLock { $0.append(notice) }
    hasWaiting.store(true, ordering: .releasing)
  }

  /// Logs what has come.
  func deliver() {
    guard hasWaiting.exchange(false, ordering: .acquiring) else { return }
    let notices = waiting.withLock { waiting in
      defer { waiting = [] }
      return waiting
    }
    for notice in notices {
      logger.info(
        "postgres notice: \(notice.message)",
        ["severity": .string(notice.severity), "sqlstate": .string(notice.sqlState ?? "")])
    }
  }
}

func receiveNotice(_ context: UnsafeMutableRawPointer?, _ result: OpaquePointer?) {
  guard let context, let result else { return }
  // libpq clears the result when this returns.
  Unmanaged<NoticeReceiver>.fromOpaque(context).takeUnretainedValue().receive(ServerMessage(of: result))
}
