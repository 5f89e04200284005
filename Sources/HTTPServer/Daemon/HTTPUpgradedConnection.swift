public import EventLoop
internal import Glibc

/// A connection that has left HTTP behind: its socket, for whoever speaks what it was upgraded to.
///
/// See ``HTTPResponse/upgrade(to:headers:_:)``. Belongs to the loop's thread.
///
/// - Note: `@unchecked Sendable` because closures of the loop hold it. What changes is touched on the loop's thread only,
///   or, once the loop is gone, by the one caller that stops the server.
public final class HTTPUpgradedConnection: @unchecked Sendable {
  /// The socket, non-blocking. Over TLS it is one end of a pair of sockets, behind which the bytes are encrypted.
  /// ``close()`` closes it, nobody else.
  public let descriptor: Int32
  /// What the client sent after the headers of its request, in one go with them.
  public let received: [UInt8]
  /// The client's address without its port.
  public let remoteAddress: String
  /// The loop that the server runs on.
  public let loop: EventLoop
  /// Called once when the server begins to stop: time to say goodbye. On the loop's thread.
  public var onStop: (@Sendable () -> Void)?
  /// Called once when the grace of the stop is over and the connection still open: stop watching the descriptor, it is
  /// closed right afterwards. On the loop's thread; not called when the loop was stopped first.
  public var onCutOff: (@Sendable () -> Void)?

  /// Closes the descriptor; nil once it is closed.
  var end: (() -> Void)?

  init(descriptor: Int32, received: [UInt8], remoteAddress: String, loop: EventLoop) {
    self.descriptor = descriptor
    self.received = received
    self.remoteAddress = remoteAddress
    self.loop = loop
  }

  /// Closes the connection. Safe to call twice. Cancel what watches the descriptor first.
  public func close() {
    (onStop, onCutOff) = (nil, nil)
    end.take()?()
  }

  /// The stop is out of patience.
  func cutOff() {
    if loop.isCurrent { onCutOff.take()?() }
    close()
  }
}

extension HTTPResponse {
  /// Upgrades the connection to another protocol: 101, and then its socket belongs to `begin`.
  ///
  /// Only in answer to a request of HTTP/1.1 that asked for it; what the other protocol wants of the request is the
  /// handler's to check. Without a server (see ``HTTPServer/respond(to:)``) `begin` is never called.
  ///
  /// - Parameters:
  ///   - name: What goes into the field `Upgrade`, such as `websocket`.
  ///   - headers: Further fields.
  ///   - begin: Called on the loop's thread once the headers are sent; not at all if the client left before.
  public static func upgrade(
    to name: String, headers: HTTPHeaders = [:], _ begin: @escaping @Sendable (HTTPUpgradedConnection) -> Void
  ) -> HTTPResponse {
    var response = HTTPResponse(status: .switchingProtocols, headers: headers)
    response.headers["Upgrade"] = name
    response.upgrade = begin
    return response
  }
}
