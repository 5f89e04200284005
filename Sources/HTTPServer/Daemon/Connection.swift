internal import CMicrohttpdShim
internal import Glibc

/// A client's connection: what the library is asked about it, and told.
///
/// Lives on the loop's thread, from the library's "started" to its "closed"; the pointer is good for exactly as long.
final class Connection {
  let remoteAddress: String
  let descriptor: Int32
  /// The place in the daemon's list of connections, which the daemon keeps up to date.
  var position = 0
  /// The library moves its bytes, which are no longer HTTP.
  var isForwarded = false
  /// What an upgraded connection had still to send when this was last looked at, and since when it is as much; nil until it
  /// is given back.
  var leftover: (unsent: Int32, since: ContinuousClock.Instant)?
  /// How many requests have begun.
  var requests = 0
  /// The request that is under way.
  var exchange: Exchange?
  /// When the connection was opened or the request before was over.
  var quietSince: ContinuousClock.Instant

  private let pointer: OpaquePointer

  init(_ pointer: OpaquePointer, at now: ContinuousClock.Instant) {
    self.pointer = pointer
    descriptor = keel_http_descriptor(pointer)
    remoteAddress = Self.remoteAddress(pointer)
    quietSince = now
  }

  // MARK: The request

  /// The header fields of a request.
  struct RequestHeaders {
    /// In the order they came.
    var fields = HTTPHeaders()
    /// One of them goes on in further lines, and the library got it wrong.
    var isFolded = false
  }

  func requestHeaders() -> RequestHeaders {
    var headers = RequestHeaders()
    headers.fields.reserveCapacity(8)
    withUnsafeMutablePointer(to: &headers) { headers in
      _ = MHD_get_connection_values_n(
        pointer, .HEADER_KIND,
        { headers, _, name, nameLength, value, valueLength in
          let headers = headers?.assumingMemoryBound(to: RequestHeaders.self)
          headers?.pointee.fields.add(text(name, nameLength), text(value, valueLength))
          if keel_http_is_folded(name, nameLength, value) != 0 { headers?.pointee.isFolded = true }
          return .YES
        }, headers)
    }
    return headers
  }

  /// There are fields after the last chunk of the body. Where they end is in doubt: the library takes a line without a name
  /// for the last one.
  var hasTrailers: Bool { MHD_get_connection_values_n(pointer, .FOOTER_KIND, nil, nil) > 0 }

  /// The bytes of request line and headers.
  var headerSize: Int {
    keel_http_header_size(pointer)
  }

  /// The status that was queued, by us or by the library for a request that it refused.
  var queuedStatus: HTTPStatus? {
    let status = keel_http_queued_status(pointer)
    return status == 0 ? nil : HTTPStatus(Int(status))
  }

  /// How many bytes the system has that the client has not taken yet.
  var unsent: Int32 {
    var count: Int32 = 0
    return ioctl(descriptor, UInt(TIOCOUTQ), &count) == 0 ? count : 0
  }

  // MARK: Flow

  /// Takes the connection out of the library's loop. Only inside one of its callbacks.
  func suspend() { MHD_suspend_connection(pointer) }

  /// Puts it back. The library notices at its next run.
  func resume() { MHD_resume_connection(pointer) }

  /// Breaks the socket: the library closes the connection when it looks at it.
  func breakSocket() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  /// Makes the library look at the connection in its next run. Only inside the callback that asks for bytes.
  func lookAgain() { keel_http_look_again(pointer) }

  // MARK: The response

  /// Queues a response: inside the callback, or while the connection is suspended.
  ///
  /// - Parameters:
  ///   - response: With a status of 200 to 999, unless it is an upgrade.
  ///   - memory: What the library has for the headers of the request and of the response together.
  /// - Throws: ``HTTPServerError`` `invalidHeader`, with nothing queued.
  /// - Returns: Whether the library took it; it does not take a second one.
  func queue(
    _ response: HTTPResponse, stream: BodyStream?, isHead: Bool, closes: Bool, memory: Int
  ) throws(HTTPServerError) -> Bool {
    try checkRoom(for: response.headers, memory: memory)
    let prepared = response.upgrade == nil ? Self.prepare(response.body, stream) : makeUpgradeResponse()
    guard let prepared else { return false }
    // Counted: the library keeps it for as long as it needs it.
    defer { MHD_destroy_response(prepared) }
    for field in response.headers where !Self.isOurs(field.name) && !field.value.isEmpty {
      guard RequestFraming.isToken(field.name), !field.value.containsByte(where: Self.isControl) else {
        throw .invalidHeader(field.name)
      }
      // Not passed as they are: that would make an array of each.
      let status = field.name.withCString { name in
        field.value.withCString { value in MHD_add_response_header(prepared, name, value) }
      }
      guard status == .YES else { throw .invalidHeader(field.name) }
    }
    if isHead, stream != nil { keel_http_forbid_chunks(prepared) }
    if response.upgrade != nil {
      return MHD_queue_response(pointer, UInt32(HTTPStatus.switchingProtocols.code), prepared) == .YES
    }
    if closes { MHD_add_response_header(prepared, "Connection", "close") }
    return MHD_queue_response(pointer, UInt32(response.status.code), prepared) == .YES
  }

