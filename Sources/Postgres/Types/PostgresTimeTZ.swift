/// A time of the day at an offset from UTC: PostgreSQL's `timetz`. Two are equal when time and offset are.
public struct PostgresTimeTZ: Sendable, Hashable {
  /// The time on the clock there.
  public let time: PostgresTime
  /// How far that clock is ahead of UTC; west of Greenwich it is negative.
  public let secondsFromUTC: Int

  /// A time at an offset; nil for an offset of 16 hours or more, which PostgreSQL has not.
  public init?(_ time: PostgresTime, secondsFromUTC: Int) {
    guard secondsFromUTC.magnitude < 16 * 3600 else { return nil }
    self.time = time
    self.secondsFromUTC = secondsFromUTC
  }
}

extension PostgresTimeTZ: LosslessStringConvertible, Codable {
  /// From `12:30:00+02`, `12:30:00-03:30` or `12:30:00+00:00:01`.
  public init?(_ text: String) {
    guard let sign = text.lastIndex(where: { $0 == "+" || $0 == "-" }), let time = PostgresTime(text[..<sign]) else {
      return nil
    }
    let parts = text[text.index(after: sign)...].split(separator: ":", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { $0.utf8.count == 2 ? $0.digits : nil }
    guard numbers.count == parts.count, (1...3).contains(numbers.count), numbers.dropFirst().allSatisfy({ $0 < 60 })
    else { return nil }
    let seconds = zip(numbers, [3600, 60, 1]).reduce(0) { $0 + $1.0 * $1.1 }
    self.init(time, secondsFromUTC: text[sign] == "-" ? -seconds : seconds)
  }

  /// PostgreSQL's text.
  public var description: String {
    let (hours, rest) = abs(secondsFromUTC).quotientAndRemainder(dividingBy: 3600)
    var text = "\(time)\(secondsFromUTC < 0 ? "-" : "+")\(hours.padded(2))"
    if rest > 0 { text += ":\((rest / 60).padded(2))" }
    if rest % 60 > 0 { text += ":\((rest % 60).padded(2))" }
    return text
  }

  /// From its text.
  public init(from decoder: any Decoder) throws { self = try decoder.losslessString() }

  /// As its text.
  public func encode(to encoder: any Encoder) throws { try encoder.encodeDescription(of: self) }
}

extension PostgresTimeTZ: PostgresCodable {
  /// `timetz`.
  public static var postgresType: PostgresType { .timetz }

  /// Microseconds since midnight, then seconds west of Greenwich.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) {
    buffer.append(time.microseconds)
    buffer.append(Int32(truncatingIfNeeded: -secondsFromUTC))
  }

  /// From `timetz`.
  public init(from cell: PostgresCell) throws(PostgresError) {
    let bytes = try cell.bytes(for: Self.self, ofType: 1266)
    guard let microseconds = bytes.integer(Int64.self), let west = bytes.integer(Int32.self, at: 8),
      let time = PostgresTime(microseconds: microseconds),
      let value = PostgresTimeTZ(time, secondsFromUTC: -Int(west))
    else { throw cell.outOfRange(Self.self) }
    self = value
  }
}
