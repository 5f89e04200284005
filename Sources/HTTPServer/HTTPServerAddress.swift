/// Where a server listens.
public enum HTTPServerAddress: Sendable, Hashable {
  /// An IP address and a port. Port 0 asks the system for a free one.
  ///
  /// `host` is an IPv4 or IPv6 address or `localhost` (which is 127.0.0.1); `0.0.0.0` is every IPv4 address of the
  /// machine and `::` every address of both kinds. Names are not looked up.
  case ip(host: String, port: Int)
  /// A unix socket. The file is made at the start and removed at the stop.
  case unix(path: String)

  /// The port; nil for a unix socket.
  public var port: Int? {
    switch self {
    case .ip(_, let port): port
    case .unix: nil
    }
  }
}

extension HTTPServerAddress: LosslessStringConvertible {
  /// Reads `127.0.0.1:8080`, `[::1]:8080`, `:8080` (every address), `localhost:8080`, `unix:/run/app.sock`.
  public init?(_ description: String) {
    if description.hasPrefix("unix:") {
      let path = description.dropFirst("unix:".count)
      guard !path.isEmpty else { return nil }
      self = .unix(path: String(path))
      return
    }
    guard let colon = description.lastIndex(of: ":"), let port = UInt16(description[description.index(after: colon)...])
    else { return nil }
    var host = description[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      return nil
    }
    self = .ip(host: host.isEmpty ? "::" : String(host), port: Int(port))
  }

  /// The form that `init(_:)` reads.
  public var description: String {
    switch self {
    case .ip(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }
}
