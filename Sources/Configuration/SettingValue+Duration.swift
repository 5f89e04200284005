extension Duration: SettingValue {
  /// A duration.
  public static var kind: String { "a duration such as '30s', '1h30m' or '500ms'" }

  /// Reads numbers with units, largest first: `1d`, `1h30m`, `1.5s`, `500ms`. Only `0` needs no unit.
  public static func parse(_ value: ConfigurationValue) throws(SettingValueError) -> Duration {
    let text = try value.text(expecting: kind)
    return try DurationText.parse(text)
  }

  /// The duration in whole numbers of its units, exact to the nanosecond: `1h30m`.
  public var settingText: String { DurationText.format(self) }
}

/// The written form of durations.
enum DurationText {
  /// Units from large to small, in nanoseconds.
  private static let units: [(name: String, nanoseconds: Int64)] = [
    ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
    ("ms", 1_000_000), ("us", 1000), ("ns", 1),
  ]

  /// Words that people write for a unit.
  private static let synonyms: [String: String] = [
    "day": "d", "days": "d", "hour": "h", "hours": "h", "hr": "h", "hrs": "h", "min": "m", "mins": "m",
    "minute": "m", "minutes": "m", "sec": "s", "secs": "s", "second": "s", "seconds": "s", "msec": "ms",
    "millis": "ms", "milliseconds": "ms", "micros": "us", "microseconds": "us", "nanos": "ns", "nanoseconds": "ns",
    "D": "d", "H": "h", "M": "m", "S": "s", "MS": "ms",
  ]

  static func parse(_ text: String) throws(SettingValueError) -> Duration {
    if text == "0" { return .zero }
    guard !text.isEmpty else { throw SettingValueError("expected \(Duration.kind), found no value") }
    guard !text.hasPrefix("-") else { throw SettingValueError("a duration cannot be negative, found '\(text)'") }
    var rest = text[...]
    var total: Int64 = 0
    var previousUnit = -1
    while !rest.isEmpty {
      let number = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
      rest = rest.dropFirst(number.count)
      let name = rest.prefix { !($0.isASCII && $0.isNumber) && $0 != "." }
      rest = rest.dropFirst(name.count)
      guard !number.isEmpty else { throw SettingValueError("expected \(Duration.kind), found '\(text)'") }
      guard !name.isEmpty else {
        throw SettingValueError("'\(text)' has no unit: add a unit, such as '\(text)s' or '\(text)m'")
      }
      let unit = try unitIndex(of: String(name), in: text)
      guard unit > previousUnit else {
        throw SettingValueError("'\(text)' names its units out of order: write each once, the largest first")
      }
      previousUnit = unit
      let (sum, overflow) = total.addingReportingOverflow(try nanoseconds(number, units[unit].nanoseconds, in: text))
      guard !overflow else { throw SettingValueError("'\(text)' is too long a duration") }
      total = sum
    }
    return .nanoseconds(total)
  }

  private static func unitIndex(of name: String, in text: String) throws(SettingValueError) -> Int {
    let name = name == "µs" || name == "μs" ? "us" : name
    if let index = units.firstIndex(where: { $0.name == name }) { return index }
    let hint = synonyms[name].map { ": write '\($0)'" } ?? ""
    throw SettingValueError("unknown unit '\(name)' in '\(text)'\(hint) (units are d, h, m, s, ms, us, ns)")
  }

  /// `number` times `unit`, exactly: a fraction finer than a nanosecond is refused rather than rounded.
  private static func nanoseconds(
    _ number: Substring, _ unit: Int64, in text: String
  ) throws(SettingValueError) -> Int64 {
    let parts = number.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty }) else {
      throw SettingValueError("'\(number)' in '\(text)' is not a number")
    }
    guard let whole = Int64(parts[0]) else { throw SettingValueError("'\(text)' is too long a duration") }
    var (result, overflow) = whole.multipliedReportingOverflow(by: unit)
    if parts.count == 2 {
      var scale = unit
      for digit in parts[1].utf8 where digit != UInt8(ascii: "0") || scale > 1 {
        guard scale % 10 == 0 else { throw SettingValueError("'\(text)' is finer than a nanosecond") }
        scale /= 10
        let (sum, carry) = result.addingReportingOverflow(Int64(digit - UInt8(ascii: "0")) * scale)
        result = sum
        overflow = overflow || carry
      }
    }
    guard !overflow else { throw SettingValueError("'\(text)' is too long a duration") }
    return result
  }

  static func format(_ duration: Duration) -> String {
    var nanoseconds = duration.attoseconds.magnitude / 1_000_000_000
    guard nanoseconds > 0 else { return "0s" }
    var text = duration < .zero ? "-" : ""
    for unit in units {
      let (count, rest) = nanoseconds.quotientAndRemainder(dividingBy: UInt128(unit.nanoseconds))
      if count > 0 { text += "\(count)\(unit.name)" }
      nanoseconds = rest
    }
    return text
  }
}