  /// What does not fit, the library notices when it is too late to tell the client anything: it closes the connection.
  private func checkRoom(for headers: HTTPHeaders, memory: Int) throws(HTTPServerError) {
    let size = headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
    // So much there is in any case.
    guard size > 1 << 10 else { return }
    let fields = Int(clamping: MHD_get_connection_values_n(pointer, .HEADER_KIND, nil, nil))
    let cookies = Int(clamping: MHD_get_connection_values_n(pointer, .COOKIE_KIND, nil, nil))
    // The library takes the cookies apart, in a copy.
    let copy = cookies > 0 ? requestHeaders().fields["Cookie"]?.utf8.count ?? 0 : 0
    // A record for each field of the request, and each cookie; and our own part: the status, the date, the length.
    let room = memory - headerSize - copy - 64 * (fields + cookies) - 256
    guard size > room else { return }
    throw HTTPServerError(
      .invalidHeader,
      "the response was not sent: its header fields take \(size) bytes, and the connection has room for \(max(room, 0)); "
        + "send less, or raise headerLimit")
  }

  /// All but the tab; a NUL would end the value.
  private static func isControl(_ byte: UInt8) -> Bool { byte < 0x20 && byte != 0x09 || byte == 0x7F }

  private static func prepare(_ body: HTTPResponse.Body, _ stream: BodyStream?) -> OpaquePointer? {
    switch body {
    case .empty:
      return MHD_create_response_from_buffer(0, nil, .RESPMEM_PERSISTENT)
    case .text(var text):
      return text.withUTF8 { copy(UnsafeRawBufferPointer($0)) }
    case .bytes(let bytes):
      return bytes.withUnsafeBytes(copy)
    case .stream:
      return stream?.makeResponse()
    }
  }

  private static func copy(_ bytes: UnsafeRawBufferPointer) -> OpaquePointer? {
    // The library does not write through the pointer: it copies.
    MHD_create_response_from_buffer(
      bytes.count, UnsafeMutableRawPointer(mutating: bytes.baseAddress), .RESPMEM_MUST_COPY)
  }

  /// Fields that describe the connection and the framing, and the date, which are the library's to write.
  private static func isOurs(_ name: String) -> Bool {
    switch name.utf8.count {
    case 4: name.equalsIgnoringASCIICase("Date")
    case 10: name.equalsIgnoringASCIICase("Connection")
    case 14: name.equalsIgnoringASCIICase("Content-Length")
    case 17: name.equalsIgnoringASCIICase("Transfer-Encoding")
    default: false
    }
  }

  // MARK: The client

  private static func remoteAddress(_ pointer: OpaquePointer) -> String {
    guard let address = keel_http_remote_address(pointer) else { return "unknown" }
    switch Int32(address.pointee.sa_family) {
    case AF_INET:
      return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { address in
        withUnsafePointer(to: address.pointee.sin_addr) { numeric(AF_INET, $0, length: Int(INET_ADDRSTRLEN)) }
      }
    case AF_INET6:
      let text = address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { address in
        withUnsafePointer(to: address.pointee.sin6_addr) { numeric(AF_INET6, $0, length: Int(INET6_ADDRSTRLEN)) }
      }
      // An IPv4 client of a socket for both kinds.
      return text.hasPrefix("::ffff:") && text.contains(".") ? String(text.dropFirst(7)) : text
    default:
      return "unix"
    }
  }

  private static func numeric(_ family: Int32, _ address: UnsafeRawPointer, length: Int) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: length) { buffer in
      guard let text = inet_ntop(family, address, buffer.baseAddress, socklen_t(length)) else { return "unknown" }
      return String(cString: text)
    }
  }
}

private func text(_ start: UnsafePointer<CChar>?, _ count: Int) -> String {
  guard let start else { return "" }
  return String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
}
