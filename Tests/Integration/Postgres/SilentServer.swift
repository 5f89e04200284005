import Glibc
import Synchronization
import Testing

/// Lets connections in and never says a word.
final class SilentServer: Sendable {
  let port: UInt16
  private let listener: Int32
  private let clients = Mutex<[Int32]>([])

  init() throws {
    let socket = Glibc.socket(
      AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
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
  }

  deinit {
    for client in clients.withLock({ $0 }) { close(client) }
    close(listener)
  }

  /// How many have connected so far.
  var clientCount: Int {
    clients.withLock { clients in
      while true {
        let client = accept(listener, nil, nil)
        guard client >= 0 else { return clients.count }
        clients.append(client)
      }
    }
  }
}
