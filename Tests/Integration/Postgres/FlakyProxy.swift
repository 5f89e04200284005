import Dispatch
import Glibc
import Postgres
import Synchronization
import Testing

/// A way to a server over TCP that misbehaves on demand.
final class FlakyProxy: Sendable {
  enum Mood: Sendable {
    case passing
    /// Nothing moves, and nobody is told.
    case stalled
    /// Whoever connects is let in, and then nothing of his moves; the others go on.
    case deaf
    /// Everything comes this much later.
    case slow(milliseconds: UInt32)
    /// The client gets noise for answers.
    case garbage
    /// Whoever connects is sent away, and whoever is connected too.
    case cutting
  }

  let port: UInt16
  private let target: String
  private let listener: Int32
  private let mood = Mutex(Mood.passing)
  private let isClosed = Atomic(false)

  /// - Parameter target: a server's unix socket.
  init(to target: String) throws {
    self.target = target
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(socket, address, length) == 0 && listen(socket, 64) == 0 && getsockname(socket, address, &length) == 0
      }
    }
    try #require(isListening)
    listener = socket
    port = UInt16(bigEndian: address.sin_port)
    Self.onThread { self.accept() }
  }

  /// In front of a server at a unix socket.
  convenience init(inFrontOf options: ConnectOptions) throws {
    try self.init(to: "\(options["host"] ?? "")/.s.PGSQL.\(options["port"] ?? "5432")")
  }

  /// The same database by way of the proxy.
  func redirecting(_ options: ConnectOptions) -> ConnectOptions {
    var options = options
    options["host"] = "127.0.0.1"
    options["port"] = "\(port)"
    return options
  }

  /// A queue each, so a thread each: those of one concurrent queue would wait for one another.
  private static func onThread(_ body: @escaping @Sendable () -> Void) {
    DispatchQueue(label: "flaky-proxy").async(execute: body)
  }

  func set(_ new: Mood) { mood.withLock { $0 = new } }

  func close() { isClosed.store(true, ordering: .relaxed) }

  private var isOver: Bool { isClosed.load(ordering: .relaxed) }

  private func isReady(_ descriptor: Int32) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, 10) > 0
  }

  private func accept() {
    while !isOver {
      guard isReady(listener) else { continue }
      let client = Glibc.accept(listener, nil, nil)
      if client >= 0 { Self.onThread { self.serve(client) } }
    }
    Glibc.close(listener)
  }

  private func serve(_ client: Int32) {
    let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: target.utf8) }
    let isConnected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(server, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
    while case .deaf = mood.withLock({ $0 }), !isOver { usleep(2_000) }
    if isConnected { pump(client, server) }
    Glibc.close(client)
    Glibc.close(server)
  }

  private func pump(_ client: Int32, _ server: Int32) {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while !isOver {
      let mood = mood.withLock { $0 }
      if case .cutting = mood { return }
      var entries = [
        pollfd(fd: client, events: Int16(POLLIN), revents: 0), pollfd(fd: server, events: Int16(POLLIN), revents: 0),
      ]
      guard poll(&entries, 2, 10) > 0 else { continue }
      if case .stalled = mood {
        usleep(2_000)
        continue
      }
      for (index, entry) in entries.enumerated() where entry.revents != 0 {
        let count = read(entry.fd, &buffer, buffer.count)
        guard count > 0 else { return }
        if case .slow(let milliseconds) = mood { usleep(milliseconds * 1000) }
        if case .garbage = mood, index == 1 {
          for index in 0..<count { buffer[index] = UInt8.random(in: 0...255) }
        }
        var sent = 0
        while sent < count {
          let written = buffer[sent..<count].withUnsafeBytes {
            send(index == 0 ? server : client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
          }
          guard written > 0 else { return }
          sent += written
        }
      }
    }
  }
}
