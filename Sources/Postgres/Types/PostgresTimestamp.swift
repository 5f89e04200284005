public import FoundationEssentials

/// A day and a time of the day, without a zone: PostgreSQL's `timestamp`. For a moment in time use `Date`, which is
/// `timestamptz`.
public struct PostgresTimestamp: Sendable, Hashable, Comparable {
  /// Microseconds since 2000-01-01 00:00:00; the greatest and the least number stand for the infinities.
  public let microsecondsSince2000: Int64

  /// From microseconds since 2000-01-01 00:00:00.
  public init(microsecondsSince2000: Int64) { self.microsecondsSince2000 = microsecondsSince2000 }

  /// A time on a day; 24:00:00 is the next day's midnight, and the time is ignored for an infinite date. nil beyond the
  /// year 294 276, where PostgreSQL's `timestamp` ends.
  public init?(_ date: PostgresDate, _ time: PostgresTime = .midnight) {
    switch date {
    case .infinity: self = .infinity
    case .negativeInfinity: self = .negativeInfinity
    default:
      let (days, isTooFar) = Int64(date.daysSince2000).multipliedReportingOverflow(by: PostgresTime.microsecondsPerDay)
      let (sum, isStillTooFar) = days.addingReportingOverflow(time.microseconds)
      guard !isTooFar, !isStillTooFar else { return nil }
      self.init(microsecondsSince2000: sum)
    }
  }

  /// Later than every other.
  public static let infinity = PostgresTimestamp(microsecondsSince2000: .max)
  /// Earlier than every other.
  public static let negativeInfinity = PostgresTimestamp(microsecondsSince2000: .min)

  /// Whether it is not an infinity.
  public var isFinite: Bool { self != .infinity && self != .negativeInfinity }

  /// The day.
  public var date: PostgresDate {
    switch self {
    case .infinity: .infinity
    case .negativeInfinity: .negativeInfinity
    default: PostgresDate(daysSince2000: Int32(clamping: days))
    }
  }

  /// The time of the day; midnight for the infinities.
  public var time: PostgresTime {
    // Subtracted from the day's own begin it lies within the day.
    isFinite ? PostgresTime(unchecked: microsecondsSince2000 &- days &* PostgresTime.microsecondsPerDay) : .midnight
  }

  private var days: Int64 {
    let (quotient, remainder) = microsecondsSince2000.quotientAndRemainder(dividingBy: PostgresTime.microsecondsPerDay)
    return remainder < 0 ? quotient - 1 : quotient
  }

  /// What clocks at UTC show at a moment.
  public init(utc moment: Date) {
    switch moment {
    case .distantFuture: self = .infinity
    case .distantPast: self = .negativeInfinity
    default:
      let microseconds = ((moment.timeIntervalSinceReferenceDate - Date.postgresEpoch) * 1e6).rounded()
      // Beyond 292 000 years.
      self.init(microsecondsSince2000: Int64(exactly: microseconds) ?? (microseconds > 0 ? .max : .min))
    }
  }

  /// The moment at which clocks at UTC show this; the infinities are `distantFuture` and `distantPast`.
  public var utc: Date {
    switch self {
    case .infinity: .distantFuture
    case .negativeInfinity: .distantPast
    default: Date(timeIntervalSinceReferenceDate: Double(microsecondsSince2000) / 1e6 + Date.postgresEpoch)
    }
  }

  /// The earlier is the lesser.
  public static func < (left: PostgresTimestamp, right: PostgresTimestamp) -> Bool {
    left.microsecondsSince2000 < right.microsecondsSince2000
  }
}

extension PostgresTimestamp: LosslessStringConvertible, Codable {
  /// From PostgreSQL's text: `2024-02-29 12:30:00.5`, with `T` between day and time if you like.
  public init?(_ text: String) {
    if let date = PostgresDate(text), !date.isFinite {
      self.init(date)
      return
    }
    let isBC = text.hasSuffix(" BC")
    let parts = (isBC ? text.dropLast(3) : text[...])
      .split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == " " || $0 == "T" }
    guard parts.count == 2, let date = PostgresDate(parts[0] + (isBC ? " BC" : "")), let time = PostgresTime(parts[1])
    else { return nil }
    self.init(date, time)
  }

  /// PostgreSQL's text, in ISO style.
  public var description: String {
    guard let components = date.components else { return date.description }
    guard components.year <= 0 else { return "\(date) \(time)" }
    return "\(date.description.dropLast(3)) \(time) BC"
  }

  /// From its text.
  public init(from decoder: any Decoder) throws { self = try decoder.losslessString() }

  /// As its text.
  public func encode(to encoder: any Encoder) throws { try encoder.encodeDescription(of: self) }
}

extension PostgresTimestamp: PostgresCodable {
  /// `timestamp`.
  public static var postgresType: PostgresType { .timestamp }

  /// Microseconds in eight bytes.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) { buffer.append(microsecondsSince2000) }

  /// From `timestamp`.
  public init(from cell: PostgresCell) throws(PostgresError) {
    guard let microseconds = try cell.bytes(for: Self.self, ofType: 1114).integer(Int64.self) else {
      throw cell.outOfRange(Self.self)
    }
    microsecondsSince2000 = microseconds
  }
}
