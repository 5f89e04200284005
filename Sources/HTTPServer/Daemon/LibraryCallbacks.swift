internal import CMicrohttpdShim
internal import Glibc

// The one place where our objects become the library's pointers and come back:
//
// | pointer            | made in             | given back in                             |
// |--------------------|---------------------|-------------------------------------------|
// | context            | `Daemon.start`      | `Daemon.close`, after the library stopped |
// | `socket_context`   | connection started  | connection closed                         |
// | `con_cls`          | request begins      | request completed                         |
// | stream             | `makeResponse`      | the library frees the response            |
//
// Each is retained once when it is made and released once when it is given back; the library promises the one call for
// the other. All of this happens on the loop's thread.

extension Daemon {
  /// The callbacks for the library's options.
  static func install(into options: inout keel_http_options) {
    options.request_begins = { context, target, pointer in
      guard let daemon = Daemon.from(context), let pointer,
        let connection = object(Connection.self, keel_http_socket_context(pointer))
      else { return nil }
      let exchange = daemon.requestBegins(
        on: connection, target: target.flatMap { String(validatingCString: $0) }, size: target.map(strlen) ?? 0)
      return Unmanaged.passRetained(exchange).toOpaque()
    }
    options.handle = { _, pointer, target, method, version, bytes, count, slot in
      guard let method, let version, let count, let exchange = object(Exchange.self, slot?.pointee) else { return .NO }
      let verdict: Exchange.Verdict
      if !exchange.isInFlight {
        let isWhole = keel_http_is_whole(pointer, method, target, exchange.targetSize, version) != 0
        verdict = exchange.headersArrived(
          method: String(cString: method), version: String(cString: version), isWhole: isWhole)
      } else if bytes != nil {
        // A part of no bytes too, which comes of a client that asked first to send nothing and sent a next request.
        verdict = exchange.bodyArrived(UnsafeRawBufferPointer(start: bytes, count: count.pointee))
        count.pointee = 0
      } else {
        verdict = exchange.requestComplete()
      }
      return verdict == .goOn ? .YES : .NO
    }
    options.request_completed = { _, _, slot, code in
      guard let slot, let pointer = slot.pointee else { return }
      slot.pointee = nil
      Unmanaged<Exchange>.fromOpaque(pointer).takeRetainedValue().complete(outcome(of: code))
    }
    options.connection_changed = { context, pointer, slot, change in
      guard let daemon = Daemon.from(context), let pointer, let slot else { return }
      switch change {
      case .CONNECTION_NOTIFY_STARTED:
        let connection = Connection(pointer, at: .now)
        slot.pointee = Unmanaged.passRetained(connection).toOpaque()
        daemon.opened(connection)
      case .CONNECTION_NOTIFY_CLOSED:
        guard let pointer = slot.pointee else { return }
        slot.pointee = nil
        daemon.closed(Unmanaged<Connection>.fromOpaque(pointer).takeRetainedValue())
      @unknown default:
        break
      }
    }
    options.log = { context, message in
      guard let daemon = Daemon.from(context), let message else { return }
      daemon.libraryReported(String(cString: message))
    }
    options.refuses = { context, status in Daemon.from(context)?.libraryRefuses(HTTPStatus(Int(status))) }
  }

  private static func from(_ context: UnsafeMutableRawPointer?) -> Daemon? { object(Daemon.self, context) }
}

extension BodyStream {
  /// A response of the library that asks this stream for its bytes.
  func makeResponse() -> OpaquePointer? {
    let context = Unmanaged.passRetained(self)
    let response = MHD_create_response_from_callback(
      MHD_SIZE_UNKNOWN_VALUE, 16 << 10,
      { context, _, buffer, count in
        guard let buffer, let stream = object(BodyStream.self, context) else { return readerFailed }
        switch stream.pull(into: UnsafeMutableRawBufferPointer(start: buffer, count: count)) {
        case .bytes(let count): return count
        case .wait: return 0
        case .end: return readerEnded
        case .failure: return readerFailed
        }
      },
      context.toOpaque(),
      { context in
        guard let context else { return }
        Unmanaged<BodyStream>.fromOpaque(context).release()
      })
    if response == nil { context.release() }
    return response
  }
}

extension Connection {
  /// A response of the library that hands the socket to the exchange, which the library still has from `con_cls`.
  func makeUpgradeResponse() -> OpaquePointer? {
    MHD_create_response_for_upgrade(
      { _, _, slot, received, count, descriptor, upgrade in
        guard let upgrade else { return }
        guard let exchange = object(Exchange.self, slot) else { return keel_http_end_upgrade(upgrade) }
        exchange.upgraded(
          descriptor, received: UnsafeRawBufferPointer(start: received, count: count),
          giveBack: { keel_http_end_upgrade(upgrade) })
      }, nil)
  }
}

// The library's macros for these are casts, which do not come over into Swift.
private let MHD_SIZE_UNKNOWN_VALUE = UInt64.max
private let readerEnded = -1
private let readerFailed = -2

private func object<Object: AnyObject>(_ type: Object.Type, _ pointer: UnsafeMutableRawPointer?) -> Object? {
  guard let pointer else { return nil }
  return Unmanaged<Object>.fromOpaque(pointer).takeUnretainedValue()
}

private func outcome(of code: MHD_RequestTerminationCode) -> HTTPRequestRecord.Outcome {
  switch code {
  case .REQUEST_TERMINATED_COMPLETED_OK: .answered
  case .REQUEST_TERMINATED_TIMEOUT_REACHED: .timedOut
  case .REQUEST_TERMINATED_DAEMON_SHUTDOWN: .cutOff
  case .REQUEST_TERMINATED_READ_ERROR, .REQUEST_TERMINATED_CLIENT_ABORT, .REQUEST_TERMINATED_WITH_ERROR: .clientGone
  @unknown default: .failed
  }
}
