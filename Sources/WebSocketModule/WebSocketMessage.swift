/// What is sent over a WebSocket, whole: fragments are put together before anybody sees them.
public enum WebSocketMessage: Sendable, Hashable {
  /// Text, which on the wire is valid UTF-8.
  case text(String)
  /// Bytes.
  case binary([UInt8])

  /// The bytes of its payload.
  public var byteCount: Int {
    switch self {
    case .text(let text): text.utf8.count
    case .binary(let bytes): bytes.count
    }
  }
}

extension WebSocketMessage: ExpressibleByStringInterpolation {
  /// Text.
  public init(stringLiteral text: String) { self = .text(text) }
}
