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

  /// The header fields of the request, in the order they came.
  func requestHeaders() -> HTTPHeaders {
    var headers = HTTPHeaders()
    headers.reserveCapacity(8)
    withUnsafeMutablePointer(to: &headers) { headers in
      _ = MHD_get_connection_values_n(
        pointer, .HEADER_KIND,
        { headers, _, name, nameLength, value, valueLength in
          let headers = headers?.assumingMemoryBound(to: HTTPHeaders.self)
          headers?.pointee.add(text(name, nameLength), text(value, valueLength))
          return .YES
        }, headers)
    }
    return headers
  }

  /// The bytes of request line and headers.
  var headerSize: Int {
    keel_http_header_size(pointer)
  }

  /// The status that was queued, by us or by the library for a request that it refused.
  var queuedStatus: HTTPStatus? {
    let status = keel_http_queued_status(pointer)
    return status == 0 ? nil : HTTPStatus(Int(status))
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
  /// - Throws: ``HTTPServerError`` `invalidHeader`, with nothing queued.
  /// - Returns: Whether the library took it; it does not take a second one.
  func queue(
    _ response: HTTPResponse, stream: BodyStream?, isHead: Bool, closes: Bool
  ) throws(HTTPServerError) -> Bool {
    let prepared = response.upgrade == nil ? Self.prepare(response.body, stream) : makeUpgradeResponse()
    guard let prepared else { return false }
    // Counted: the library keeps it for as long as it needs it.
    defer { MHD_destroy_response(prepared) }
    for field in response.headers where !Self.isOurs(field.name) && !field.value.isEmpty {
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
    let code = (200...999).contains(response.status.code) ? response.status.code : 500
    return MHD_queue_response(pointer, UInt32(code), prepared) == .YES
  }

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

  /// Fields that describe the connection and the framing, which are the library's to write.
  private static func isOurs(_ name: String) -> Bool {
    switch name.utf8.count {
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
