/// The address of a network card: PostgreSQL's `macaddr`, such as `08:00:2b:01:02:03`.
public struct PostgresMACAddress: Sendable, Hashable {
  /// Six bytes.
  public let bytes: [UInt8]

  /// From six bytes; nil for any other number.
  public init?(bytes: [UInt8]) {
    guard bytes.count == 6 else { return nil }
    self.bytes = bytes
  }
}

extension PostgresMACAddress: LosslessStringConvertible, Codable {
  /// From six pairs of hexadecimal digits with colons between.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let bytes = parts.compactMap { part in
      part.utf8.count == 2 && part.allSatisfy(\.isHexDigit) ? UInt8(part, radix: 16) : nil
    }
    guard bytes.count == parts.count else { return nil }
    self.init(bytes: bytes)
  }

  /// PostgreSQL's text.
  public var description: String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
  }

  /// From its text.
  public init(from decoder: any Decoder) throws { self = try decoder.losslessString() }

  /// As its text.
  public func encode(to encoder: any Encoder) throws { try encoder.encodeDescription(of: self) }
}

extension PostgresMACAddress: PostgresCodable {
  /// `macaddr`.
  public static var postgresType: PostgresType { .macaddr }

  /// Six bytes.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) { buffer.append(bytes) }

  /// From `macaddr`.
  public init(from cell: PostgresCell) throws(PostgresError) {
    guard let value = PostgresMACAddress(bytes: Array(try cell.bytes(for: Self.self, ofType: 829))) else {
      throw cell.outOfRange(Self.self)
    }
    self = value
  }
}
