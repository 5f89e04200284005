internal import FoundationEssentials

/// How values are written as JSON and read from it, here and in tests.
enum JSONCoding {
  static func encode(_ value: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .custom { date, encoder in
      var container = encoder.singleValueContainer()
      try container.encode(text(of: date))
    }
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(value))
  }

  /// Reads fractions of a second, to any digit that a `Date` has.
  static func decoder() -> JSONDecoder {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    return decoder
  }

  /// Not by `ISO8601FormatStyle`, which knows no microseconds, and cuts off milliseconds where it should round.
  static func text(of date: Date) -> String {
    var second = date.timeIntervalSinceReferenceDate.rounded(.down)
    var microseconds = ((date.timeIntervalSinceReferenceDate - second) * 1e6).rounded()
    if microseconds == 1e6 { (second, microseconds) = (second + 1, 0) }
    let whole = Date(timeIntervalSinceReferenceDate: second).formatted(.iso8601)
    guard microseconds > 0, whole.hasSuffix("Z") else { return whole }
    let isInMilliseconds = microseconds.truncatingRemainder(dividingBy: 1000) == 0
    let digits = isInMilliseconds ? "\(Int(microseconds) / 1000)" : "\(Int(microseconds))"
    let zeros = String(repeating: "0", count: (isInMilliseconds ? 3 : 6) - digits.count)
    return "\(whole.dropLast()).\(zeros)\(digits)Z"
  }
}
