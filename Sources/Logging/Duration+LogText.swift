extension Duration {
  /// The duration in the unit that reads best, in three figures at most: `850ns`, `12.5ms`, `1.25s`, `2m5s`.
  package var logText: String {
    // 128 bits, since the magnitude of the lowest duration does not fit the `Int64` of `components`.
    let nanoseconds = attoseconds.magnitude / 1_000_000_000
    let sign = attoseconds < 0 ? "-" : ""
    var unit: UInt128 = 1
    for name in ["ns", "µs", "ms"] {
      if let text = Self.threeFigures(nanoseconds, unit) { return "\(sign)\(text)\(name)" }
      unit *= 1000
    }
    if nanoseconds < 59_950_000_000, let text = Self.threeFigures(nanoseconds, unit) { return "\(sign)\(text)s" }
    let seconds = (nanoseconds + unit / 2) / unit
    let hours = seconds >= 3600 ? "\(seconds / 3600)h" : ""
    return "\(sign)\(hours)\(seconds / 60 % 60)m\(seconds % 60)s"
  }

  /// A multiple of a unit, rounded, without zeros at the end of a fraction; nil from a thousand on.
  private static func threeFigures(_ value: UInt128, _ unit: UInt128) -> String? {
    // In hundredths of the unit, in steps of 1, 10 or 100 of them: rounded once, or 12.345 would become 12.4.
    let step: UInt128 = value < 10 * unit ? 1 : value < 100 * unit ? 10 : 100
    let rounded = (value * 100 + unit * step / 2) / (unit * step) * step
    guard rounded < 100_000 else { return nil }
    let (whole, fraction) = rounded.quotientAndRemainder(dividingBy: 100)
    if fraction == 0 { return "\(whole)" }
    return fraction % 10 == 0 ? "\(whole).\(fraction / 10)" : "\(whole).\(fraction < 10 ? "0" : "")\(fraction)"
  }

  /// The duration as a number of seconds, to the nanosecond: `0.0125`.
  var secondsText: String {
    let (seconds, attoseconds) = components
    return (Double(seconds) + Double(attoseconds / 1_000_000_000) / 1e9).description
  }
}
