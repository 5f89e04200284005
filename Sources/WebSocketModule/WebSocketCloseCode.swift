/// Why a WebSocket is closed, as RFC 6455 (7.4) numbers it.
public struct WebSocketCloseCode: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The number.
  public let rawValue: UInt16

  /// Any number. Applications have 4000 to 4999 for their own use.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// 1000: it has served its purpose.
  public static let normal = WebSocketCloseCode(rawValue: 1000)
  /// 1001: the server stops, or the page is left.
  public static let goingAway = WebSocketCloseCode(rawValue: 1001)
  /// 1002: a frame broke the protocol.
  public static let protocolError = WebSocketCloseCode(rawValue: 1002)
  /// 1003: a kind of message that is not wanted.
  public static let unsupportedData = WebSocketCloseCode(rawValue: 1003)
  /// 1005: the peer closed without a code. Never sent.
  public static let none = WebSocketCloseCode(rawValue: 1005)
  /// 1006: the connection broke, or the peer fell silent. Never sent.
  public static let abnormal = WebSocketCloseCode(rawValue: 1006)
  /// 1007: text that is not UTF-8.
  public static let invalidPayload = WebSocketCloseCode(rawValue: 1007)
  /// 1008: a rule of the application is broken; here also a client that does not keep up.
  public static let policyViolation = WebSocketCloseCode(rawValue: 1008)
  /// 1009: a message above the limit.
  public static let messageTooBig = WebSocketCloseCode(rawValue: 1009)
  /// 1011: our fault.
  public static let internalError = WebSocketCloseCode(rawValue: 1011)
  /// 1013: not now.
  public static let tryAgainLater = WebSocketCloseCode(rawValue: 1013)

  /// Whether it may stand in a close frame.
  var isSendable: Bool {
    (1000...1003).contains(rawValue) || (1007...1014).contains(rawValue) || (3000...4999).contains(rawValue)
  }

  /// The number.
  public var description: String { "\(rawValue)" }
}
