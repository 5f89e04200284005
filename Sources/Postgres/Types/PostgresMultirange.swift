public import FoundationEssentials

/// A set of ranges that do not touch: PostgreSQL's `int8multirange` and its kin, from version 14.
///
/// PostgreSQL sorts the ranges, joins those that touch and drops the empty.
public struct PostgresMultirange<Bound: PostgresRangeBound>: Sendable, Hashable where Bound: Hashable {
  /// The ranges.
  public var ranges: [PostgresRange<Bound>]

  /// From ranges in any order.
  public init(_ ranges: [PostgresRange<Bound>] = []) { self.ranges = ranges }
}

extension PostgresMultirange: Codable where Bound: Codable {}

extension PostgresMultirange: PostgresCodable {
  /// The bound's multirange type.
  public static var postgresType: PostgresType { Bound.multirangeType }

  /// The number of ranges, then each behind its length.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) {
    buffer.append(Int32(clamping: ranges.count))
    for range in ranges { try buffer.appendElement(range) }
  }

  /// From a multirange of the bound's type. One of the database's own is read too, by the type of its bounds, where
  /// ``ConnectOptions/types`` names a type.
  public init(from cell: PostgresCell) throws(PostgresError) {
    guard let bytes = cell.binary, cell.type == Bound.multirangeType.oid || cell.boundType != nil else {
      throw cell.mismatch(Self.self)
    }
    var reader = BinaryReader(bytes)
    guard let count = reader.integer(Int32.self) else { throw cell.outOfRange(Self.self) }
    ranges = []
    while ranges.count < Int(count) {
      guard let range = reader.part()?.bytes else { throw cell.outOfRange(Self.self) }
      ranges.append(try PostgresRange.read(range, cell))
    }
  }
}

extension Int: PostgresRangeBound {
  /// `int8range`.
  public static var rangeType: PostgresType { .int8range }
  /// `int8multirange`.
  public static var multirangeType: PostgresType { .int8multirange }
}

extension Int64: PostgresRangeBound {
  /// `int8range`.
  public static var rangeType: PostgresType { .int8range }
  /// `int8multirange`.
  public static var multirangeType: PostgresType { .int8multirange }
}

extension Int32: PostgresRangeBound {
  /// `int4range`.
  public static var rangeType: PostgresType { .int4range }
  /// `int4multirange`.
  public static var multirangeType: PostgresType { .int4multirange }
}

extension Decimal: PostgresRangeBound {
  /// `numrange`.
  public static var rangeType: PostgresType { .numrange }
  /// `nummultirange`.
  public static var multirangeType: PostgresType { .nummultirange }
}

extension Date: PostgresRangeBound {
  /// `tstzrange`.
  public static var rangeType: PostgresType { .tstzrange }
  /// `tstzmultirange`.
  public static var multirangeType: PostgresType { .tstzmultirange }
}

extension PostgresDate: PostgresRangeBound {
  /// `daterange`.
  public static var rangeType: PostgresType { .daterange }
  /// `datemultirange`.
  public static var multirangeType: PostgresType { .datemultirange }
}

extension PostgresTimestamp: PostgresRangeBound {
  /// `tsrange`.
  public static var rangeType: PostgresType { .tsrange }
  /// `tsmultirange`.
  public static var multirangeType: PostgresType { .tsmultirange }
}
