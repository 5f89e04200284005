/// A time of the day, without a zone: PostgreSQL's `time`. From 00:00:00 to 24:00:00, to the microsecond.
public struct PostgresTime: Sendable, Hashable, Comparable {
  /// Microseconds since midnight.
  public let microseconds: Int64

  static let microsecondsPerDay: Int64 = 86_400_000_000

  /// From microseconds since midnight; nil beyond 24 hours.
  public init?(microseconds: Int64) {
    guard (0...Self.microsecondsPerDay).contains(microseconds) else { return nil }
    self.microseconds = microseconds
  }

  /// A time by its parts; nil when there is no such time. 24:00:00 is the end of the day.
  public init?(hour: Int, minute: Int, second: Int = 0, microsecond: Int = 0) {
    guard (0...24).contains(hour), (0...59).contains(minute), (0...59).contains(second),
      (0...999_999).contains(microsecond)
    else { return nil }
    self.init(microseconds: Int64(((hour * 60 + minute) * 60 + second) * 1_000_000 + microsecond))
  }

  /// 00:00:00.
  public static let midnight = PostgresTime(unchecked: 0)

  init(unchecked microseconds: Int64) { self.microseconds = microseconds }

  /// From 0 to 24.
  public var hour: Int { Int(microseconds / 3_600_000_000) }
  /// From 0 to 59.
  public var minute: Int { Int(microseconds / 60_000_000 % 60) }
  /// From 0 to 59.
  public var second: Int { Int(microseconds / 1_000_000 % 60) }
  /// From 0 to 999 999.
  public var microsecond: Int { Int(microseconds % 1_000_000) }

  /// The earlier is the lesser.
  public static func < (left: PostgresTime, right: PostgresTime) -> Bool { left.microseconds < right.microseconds }
}

extension PostgresTime: LosslessStringConvertible, Codable {
  /// From `12:30:00` or `12:30:00.5`.
  public init?(_ text: String) { self.init(text[...]) }

  init?(_ text: Substring) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].utf8.count == 2, parts[1].utf8.count == 2 else { return nil }
    let seconds = parts[2].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let fraction = seconds.count == 2 ? seconds[1] : "0"
    guard seconds[0].utf8.count == 2, (1...6).contains(fraction.utf8.count), let hour = parts[0].digits,
      let minute = parts[1].digits, let second = seconds[0].digits, let digits = fraction.digits
    else { return nil }
    let microsecond = (0..<(6 - fraction.utf8.count)).reduce(digits) { value, _ in value * 10 }
    self.init(hour: hour, minute: minute, second: second, microsecond: microsecond)
  }

  /// PostgreSQL's text: `12:30:00`, with as many digits behind the point as it takes.
  public var description: String {
    let time = "\(hour.padded(2)):\(minute.padded(2)):\(second.padded(2))"
    guard microsecond > 0 else { return time }
    var fraction = microsecond.padded(6)[...]
    while fraction.last == "0" { fraction.removeLast() }
    return "\(time).\(fraction)"
  }

  /// From its text.
  public init(from decoder: any Decoder) throws { self = try decoder.losslessString() }

  /// As its text.
  public func encode(to encoder: any Encoder) throws { try encoder.encodeDescription(of: self) }
}

extension PostgresTime: PostgresCodable {
  /// `time`.
  public static var postgresType: PostgresType { .time }

  /// Microseconds in eight bytes.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) { buffer.append(microseconds) }

  /// From `time`.
  public init(from cell: PostgresCell) throws(PostgresError) {
    guard let microseconds = try cell.bytes(for: Self.self, ofType: 1083).integer(Int64.self),
      let time = PostgresTime(microseconds: microseconds)
    else { throw cell.outOfRange(Self.self) }
    self = time
  }
}
