extension Double: PostgresCodable {
  /// `double precision`.
  public static var postgresType: PostgresType { .float8 }

  /// Eight bytes.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) { buffer.append(bitPattern) }

  /// From `double precision` or `real`.
  public init(from cell: PostgresCell) throws(PostgresError) {
    if cell.type == PostgresType.float4.oid {
      self = Double(try Float(from: cell))
      return
    }
    guard let bits = try cell.bytes(for: Self.self, ofType: 701).integer(UInt64.self) else {
      throw cell.outOfRange(Self.self)
    }
    self = Double(bitPattern: bits)
  }
}

extension Float: PostgresCodable {
  /// `real`.
  public static var postgresType: PostgresType { .float4 }

  /// Four bytes.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) { buffer.append(bitPattern) }

  /// From `real`.
  public init(from cell: PostgresCell) throws(PostgresError) {
    guard let bits = try cell.bytes(for: Self.self, ofType: 700).integer(UInt32.self) else {
      throw cell.outOfRange(Self.self)
    }
    self = Float(bitPattern: bits)
  }
}
