import Glibc
import Synchronization
import TestSupport

/// A WebSocket client that can break every rule, on a blocking socket. All calls block, so they belong on `offPool`.
final class RawClient: Sendable {
  enum Failure: Error, Equatable {
    case system(String, Int32)
    case closed
    case timedOut
    case refused(String)
  }

  struct Frame: Equatable {
    var opcode: UInt8
    var payload: [UInt8]
    var isFinal = true

    var text: String { String(decoding: payload, as: UTF8.self) }
    /// Of a close frame.
    var code: Int? { payload.count < 2 ? nil : Int(payload[0]) << 8 | Int(payload[1]) }
  }

  static let (text, binary, close, ping, pong): (UInt8, UInt8, UInt8, UInt8, UInt8) = (1, 2, 8, 9, 10)

  private let descriptor: Int32
  private let buffer = Mutex<[UInt8]>([])
  /// The answer to the handshake, headers included.
  let answer: String

  /// Connects and shakes hands; reads give up after `patience` seconds.
  /// What is `early` is sent together with the handshake.
  init(
    _ port: Int, _ target: String = "/ws", headers: String = "", patience: Int = 60, window: Int32? = nil,
    early: [UInt8] = []
  ) throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
    self.descriptor = descriptor
    if var window { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &window, 4) }
    // What is sent is on its way, whatever becomes of the connection next.
    var one: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
    var limit = timeval(tv_sec: patience, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let status = withUnsafePointer(to: &address) { address in
      address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    let cause = errno
    let request =
      "GET \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
      + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\(headers)\r\n"
    var answer: [UInt8] = []
    var failure = status == 0 ? nil : Failure.system("connect", cause)
    if failure == nil { failure = Self.send(descriptor, Array(request.utf8) + early) }
    while failure == nil, !answer.suffix(4).elementsEqual("\r\n\r\n".utf8) {
      var byte: UInt8 = 0
      let count = uninterrupted { recv(descriptor, &byte, 1, 0) }
      if count == 1 { answer.append(byte) } else { failure = count == 0 ? .closed : .timedOut }
    }
    self.answer = String(decoding: answer, as: UTF8.self)
    if let failure { throw failure }
    guard self.answer.hasPrefix("HTTP/1.1 101 ") else { throw Failure.refused(self.answer) }
  }

  deinit { Glibc.close(descriptor) }

  // MARK: Writing

  func send(
    _ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true, reserved: UInt8 = 0, masked: Bool = true,
    length: UInt64? = nil
  ) throws {
    try send(Self.frame(opcode, payload, isFinal: isFinal, reserved: reserved, masked: masked, length: length))
  }

  func send(_ text: String) throws { try send(Self.text, Array(text.utf8)) }

  func send(_ bytes: [UInt8]) throws {
    if let failure = Self.send(descriptor, bytes) { throw failure }
  }

  static func frame(
    _ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true, reserved: UInt8 = 0, masked: Bool = true,
    length: UInt64? = nil
  ) -> [UInt8] {
    var frame = [(isFinal ? 0x80 : 0) | reserved << 4 | opcode]
    let length = length ?? UInt64(payload.count)
    let mark: UInt8 = masked ? 0x80 : 0
    switch length {
    case ..<126: frame.append(mark | UInt8(length))
    case ..<65536: frame += [mark | 126, UInt8(length >> 8), UInt8(length & 255)]
    default: frame += [mark | 127] + (0..<8).map { UInt8(truncatingIfNeeded: length >> UInt64(56 - 8 * $0)) }
    }
    guard masked else { return frame + payload }
    let mask: [UInt8] = [0x12, 0xAB, 0x00, 0xFF]
    return frame + mask + payload.enumerated().map { $1 ^ mask[$0 & 3] }
  }

  private static func send(_ descriptor: Int32, _ bytes: [UInt8]) -> Failure? {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { bytes in
        uninterrupted { Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)) }
      }
      guard count > 0 else { return errno == EAGAIN ? .timedOut : .closed }
      rest = rest.dropFirst(count)
    }
    return nil
  }

  /// Breaks the connection without a goodbye; with a reset if `hard`.
  func abort(hard: Bool) {
    if hard {
      var linger = linger(l_onoff: 1, l_linger: 0)
      setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
      var nobody = sockaddr()
      nobody.sa_family = sa_family_t(AF_UNSPEC)
      connect(descriptor, &nobody, socklen_t(MemoryLayout<sockaddr>.size))
    } else {
      shutdown(descriptor, Int32(SHUT_RDWR))
    }
  }

  // MARK: Reading

  func frame() throws -> Frame {
    let head = try take(2)
    var length = Int(head[1] & 0x7F)
    if length == 126 {
      length = try take(2).reduce(0) { $0 << 8 | Int($1) }
    } else if length == 127 {
      length = try take(8).reduce(0) { $0 << 8 | Int($1) }
    }
    return Frame(opcode: head[0] & 15, payload: try take(length), isFinal: head[0] & 0x80 != 0)
  }

  /// The close frame, past all that comes before it, which is answered, and the end behind it.
  func farewell() throws -> Int? {
    while true {
      let frame = try frame()
      guard frame.opcode == Self.close else { continue }
      // The server may listen no more, which makes the end a reset.
      _ = Self.send(descriptor, Self.frame(Self.close, frame.payload))
      do { while try fill() {} } catch Failure.closed {}
      return frame.code
    }
  }

  /// Reads until there are so many bytes.
  func wait(forBytes count: Int) throws {
    while buffer.withLock({ $0.count }) < count { guard try fill() else { throw Failure.closed } }
  }

  private func take(_ count: Int) throws -> [UInt8] {
    try wait(forBytes: count)
    return buffer.withLock { buffer in
      defer { buffer.removeFirst(count) }
      return Array(buffer[..<count])
    }
  }

  /// Reads some bytes; false at the end.
  private func fill() throws -> Bool {
    var chunk = [UInt8](repeating: 0, count: 65536)
    let count = uninterrupted { recv(descriptor, &chunk, chunk.count, 0) }
    guard count >= 0 else { throw errno == EAGAIN ? Failure.timedOut : Failure.closed }
    buffer.withLock { $0 += chunk[..<count] }
    return count > 0
  }
}
