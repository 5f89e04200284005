extension Double: PostgresCodable {
  /// `double precision`.
  public static var postgresType: PostgresType { .float8 }

  /// Eight bytes.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) { buffer.append(bitPattern) }

  /// From `double precision` or `real`.
  public init(from cell: PostgresCell) throws(PostgresError) {
    let bytes = try cell.bytes(for: Self.self, of: 701, 700)
    if let bits = bytes.integer(UInt64.self) {
      self = Double(bitPattern: bits)
    } else if let bits = bytes.integer(UInt32.self) {
      self = Double(Float(bitPattern: bits))
    } else {
      throw cell.outOfRange(Self.self)
    }
  }
}

extension Float: PostgresCodable {
  /// `real`.
  public static var postgresType: PostgresType { .float4 }

  /// Four bytes.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) { buffer.append(bitPattern) }

  /// From `real`.
  public init(from cell: PostgresCell) throws(PostgresError) {
    guard let bits = try cell.bytes(for: Self.self, of: 700).integer(UInt32.self) else {
      throw cell.outOfRange(Self.self)
    }
    self = Float(bitPattern: bits)
  }
}
