import Glibc
import HTTPServer
import TestSupport

/// A connection to a server, on a blocking socket. All calls block, so they belong on `offPool`.
final class TestClient {
  struct Response: Equatable {
    var status = 0
    var headers: [String: String] = [:]
    var body: [UInt8] = []

    var text: String { String(decoding: body, as: UTF8.self) }
  }

  /// The other side closed the connection, or said nothing for too long.
  enum Failure: Error, Equatable {
    case cannotConnect(Int32)
    case closed
    case timedOut
    case malformed(String)
  }

  let descriptor: Int32
  private var buffer: [UInt8] = []

  /// Connects; reads give up after `patience` seconds. A small `window` lets the server feel that nobody reads.
  init(_ address: HTTPServerAddress, patience: Int = 60, window: Int32? = nil) throws {
    switch address {
    case .ip(let host, let port):
      let isIPv6 = host.contains(":")
      descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
      if var window { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &window, 4) }
      let status: Int32
      if isIPv6 {
        var target = sockaddr_in6()
        target.sin6_family = sa_family_t(AF_INET6)
        target.sin6_port = UInt16(port).bigEndian
        inet_pton(AF_INET6, host == "::" ? "::1" : host, &target.sin6_addr)
        status = Self.connect(descriptor, &target)
      } else {
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = UInt16(port).bigEndian
        inet_pton(AF_INET, host == "0.0.0.0" ? "127.0.0.1" : host, &target.sin_addr)
        status = Self.connect(descriptor, &target)
      }
      guard status == 0 else { throw Failure.cannotConnect(errno) }
    case .unix(let path):
      descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
      var target = sockaddr_un()
      target.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &target.sun_path) { $0.copyBytes(from: path.utf8) }
      guard Self.connect(descriptor, &target) == 0 else { throw Failure.cannotConnect(errno) }
    }
    var limit = timeval(tv_sec: patience, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(descriptor) }

  private static func connect<Address>(_ descriptor: Int32, _ address: inout Address) -> Int32 {
    withUnsafePointer(to: &address) { address in
      address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
      }
    }
  }

  // MARK: Writing

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { bytes in
        uninterrupted { Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)) }
      }
      guard count > 0 else { throw errno == EAGAIN ? Failure.timedOut : Failure.closed }
      rest = rest.dropFirst(count)
    }
  }

  /// Says that nothing more will be sent.
  func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Sends a request and reads its response.
  func request(
    _ method: String = "GET", _ target: String, headers: [(String, String)] = [], body: String? = nil
  ) throws -> Response {
    var text = "\(method) \(target) HTTP/1.1\r\nHost: test\r\n"
    for (name, value) in headers { text += "\(name): \(value)\r\n" }
    if let body { text += "Content-Length: \(body.utf8.count)\r\n\r\n\(body)" } else { text += "\r\n" }
    try send(text)
    return try response(to: method)
  }

  // MARK: Reading

  /// Reads one response.
  func response(to method: String = "GET") throws -> Response {
    var response = Response()
    let lines = try head()
    let words = lines[0].split(separator: " ", maxSplits: 2)
    guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
      throw Failure.malformed(lines[0])
    }
    response.status = status
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { throw Failure.malformed(line) }
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      response.headers[line[..<colon].lowercased()] = String(value)
    }
    if method == "HEAD" || status == 204 || status == 304 || status < 200 { return response }
    if response.headers["transfer-encoding"] == "chunked" {
      response.body = try chunks()
    } else if let length = response.headers["content-length"].flatMap({ Int($0) }) {
      response.body = try take(length)
    } else {
      response.body = try rest()
    }
    return response
  }

  /// Whether the server has closed the connection, waiting for it if need be.
  func isClosed() -> Bool {
    do {
      return try !fill()
    } catch {
      return (error as? Failure) == .closed
    }
  }

  /// Everything until the server closes.
  func rest() throws -> [UInt8] {
    while try fill() {}
    defer { buffer = [] }
    return buffer
  }

  private func head() throws -> [String] {
    while true {
      if let end = buffer.firstRange(of: Array("\r\n\r\n".utf8)) {
        let text = String(decoding: buffer[..<end.lowerBound], as: UTF8.self)
        buffer.removeSubrange(..<end.upperBound)
        return text.split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init)
      }
      guard try fill() else { throw Failure.closed }
    }
  }

  private func chunks() throws -> [UInt8] {
    var body: [UInt8] = []
    while true {
      guard let size = Int(try line(), radix: 16) else { throw Failure.malformed("chunk size") }
      body += try take(size)
      _ = try line()
      if size == 0 { return body }
    }
  }

  private func line() throws -> String {
    while true {
      if let end = buffer.firstRange(of: Array("\r\n".utf8)) {
        let text = String(decoding: buffer[..<end.lowerBound], as: UTF8.self)
        buffer.removeSubrange(..<end.upperBound)
        return text
      }
      guard try fill() else { throw Failure.closed }
    }
  }

  private func take(_ count: Int) throws -> [UInt8] {
    while buffer.count < count { guard try fill() else { throw Failure.closed } }
    defer { buffer.removeFirst(count) }
    return Array(buffer[..<count])
  }

  /// Reads some bytes; false at the end.
  private func fill() throws -> Bool {
    var chunk = [UInt8](repeating: 0, count: 65536)
    let count = uninterrupted { recv(descriptor, &chunk, chunk.count, 0) }
    guard count >= 0 else { throw errno == EAGAIN ? Failure.timedOut : Failure.closed }
    buffer += chunk[..<count]
    return count > 0
  }
}

extension TestClient {
  /// Waits for something to read; says whether there was something, the end included.
  func pause(milliseconds: Int32) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, milliseconds) > 0
  }
}
