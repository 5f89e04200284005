internal import FoundationEssentials

// How dates stand in JSON: as all who read the column understand them.
extension Date {
  func encodeISO8601(to encoder: any Encoder) throws {
    guard let text = iso8601 else {
      throw EncodingError.invalidValue(
        self, .init(codingPath: encoder.codingPath, debugDescription: "ISO 8601 has the years from 0 to 9999"))
    }
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }

  init(fromISO8601 decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    // What was stored before dates were texts.
    if let seconds = try? container.decode(Double.self) {
      self.init(timeIntervalSinceReferenceDate: seconds)
      return
    }
    guard let date = Date(iso8601: try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a moment in ISO 8601")
    }
    self = date
  }

  /// Always with six digits behind the point, so that the texts sort as the moments do.
  private var iso8601: String? {
    let microseconds = ((timeIntervalSinceReferenceDate - Self.postgresEpoch) * 1e6).rounded()
    guard let exact = Int64(exactly: microseconds) else { return nil }
    let moment = PostgresTimestamp(microsecondsSince2000: exact)
    guard let (year, month, day) = moment.date.components, (0...9999).contains(year) else { return nil }
    let time = moment.time
    return "\(year.padded(4))-\(month.padded(2))-\(day.padded(2))T\(time.hour.padded(2)):\(time.minute.padded(2)):"
      + "\(time.second.padded(2)).\(time.microsecond.padded(6))Z"
  }

  /// `2024-02-29T12:30:00.5+02:00`; nil without a zone, for then it is no moment.
  private init?(iso8601 text: String) {
    guard let clock = text.firstIndex(where: { $0 == "T" || $0 == " " }),
      let zone = text[clock...].firstIndex(where: { "Zz+-".contains($0) }),
      let offset = Self.seconds(zone: text[zone...])
    else { return nil }
    var local = text[..<zone]
    if let point = local.lastIndex(of: ".") {
      local = local.prefix(through: point) + local[point...].dropFirst().prefix(6)
    }
    // The year 0 is a leap year, as 2000 is, and ISO 8601 has it where PostgreSQL writes 1 BC.
    guard let moment = PostgresTimestamp(local.hasPrefix("0000-") ? "0001\(local.dropFirst(4)) BC" : String(local))
    else { return nil }
    // `infinity 12:00-02` is read as a timestamp too, and is no moment; the last ones there are have no room for a zone.
    let (utc, isTooFar) = moment.microsecondsSince2000.subtractingReportingOverflow(offset * 1_000_000)
    guard moment.isFinite, !isTooFar else { return nil }
    self.init(timeIntervalSinceReferenceDate: Double(utc) / 1e6 + Self.postgresEpoch)
  }

  /// How far ahead of UTC the clocks of `Z`, `+02`, `+0200`, `+02:00` and, as PostgreSQL writes times of the past,
  /// `+00:19:32` are.
  private static func seconds(zone: Substring) -> Int64? {
    if zone == "Z" || zone == "z" { return 0 }
    let digits = zone.dropFirst().filter { $0 != ":" }
    guard [2, 4, 6].contains(digits.count), let number = (digits + "0000").prefix(6).digits else { return nil }
    let seconds = number / 10_000 * 3600 + number / 100 % 100 * 60 + number % 100
    return Int64(zone.first == "-" ? -seconds : seconds)
  }
}
