internal import CCrypto
internal import FoundationEssentials
internal import HTTPServer

/// What RFC 6455 (4.2) wants of a request before the connection becomes a WebSocket.
enum Handshake {
  private static let version = "13"
  private static let salt = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

  /// The answer to the client's key.
  ///
  /// - Throws: 400 when the request does not ask for a WebSocket in the right way, 426 for another version, 403 for a page
  ///   of another origin.
  static func accept(_ request: HTTPRequest, _ origins: WebSocketOrigins) throws(HTTPError) -> String {
    // A route for GET answers HEAD too.
    guard request.method == .get, request.headers.contains("websocket", in: "Upgrade"),
      request.headers.contains("upgrade", in: "Connection")
    else {
      throw HTTPError(
        .upgradeRequired, "this is a WebSocket: connect with one",
        headers: ["Upgrade": "websocket", "Sec-WebSocket-Version": version])
    }
    guard request.headers["Sec-WebSocket-Version"] == version else {
      throw HTTPError(
        .upgradeRequired, "WebSocket version \(version) is spoken here",
        headers: ["Upgrade": "websocket", "Sec-WebSocket-Version": version])
    }
    let keys = request.headers.values(for: "Sec-WebSocket-Key")
    guard keys.count == 1, Data(base64Encoded: keys[0])?.count == 16 else {
      throw HTTPError(.badRequest, "Sec-WebSocket-Key must be 16 bytes in base64")
    }
    guard origins.allow(origin: request.headers["Origin"], host: request.headers["Host"]) else {
      throw HTTPError(.forbidden, "pages of this origin may not connect")
    }
    return answer(to: keys[0])
  }

  static func answer(to key: String) -> String {
    let text = Array((key + salt).utf8)
    var digest = [UInt8](repeating: 0, count: Int(SHA_DIGEST_LENGTH))
    // Not for secrecy: it only shows that the server has read the request.
    SHA1(text, text.count, &digest)
    return Data(digest).base64EncodedString()
  }

  /// The first of the client's subprotocols that the server speaks.
  static func subprotocol(_ request: HTTPRequest, among offered: [String]) -> String? {
    request.headers.values(for: "Sec-WebSocket-Protocol")
      .flatMap { $0.split(separator: ",") }
      .map { String($0.drop { $0 == " " }.prefix { $0 != " " }) }
      .first(where: offered.contains)
  }
}
