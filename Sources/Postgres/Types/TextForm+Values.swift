// What single types write in text otherwise than in Swift.

extension PostgresTimestamp {
  /// From the text of a `timestamptz`, whatever the session's time zone: `2024-02-29 12:30:00.5+05:30`.
  init?(utc text: String) {
    if let infinite = PostgresTimestamp(text), !infinite.date.isFinite {
      self = infinite
      return
    }
    let isBC = text.hasSuffix(" BC")
    let body = isBC ? text.dropLast(3) : text[...]
    guard let sign = body.lastIndex(where: { $0 == "+" || $0 == "-" }),
      let local = PostgresTimestamp(body[..<sign] + (isBC ? " BC" : "")),
      let zone = PostgresTimeTZ("00:00:00" + body[sign...])
    else { return nil }
    self.init(microsecondsSince2000: local.microsecondsSince2000 - Int64(zone.secondsFromUTC) * 1_000_000)
  }

  /// As the text of a `timestamptz`.
  var utcText: String {
    let text = description
    guard date.isFinite else { return text }
    return text.hasSuffix(" BC") ? text.dropLast(3) + "+00 BC" : text + "+00"
  }
}

extension PostgresInterval {
  /// From PostgreSQL's text in its style `postgres`: `1 year 2 mons -3 days +04:05:06.789`.
  init?(postgres text: String) {
    switch text {
    case "infinity": self = .infinity
    case "-infinity": self = .negativeInfinity
    default:
      var (months, days, microseconds) = (0, 0, 0)
      var words = text.split(separator: " ")[...]
      while let word = words.popFirst() {
        if word.contains(":") {
          guard let time = Self.microseconds(word) else { return nil }
          microseconds = time
          continue
        }
        guard let number = Int32(word).map(Int.init) else { return nil }
        switch words.popFirst() {
        case "year", "years": months += 12 * number
        case "mon", "mons": months += number
        case "day", "days": days += number
        default: return nil
        }
      }
      guard let months = Int32(exactly: months), let days = Int32(exactly: days) else { return nil }
      self.init(months: months, days: days, microseconds: Int64(microseconds))
    }
  }

  /// Of hours, minutes and seconds, with a sign before them all.
  private static func microseconds(_ text: Substring) -> Int? {
    let isNegative = text.hasPrefix("-")
    let digits = isNegative || text.hasPrefix("+") ? text.dropFirst() : text
    let parts = digits.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 3, let hours = parts[0].digits, hours <= 2_562_047_788,
      let time = PostgresTime("00:\(parts[1]):\(parts[2])")
    else { return nil }
    let (sum, isTooLong) = (hours * 3_600_000_000).addingReportingOverflow(Int(time.microseconds))
    return isTooLong ? nil : isNegative ? -sum : sum
  }

  /// With a sign before each number, since in one of the server's styles the first sign counts for all.
  var postgresText: String {
    if self == .infinity { return "infinity" }
    if self == .negativeInfinity { return "-infinity" }
    let span = microseconds.magnitude
    let time = PostgresTime(unchecked: Int64(span % 3_600_000_000)).description.dropFirst(2)
    func signed(_ number: Int32) -> String { number < 0 ? "\(number)" : "+\(number)" }
    let hours = Int(span / 3_600_000_000).padded(2)
    return "\(signed(months)) mons \(signed(days)) days \(microseconds < 0 ? "-" : "+")\(hours)\(time)"
  }
}

extension NumericDigits {
  // What stands for the sign in the binary form (src/backend/utils/adt/numeric.c).
  private static let specials: [(text: String, sign: UInt16)] = [
    ("NaN", 0xC000), ("Infinity", 0xD000), ("-Infinity", 0xF000),
  ]

  /// Appends the binary form of PostgreSQL's text.
  static func encode(_ text: String, into buffer: inout ParameterBuffer) throws(PostgresError) {
    if let special = specials.first(where: { $0.text == text }) {
      for word in [0, 0, special.sign, 0] { buffer.append(word) }
      return
    }
    guard text.utf8.allSatisfy({ (48...57).contains($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }) else {
      throw PostgresError(.decoding, "a text that is not that of a number")
    }
    NumericDigits(decimal: text).encode(into: &buffer)
  }

  /// PostgreSQL's text of the binary form.
  static func text(of cell: PostgresCell) throws(PostgresError) -> String {
    let bytes = try cell.bytes(for: NumericDigits.self, ofType: PostgresType.numeric.oid)
    if let digits = NumericDigits(binary: bytes) { return digits.description }
    let sign: UInt16? = bytes.integer(at: 4)
    guard let special = specials.first(where: { $0.sign == sign }) else { throw cell.outOfRange(NumericDigits.self) }
    return special.text
  }
}
