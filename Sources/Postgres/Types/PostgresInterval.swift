/// A span of time as the calendar counts: PostgreSQL's `interval`. Months and days are kept apart from hours, because
/// neither has a fixed length. Where months do not matter, `Duration` will do.
public struct PostgresInterval: Sendable, Hashable, Codable {
  /// Months; a year is twelve.
  public var months: Int32
  /// Days.
  public var days: Int32
  /// Hours, minutes and seconds, in microseconds.
  public var microseconds: Int64

  /// A span by its parts, each of which may be negative.
  public init(months: Int32 = 0, days: Int32 = 0, microseconds: Int64 = 0) {
    self.months = months
    self.days = days
    self.microseconds = microseconds
  }

  /// Longer than every other; PostgreSQL has it from version 17.
  public static let infinity = PostgresInterval(months: .max, days: .max, microseconds: .max)
  /// The opposite.
  public static let negativeInfinity = PostgresInterval(months: .min, days: .min, microseconds: .min)
}

extension PostgresInterval: CustomStringConvertible {
  /// In ISO 8601: `P1Y2M3DT4H5M6.5S`.
  public var description: String {
    if self == .infinity { return "infinity" }
    if self == .negativeInfinity { return "-infinity" }
    func part(_ number: some BinaryInteger, _ unit: String) -> String { number == 0 ? "" : "\(number)\(unit)" }
    let date = part(months / 12, "Y") + part(months % 12, "M") + part(days, "D")
    let seconds = microseconds / 1_000_000
    var time = part(seconds / 3600, "H") + part(seconds / 60 % 60, "M")
    let rest = microseconds % 60_000_000
    if rest != 0 {
      var fraction = Int((rest % 1_000_000).magnitude).padded(6)[...]
      while fraction.last == "0" { fraction.removeLast() }
      time += "\(rest < 0 ? "-" : "")\(rest.magnitude / 1_000_000)\(fraction.isEmpty ? "" : ".\(fraction)")S"
    }
    return date.isEmpty && time.isEmpty ? "PT0S" : "P\(date)\(time.isEmpty ? "" : "T\(time)")"
  }
}

extension PostgresInterval: PostgresCodable {
  /// `interval`.
  public static var postgresType: PostgresType { .interval }

  /// Microseconds, days, months.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) {
    buffer.append(microseconds)
    buffer.append(days)
    buffer.append(months)
  }

  /// From `interval`.
  public init(from cell: PostgresCell) throws(PostgresError) {
    let bytes = try cell.bytes(for: Self.self, ofType: 1186)
    guard let microseconds = bytes.integer(Int64.self), let days = bytes.integer(Int32.self, at: 8),
      let months = bytes.integer(Int32.self, at: 12)
    else { throw cell.outOfRange(Self.self) }
    self.init(months: months, days: days, microseconds: microseconds)
  }
}

extension Duration: PostgresCodable {
  /// `interval`.
  public static var postgresType: PostgresType { .interval }

  /// As microseconds; what is finer is cut off.
  ///
  /// - Throws: ``PostgresError`` for one of more than 292 000 years.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) {
    let (seconds, attoseconds) = components
    let (whole, isTooLong) = seconds.multipliedReportingOverflow(by: 1_000_000)
    let (sum, isStillTooLong) = whole.addingReportingOverflow(attoseconds / 1_000_000_000_000)
    guard !isTooLong, !isStillTooLong else {
      throw PostgresError(.encoding, "a duration longer than PostgreSQL's interval can hold")
    }
    try PostgresInterval(microseconds: sum).encode(into: &buffer)
  }

  /// From an `interval` without months; a day is taken as 24 hours.
  public init(from cell: PostgresCell) throws(PostgresError) {
    let interval = try PostgresInterval(from: cell)
    guard interval.months == 0 else {
      throw PostgresError(
        .decoding, "an interval of \(interval) where Duration is expected; a month has no fixed length")
    }
    self = .microseconds(interval.microseconds) + .seconds(86_400 * Int64(interval.days))
  }
}
