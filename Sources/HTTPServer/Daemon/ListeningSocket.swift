internal import Glibc

/// A socket that listens. Made here and not by the HTTP library, so that a port in use is a clear error and port 0
/// tells which port it became.
struct ListeningSocket {
  /// Where it listens: with the port the system chose, if it was asked to.
  let address: HTTPServerAddress
  /// Whoever holds it closes it.
  let descriptor: Int32
  /// The socket's own number, which nothing else has while it is open, whoever gets the descriptor's number after it.
  private let identity: ino_t
  /// The file of a unix socket, whose number no other has while the socket is open.
  private let file: ino_t

  /// Binds and listens. Closes what it opened when that fails.
  init(_ address: HTTPServerAddress, backlog: Int) throws(HTTPServerError) {
    let storage = try SocketAddress(address)
    if case .unix(let path) = address { try Self.removeStaleSocket(path, storage) }
    let descriptor = socket(storage.family, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC | O_NONBLOCK, 0)
    guard descriptor >= 0 else { throw Self.error("cannot listen on \(address)", errno) }
    // Not SO_REUSEPORT: with it two processes would share the port and nobody would be told.
    Self.enable(descriptor, SOL_SOCKET, SO_REUSEADDR)
    if storage.isIPv6Wildcard { Self.enable(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
    guard storage.withPointer({ bind(descriptor, $0, $1) }) == 0, listen(descriptor, Int32(clamping: backlog)) == 0
    else {
      let cause = errno
      close(descriptor)
      throw Self.error("cannot listen on \(address)", cause)
    }
    self.descriptor = descriptor
    identity = Self.identity(of: descriptor)
    self.address = Self.boundAddress(of: descriptor, asked: address)
    file = Self.file(of: address)
  }

  /// Removes the file of a unix socket, unless another server's has taken its place. To be called while this one is open.
  func removeFile() {
    if case .unix(let path) = address, Self.file(of: address) == file { unlink(path) }
  }

  /// Removes its file, and closes it if it is not closed already. For a socket lent to somebody who may have closed it: by
  /// now the descriptor's number may be that of a database connection.
  func discard() {
    removeFile()
    if Self.identity(of: descriptor) == identity { close(descriptor) }
  }

  private static func identity(of descriptor: Int32) -> ino_t {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? status.st_ino : 0
  }

  private static func file(of address: HTTPServerAddress) -> ino_t {
    var status = stat()
    guard case .unix(let path) = address, lstat(path, &status) == 0 else { return 0 }
    return status.st_ino
  }

  private static func enable(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32 = 1) {
    var value = value
    setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout.size(ofValue: value)))
  }

  private static func boundAddress(of descriptor: Int32, asked: HTTPServerAddress) -> HTTPServerAddress {
    guard case .ip(let host, let port) = asked, port == 0 else { return asked }
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout.size(ofValue: storage))
    let status = withUnsafeMutablePointer(to: &storage) { storage in
      storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    guard status == 0 else { return asked }
    // The port stands at the same place in both kinds of address.
    let bound = withUnsafeBytes(of: storage) { $0.load(fromByteOffset: 2, as: UInt16.self) }
    return .ip(host: host, port: Int(UInt16(bigEndian: bound)))
  }

  /// A socket file that nobody listens on is left from a process that was killed.
  private static func removeStaleSocket(_ path: String, _ address: SocketAddress) throws(HTTPServerError) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      throw HTTPServerError(.cannotListen, "cannot listen on unix:\(path): a file that is not a socket is in the way")
    }
    let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC | O_NONBLOCK, 0)
    guard probe >= 0 else { return }
    defer { close(probe) }
    if address.withPointer({ connect(probe, $0, $1) }) != 0, errno == ECONNREFUSED { unlink(path) }
  }

  private static func error(_ failure: String, _ cause: Int32) -> HTTPServerError {
    switch cause {
    case EADDRINUSE:
      HTTPServerError(
        .addressInUse,
        "\(failure): address already in use; stop what listens there, or choose another port (0: a free one)")
    case EACCES:
      HTTPServerError(
        .cannotListen, "\(failure): permission denied; ports below 1024 need root or CAP_NET_BIND_SERVICE")
    case EADDRNOTAVAIL:
      HTTPServerError(.cannotListen, "\(failure): this machine does not have that address; 0.0.0.0 or :: is all it has")
    default:
      HTTPServerError(
        .cannotListen, "\(failure): \(String(cString: strerror(cause)))\(HTTPServerError.hint(forErrno: cause))")
    }
  }
}

/// A `sockaddr` of any kind.
private struct SocketAddress {
  private(set) var storage = sockaddr_storage()
  private let length: Int
  let family: Int32
  let isIPv6Wildcard: Bool

  init(_ address: HTTPServerAddress) throws(HTTPServerError) {
    switch address {
    case .ip(let host, let port): try self.init(host: host, port: port)
    case .unix(let path): try self.init(path: path)
    }
  }

  private init(host: String, port: Int) throws(HTTPServerError) {
    guard let port = UInt16(exactly: port) else {
      throw HTTPServerError(.invalidAddress, "\(port) is not a port; ports are 0 to 65535")
    }
    var four = sockaddr_in()
    var six = sockaddr_in6()
    if inet_pton(AF_INET, host == "localhost" ? "127.0.0.1" : host, &four.sin_addr) == 1 {
      four.sin_family = sa_family_t(AF_INET)
      four.sin_port = port.bigEndian
      self.init(four, family: AF_INET, isIPv6Wildcard: false)
    } else if inet_pton(AF_INET6, host, &six.sin6_addr) == 1 {
      six.sin6_family = sa_family_t(AF_INET6)
      six.sin6_port = port.bigEndian
      let isWildcard = withUnsafeBytes(of: six.sin6_addr) { $0.allSatisfy { $0 == 0 } }
      self.init(six, family: AF_INET6, isIPv6Wildcard: isWildcard)
    } else {
      throw HTTPServerError(
        .invalidAddress, "“\(host)” is not an IP address; use one of this machine, localhost, 0.0.0.0 or ::")
    }
  }

  private init(path: String) throws(HTTPServerError) {
    var unix = sockaddr_un()
    unix.sun_family = sa_family_t(AF_UNIX)
    let room = MemoryLayout.size(ofValue: unix.sun_path) - 1
    guard !path.isEmpty, path.utf8.count <= room, !path.utf8.contains(0) else {
      throw HTTPServerError(
        .invalidAddress, "unix:\(path): the path of a unix socket has 1 to \(room) bytes; shorten it")
    }
    withUnsafeMutableBytes(of: &unix.sun_path) { $0.copyBytes(from: path.utf8) }
    self.init(unix, family: AF_UNIX, isIPv6Wildcard: false)
  }

  private init<Address>(_ address: Address, family: Int32, isIPv6Wildcard: Bool) {
    length = MemoryLayout<Address>.size
    self.family = family
    self.isIPv6Wildcard = isIPv6Wildcard
    withUnsafeMutableBytes(of: &storage) { target in
      withUnsafeBytes(of: address) { target.copyMemory(from: $0) }
    }
  }

  func withPointer(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    withUnsafePointer(to: storage) { storage in
      storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
    }
  }
}
