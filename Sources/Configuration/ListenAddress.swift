#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Where a server listens: `127.0.0.1:8080`, `[::1]:8080`, `:8080` (every interface) or `unix:/run/app.sock`.
public enum ListenAddress: Sendable, Hashable {
  /// A host name or address, without brackets, and a port; 0 lets the system choose one.
  case tcp(host: String, port: UInt16)
  /// The path of a unix socket.
  case unix(path: String)

  /// The longest path that the system's socket address holds, beside its final zero.
  static let maxUnixPathLength = 107

  /// Reads an address.
  public init(_ text: String) throws(SettingValueError) {
    if text.hasPrefix("unix:") {
      let path = String(text.dropFirst("unix:".count))
      guard !path.isEmpty else { throw SettingValueError("'\(text)' names no path: write 'unix:/run/app.sock'") }
      guard path.utf8.count <= Self.maxUnixPathLength else {
        throw SettingValueError("the socket path '\(path)' is longer than \(Self.maxUnixPathLength) bytes")
      }
      self = .unix(path: path)
      return
    }
    guard let colon = text.lastIndex(of: ":") else {
      let hint = UInt16(text) != nil ? ": write '127.0.0.1:\(text)'" : ": write '\(text):8080'"
      throw SettingValueError("'\(text)' is not host:port\(hint)")
    }
    let portText = text[text.index(after: colon)...]
    guard portText.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(portText) else {
      throw SettingValueError("'\(portText)' in '\(text)' is not a port from 0 to 65535")
    }
    self = .tcp(host: try Self.host(text[..<colon], in: text), port: port)
  }

  private static func host(_ text: Substring, in whole: String) throws(SettingValueError) -> String {
    if text.isEmpty { return "" }
    if text.hasPrefix("["), text.hasSuffix("]") {
      let literal = String(text.dropFirst().dropLast())
      guard isAddress(literal, family: AF_INET6) else {
        throw SettingValueError("'\(literal)' in '\(whole)' is not an IPv6 address")
      }
      return literal
    }
    guard !text.contains(":") else {
      throw SettingValueError("'\(whole)' is not host:port: write an IPv6 address in brackets, as in '[::1]:8080'")
    }
    let looksLikeIPv4 = text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
    let isName = text.utf8.allSatisfy {
      switch $0 {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): true
      default: false
      }
    }
    guard looksLikeIPv4 ? isAddress(String(text), family: AF_INET) : isName else {
      throw SettingValueError("'\(text)' in '\(whole)' is not a host name or an address")
    }
    return String(text)
  }

  private static func isAddress(_ text: String, family: Int32) -> Bool {
    var storage = in6_addr()
    return inet_pton(family, text, &storage) == 1
  }
}

extension ListenAddress: CustomStringConvertible {
  /// The address as `init` reads it.
  public var description: String {
    switch self {
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }
}

extension ListenAddress: SettingValue {
  /// An address to listen on.
  public static var kind: String { "an address such as '127.0.0.1:8080', '[::1]:8080' or 'unix:/run/app.sock'" }

  /// Reads an address.
  public static func parse(_ value: ConfigurationValue) throws(SettingValueError) -> Self {
    try ListenAddress(try value.text(expecting: kind))
  }

  /// The address as `init` reads it.
  public var settingText: String { description }
}
