/// A network of the Internet: PostgreSQL's `cidr`, such as `192.168.0.0/16`.
public struct PostgresCIDR: Sendable, Hashable {
  /// The network's first address and its size.
  public let network: PostgresInet

  /// From an address and a size; nil when a bit behind the network's is set.
  public init?(_ network: PostgresInet) {
    guard network.isNetwork else { return nil }
    self.network = network
  }
}

extension PostgresCIDR: LosslessStringConvertible, Codable {
  /// From an address and the bits of its network behind a slash.
  public init?(_ text: String) {
    guard let network = PostgresInet(text) else { return nil }
    self.init(network)
  }

  /// PostgreSQL's text, which always has the size.
  public var description: String { "\(network.addressText)/\(network.prefixLength)" }

  /// From its text.
  public init(from decoder: any Decoder) throws { self = try decoder.losslessString() }

  /// As its text.
  public func encode(to encoder: any Encoder) throws { try encoder.encodeDescription(of: self) }
}

extension PostgresCIDR: PostgresCodable {
  /// `cidr`.
  public static var postgresType: PostgresType { .cidr }

  /// As `inet`.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) {
    network.encode(into: &buffer, kind: 1)
  }

  /// From `cidr`.
  public init(from cell: PostgresCell) throws(PostgresError) {
    guard cell.type == PostgresType.cidr.oid else { throw cell.mismatch(Self.self) }
    guard let value = PostgresCIDR(try PostgresInet(from: cell)) else { throw cell.outOfRange(Self.self) }
    self = value
  }
}
