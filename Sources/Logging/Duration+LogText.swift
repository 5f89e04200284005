extension Duration {
  /// The duration in the unit that reads best, with at most three decimals: `850ns`, `12.5ms`, `1.25s`, `2m5s`.
  var logText: String {
    // 128 bits, since the magnitude of the lowest duration does not fit the `Int64` of `components`.
    let nanoseconds = attoseconds.magnitude / 1_000_000_000
    let sign = attoseconds < 0 ? "-" : ""
    switch nanoseconds {
    case ..<1000: return "\(sign)\(nanoseconds)ns"
    case ..<1_000_000: return sign + Self.decimal(thousandths: nanoseconds, unit: "µs")
    case ..<1_000_000_000: return sign + Self.decimal(thousandths: nanoseconds / 1000, unit: "ms")
    case ..<60_000_000_000: return sign + Self.decimal(thousandths: nanoseconds / 1_000_000, unit: "s")
    default:
      let seconds = nanoseconds / 1_000_000_000
      let hours = seconds >= 3600 ? "\(seconds / 3600)h" : ""
      return "\(sign)\(hours)\(seconds / 60 % 60)m\(seconds % 60)s"
    }
  }

  /// A number of thousandths as a decimal without trailing zeros.
  private static func decimal(thousandths: UInt128, unit: String) -> String {
    let (whole, fraction) = thousandths.quotientAndRemainder(dividingBy: 1000)
    if fraction == 0 { return "\(whole)\(unit)" }
    var digits = String(fraction + 1000).dropFirst()
    while digits.last == "0" { digits.removeLast() }
    return "\(whole).\(digits)\(unit)"
  }

  /// The duration as a number of seconds, to the nanosecond: `0.0125`.
  var secondsText: String {
    let (seconds, attoseconds) = components
    return (Double(seconds) + Double(attoseconds / 1_000_000_000) / 1e9).description
  }
}
