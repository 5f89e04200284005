extension FixedWidthInteger where Self: PostgresCodable {
  /// Two, four or eight bytes, as many as the Swift type has.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) { buffer.append(self) }

  /// From any of PostgreSQL's integers, if the value fits.
  public init(from cell: PostgresCell) throws(PostgresError) {
    guard let bytes = cell.bytes else { throw cell.mismatch(Self.self) }
    let value: Self? =
      switch cell.type {
      case 20: bytes.integer(Int64.self).flatMap { Self(exactly: $0) }
      case 23: bytes.integer(Int32.self).flatMap { Self(exactly: $0) }
      case 21: bytes.integer(Int16.self).flatMap { Self(exactly: $0) }
      case 26: bytes.integer(UInt32.self).flatMap { Self(exactly: $0) }
      default: throw cell.mismatch(Self.self)
      }
    guard let value else { throw cell.outOfRange(Self.self) }
    self = value
  }
}

extension Int: PostgresCodable {
  /// `bigint`.
  public static var postgresType: PostgresType { .int8 }
}

extension Int64: PostgresCodable {
  /// `bigint`.
  public static var postgresType: PostgresType { .int8 }
}

extension Int32: PostgresCodable {
  /// `integer`.
  public static var postgresType: PostgresType { .int4 }
}

extension Int16: PostgresCodable {
  /// `smallint`.
  public static var postgresType: PostgresType { .int2 }
}

extension UInt32: PostgresCodable {
  /// `bigint`, which holds every value; `oid` columns can be read as it too.
  public static var postgresType: PostgresType { .int8 }

  /// Eight bytes.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) { buffer.append(Int64(self)) }
}

extension Bool: PostgresCodable {
  /// `boolean`.
  public static var postgresType: PostgresType { .bool }

  /// One byte.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) { buffer.append(UInt8(self ? 1 : 0)) }

  /// From `boolean`.
  public init(from cell: PostgresCell) throws(PostgresError) {
    guard let byte = try cell.bytes(for: Self.self, ofType: 16).first else { throw cell.outOfRange(Self.self) }
    self = byte != 0
  }
}
