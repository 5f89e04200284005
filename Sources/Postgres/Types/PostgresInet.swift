#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// An address of the Internet, with the size of its network: PostgreSQL's `inet`.
///
/// Its text is PostgreSQL's: `192.168.0.1`, `192.168.0.1/24`, `2001:db8::1`.
public struct PostgresInet: Sendable, Hashable {
  /// 4 bytes, or 16.
  public let address: [UInt8]
  /// How many bits name the network; all of them for a single host.
  public let prefixLength: Int

  /// An address of 4 or 16 bytes; nil for any other number, or when the network has more bits than the address.
  ///
  /// - Parameter prefixLength: nil for a single host.
  public init?(address: [UInt8], prefixLength: Int? = nil) {
    let prefixLength = prefixLength ?? address.count * 8
    guard [4, 16].contains(address.count), (0...address.count * 8).contains(prefixLength) else { return nil }
    self.address = address
    self.prefixLength = prefixLength
  }

  /// Whether it is of version 6.
  public var isIPv6: Bool { address.count == 16 }

  /// Whether all bits behind the network's are zero, as `cidr` wants it.
  var isNetwork: Bool {
    address.enumerated().allSatisfy { index, byte in
      let bits = min(max(prefixLength - index * 8, 0), 8)
      return byte & UInt8(truncatingIfNeeded: 0xff >> bits) == 0
    }
  }

  /// The address without the network.
  var addressText: String {
    // The longest text of an address of version 6 (INET6_ADDRSTRLEN).
    var text = [CChar](repeating: 0, count: 46)
    let family = isIPv6 ? AF_INET6 : AF_INET
    guard inet_ntop(family, address, &text, socklen_t(text.count)) != nil else { return "" }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

extension PostgresInet: LosslessStringConvertible, Codable {
  /// From an address, or an address and the bits of its network behind a slash.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), !text.utf8.contains(0) else { return nil }
    let isIPv6 = parts[0].contains(":")
    var address = [UInt8](repeating: 0, count: isIPv6 ? 16 : 4)
    guard inet_pton(isIPv6 ? AF_INET6 : AF_INET, String(parts[0]), &address) == 1 else { return nil }
    if parts.count == 2 {
      guard let prefixLength = parts[1].digits else { return nil }
      self.init(address: address, prefixLength: prefixLength)
    } else {
      self.init(address: address)
    }
  }

  /// PostgreSQL's text.
  public var description: String {
    prefixLength == address.count * 8 ? addressText : "\(addressText)/\(prefixLength)"
  }

  /// From its text.
  public init(from decoder: any Decoder) throws { self = try decoder.losslessString() }

  /// As its text.
  public func encode(to encoder: any Encoder) throws { try encoder.encodeDescription(of: self) }
}

extension PostgresInet: PostgresCodable {
  /// `inet`.
  public static var postgresType: PostgresType { .inet }

  /// Family, bits of the network, kind, number of bytes, bytes.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) { encode(into: &buffer, kind: 0) }

  // PostgreSQL counts its families from AF_INET of the oldest systems (PGSQL_AF_INET).
  func encode(into buffer: inout ParameterBuffer, kind: UInt8) {
    buffer.append([isIPv6 ? 3 : 2, UInt8(truncatingIfNeeded: prefixLength), kind, UInt8(address.count)])
    buffer.append(address)
  }

  /// From `inet` or `cidr`.
  public init(from cell: PostgresCell) throws(PostgresError) {
    let bytes = try cell.bytes(for: Self.self, of: 869, 650)
    guard bytes.count >= 4, bytes.count == 4 + Int(bytes[3]),
      let value = PostgresInet(address: Array(bytes[4...]), prefixLength: Int(bytes[1]))
    else { throw cell.outOfRange(Self.self) }
    self = value
  }
}
