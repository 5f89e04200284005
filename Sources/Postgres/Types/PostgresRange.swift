/// A value that PostgreSQL has ranges of: `Int32`, `Int`, `Int64`, `Decimal`, `Date`, ``PostgresDate`` and
/// ``PostgresTimestamp``.
public protocol PostgresRangeBound: PostgresCodable, Comparable {
  /// The type of its ranges.
  static var rangeType: PostgresType { get }
  /// The type of sets of its ranges.
  static var multirangeType: PostgresType { get }
}

/// All values between two: PostgreSQL's `int8range`, `tstzrange` and their kin.
///
/// PostgreSQL writes ranges of whole numbers and days anew: what goes in as `1...5` comes back as `1..<6`.
public struct PostgresRange<Bound: PostgresRangeBound>: Sendable, Hashable where Bound: Hashable {
  /// Where a range ends on one side.
  public enum Edge: Sendable, Hashable {
    /// It does not.
    case unbounded
    /// With this value.
    case inclusive(Bound)
    /// Just short of this value.
    case exclusive(Bound)
  }

  /// Where it begins.
  public let lower: Edge
  /// Where it ends.
  public let upper: Edge
  /// Whether there is nothing in it; its edges then mean nothing.
  public let isEmpty: Bool

  /// A range between two edges. Whether the lower is above the upper is for PostgreSQL to say.
  public init(_ lower: Edge, _ upper: Edge) { self.init(lower, upper, isEmpty: false) }

  private init(_ lower: Edge, _ upper: Edge, isEmpty: Bool) {
    self.lower = lower
    self.upper = upper
    self.isEmpty = isEmpty
  }

  /// `1..<6`.
  public init(_ range: Range<Bound>) {
    self.init(.inclusive(range.lowerBound), .exclusive(range.upperBound), isEmpty: range.isEmpty)
  }

  /// `1...5`.
  public init(_ range: ClosedRange<Bound>) { self.init(.inclusive(range.lowerBound), .inclusive(range.upperBound)) }

  /// `1...`.
  public init(_ range: PartialRangeFrom<Bound>) { self.init(.inclusive(range.lowerBound), .unbounded) }

  /// A range with nothing in it.
  public static var empty: PostgresRange { PostgresRange(.unbounded, .unbounded, isEmpty: true) }

  /// Whether a value is in it.
  public func contains(_ value: Bound) -> Bool {
    if isEmpty { return false }
    switch lower {
    case .inclusive(let bound) where value < bound: return false
    case .exclusive(let bound) where value <= bound: return false
    case .unbounded, .inclusive, .exclusive: break
    }
    switch upper {
    case .inclusive(let bound) where value > bound: return false
    case .exclusive(let bound) where value >= bound: return false
    case .unbounded, .inclusive, .exclusive: return true
    }
  }

  /// Two empty ranges are equal, whatever their edges.
  public static func == (left: PostgresRange, right: PostgresRange) -> Bool {
    left.isEmpty ? right.isEmpty : !right.isEmpty && left.lower == right.lower && left.upper == right.upper
  }

  /// As equality has it.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(isEmpty)
    guard !isEmpty else { return }
    hasher.combine(lower)
    hasher.combine(upper)
  }
}

/// The first byte of a range in binary form: `src/include/utils/rangetypes.h`.
enum PostgresRangeFlags {
  static let empty: UInt8 = 0x01
  static let lowerInclusive: UInt8 = 0x02
  static let upperInclusive: UInt8 = 0x04
  static let lowerUnbounded: UInt8 = 0x08
  static let upperUnbounded: UInt8 = 0x10
}

extension PostgresRange.Edge: Codable where Bound: Codable {}
extension PostgresRange: Codable where Bound: Codable {}

extension PostgresRange: PostgresCodable {
  /// The bound's range type.
  public static var postgresType: PostgresType { Bound.rangeType }

  /// A byte of flags, then the bounds there are.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) {
    guard !isEmpty else {
      buffer.append(PostgresRangeFlags.empty)
      return
    }
    buffer.append(
      lower.flags(PostgresRangeFlags.lowerInclusive, PostgresRangeFlags.lowerUnbounded)
        | upper.flags(PostgresRangeFlags.upperInclusive, PostgresRangeFlags.upperUnbounded))
    for case let bound? in [lower.bound, upper.bound] { try buffer.appendElement(bound) }
  }

  /// From a range of the bound's type. One of the database's own is read too, by the type of its bounds, where
  /// ``ConnectOptions/types`` names a type.
  public init(from cell: PostgresCell) throws(PostgresError) {
    guard let bytes = cell.binary, cell.type == Bound.rangeType.oid || cell.boundType != nil else {
      throw cell.mismatch(Self.self)
    }
    self = try Self.read(bytes, cell)
  }

  static func read(_ bytes: UnsafeRawBufferPointer, _ cell: PostgresCell) throws(PostgresError) -> PostgresRange {
    let boundType = cell.boundType ?? Bound.postgresType.oid
    var reader = BinaryReader(bytes)
    guard let flags = reader.integer(UInt8.self) else { throw cell.outOfRange(Self.self) }
    if flags & PostgresRangeFlags.empty != 0 { return .empty }
    func edge(_ unbounded: UInt8, _ inclusive: UInt8) throws(PostgresError) -> Edge {
      if flags & unbounded != 0 { return .unbounded }
      guard let part = reader.part() else { throw cell.outOfRange(Self.self) }
      let bound = try Bound(from: cell.part(part.bytes, ofType: boundType))
      return flags & inclusive != 0 ? .inclusive(bound) : .exclusive(bound)
    }
    let lower = try edge(PostgresRangeFlags.lowerUnbounded, PostgresRangeFlags.lowerInclusive)
    return PostgresRange(lower, try edge(PostgresRangeFlags.upperUnbounded, PostgresRangeFlags.upperInclusive))
  }
}

extension PostgresRange.Edge {
  var bound: Bound? {
    switch self {
    case .unbounded: nil
    case .inclusive(let bound), .exclusive(let bound): bound
    }
  }

  fileprivate func flags(_ inclusive: UInt8, _ unbounded: UInt8) -> UInt8 {
    switch self {
    case .unbounded: unbounded
    case .inclusive: inclusive
    case .exclusive: 0
    }
  }
}
