/// A day of the calendar, without time or zone: PostgreSQL's `date`.
///
/// The Gregorian calendar, extended to before its invention as PostgreSQL does. Its text is PostgreSQL's: `2024-02-29`,
/// `0044-03-15 BC`, `infinity`.
public struct PostgresDate: Sendable, Hashable, Comparable {
  /// Days since 2000-01-01; the greatest and the least number stand for the infinities.
  public let daysSince2000: Int32

  /// From days since 2000-01-01.
  public init(daysSince2000: Int32) { self.daysSince2000 = daysSince2000 }

  /// Later than every day.
  public static let infinity = PostgresDate(daysSince2000: .max)
  /// Earlier than every day.
  public static let negativeInfinity = PostgresDate(daysSince2000: .min)

  /// A day by its parts; nil when there is no such day.
  ///
  /// - Parameters:
  ///   - year: 0 is 1 BC, -1 is 2 BC. From -4713 (in PostgreSQL from its 24 November) to 5 874 897.
  ///   - month: from 1 to 12.
  ///   - day: the first is 1.
  public init?(year: Int, month: Int, day: Int) {
    guard (-4713...5_874_897).contains(year), (1...12).contains(month),
      (1...Self.length(ofMonth: month, year)).contains(day)
    else { return nil }
    // Years that begin in March have their leap day at the end; 400 of them are 146 097 days.
    let shifted = month > 2 ? year : year - 1
    let cycle = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfCycle = shifted - cycle * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfCycle = yearOfCycle * 365 + yearOfCycle / 4 - yearOfCycle / 100 + dayOfYear
    daysSince2000 = Int32(truncatingIfNeeded: cycle * 146_097 + dayOfCycle - Self.daysToEpoch)
  }

  /// From 1 March of the year 0 to 1 January 2000.
  private static let daysToEpoch = 730_425

  /// Whether it is a day and not an infinity.
  public var isFinite: Bool { self != .infinity && self != .negativeInfinity }

  /// Year (0 is 1 BC), month and day; nil for the infinities.
  public var components: (year: Int, month: Int, day: Int)? {
    guard isFinite else { return nil }
    let days = Int(daysSince2000) + Self.daysToEpoch
    let cycle = (days >= 0 ? days : days - 146_096) / 146_097
    let dayOfCycle = days - cycle * 146_097
    let yearOfCycle = (dayOfCycle - dayOfCycle / 1460 + dayOfCycle / 36_524 - dayOfCycle / 146_096) / 365
    let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = cycle * 400 + yearOfCycle + (month > 2 ? 0 : 1)
    return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
  }

  private static func length(ofMonth month: Int, _ year: Int) -> Int {
    switch month {
    case 2: year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400)) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// The earlier is the lesser.
  public static func < (left: PostgresDate, right: PostgresDate) -> Bool { left.daysSince2000 < right.daysSince2000 }
}

extension PostgresDate: LosslessStringConvertible, Codable {
  /// From PostgreSQL's text.
  public init?(_ text: String) {
    switch text {
    case "infinity": self = .infinity
    case "-infinity": self = .negativeInfinity
    default:
      let isBC = text.hasSuffix(" BC")
      let parts = (isBC ? text.dropLast(3) : text[...]).split(separator: "-", omittingEmptySubsequences: false)
      guard parts.count == 3, parts[0].utf8.count >= 4, parts[1].utf8.count == 2, parts[2].utf8.count == 2,
        let year = parts[0].digits, let month = parts[1].digits, let day = parts[2].digits, year > 0
      else { return nil }
      self.init(year: isBC ? 1 - year : year, month: month, day: day)
    }
  }

  /// PostgreSQL's text, in ISO style.
  public var description: String {
    guard let (year, month, day) = components else { return self == .infinity ? "infinity" : "-infinity" }
    let date = "\((year > 0 ? year : 1 - year).padded(4))-\(month.padded(2))-\(day.padded(2))"
    return year > 0 ? date : date + " BC"
  }

  /// From its text.
  public init(from decoder: any Decoder) throws { self = try decoder.losslessString() }

  /// As its text.
  public func encode(to encoder: any Encoder) throws { try encoder.encodeDescription(of: self) }
}

extension PostgresDate: PostgresCodable {
  /// `date`.
  public static var postgresType: PostgresType { .date }

  /// Days in four bytes.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) { buffer.append(daysSince2000) }

  /// From `date`.
  public init(from cell: PostgresCell) throws(PostgresError) {
    guard let days = try cell.bytes(for: Self.self, ofType: 1082).integer(Int32.self) else {
      throw cell.outOfRange(Self.self)
    }
    daysSince2000 = days
  }
}

// MARK: Text of the calendar's types

extension Substring {
  /// The number that its digits are; nil when there is anything else in it.
  var digits: Int? { utf8.allSatisfy { (48...57).contains($0) } ? Int(self) : nil }
}

extension Int {
  /// With zeros in front.
  func padded(_ width: Int) -> String {
    let digits = String(self)
    return String(repeating: "0", count: Swift.max(0, width - digits.utf8.count)) + digits
  }
}

extension Decoder {
  /// The value whose text stands here.
  func losslessString<Value: LosslessStringConvertible>(_ type: Value.Type = Value.self) throws -> Value {
    let container = try singleValueContainer()
    let text = try container.decode(String.self)
    guard let value = Value(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not the text of a \(type)")
    }
    return value
  }
}

extension Encoder {
  func encodeDescription(of value: some LosslessStringConvertible) throws {
    var container = singleValueContainer()
    try container.encode(value.description)
  }
}
