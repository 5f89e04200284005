/// Bytes of an exposition that is being written.
struct ByteWriter {
  private(set) var bytes: [UInt8] = []

  init(capacity: Int = 64) {
    bytes.reserveCapacity(capacity)
  }

  mutating func write(_ text: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  mutating func write(_ more: [UInt8]) {
    bytes.append(contentsOf: more)
  }

  mutating func write(utf8 text: String) {
    bytes.append(contentsOf: text.utf8)
  }

  /// Adds text in which a backslash, a line feed and a double quote are escaped.
  mutating func write(escapedLabelValue text: String) {
    write(escaped: text, quotes: true)
  }

  /// Adds text in which a backslash and a line feed are escaped.
  mutating func write(escapedHelp text: String) {
    write(escaped: text, quotes: false)
  }

  private mutating func write(escaped text: String, quotes: Bool) {
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): write("\\\\")
      case UInt8(ascii: "\n"): write("\\n")
      case UInt8(ascii: "\"") where quotes: write("\\\"")
      default: bytes.append(byte)
      }
    }
  }

  /// Adds the shortest text that reads back as the same number; whole numbers without a fraction.
  mutating func write(_ value: Double) {
    // Up to 2^53 every whole number is exact.
    if value.magnitude < 9_007_199_254_740_992, value == value.rounded(.towardZero) {
      if value.sign == .minus, value != 0 { bytes.append(UInt8(ascii: "-")) }
      write(UInt64(value.magnitude))
    } else if value.isNaN {
      write("NaN")
    } else if value.isInfinite {
      write(value > 0 ? "+Inf" : "-Inf")
    } else {
      write(utf8: value.description)
    }
  }

  /// Adds a bound or quantile the way OpenMetrics asks for, always with a fraction: `1.0`, `0.25`, `+Inf`.
  mutating func write(canonical value: Double) {
    if value.isInfinite { write(value > 0 ? "+Inf" : "-Inf") } else { write(utf8: value.description) }
  }

  mutating func write(_ value: UInt64) {
    if value < 10 {
      bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value))
      return
    }
    // 20 digits hold every 64-bit number.
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var rest = value
      var start = digits.count
      while rest > 0 {
        let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
        start -= 1
        digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
        rest = quotient
      }
      bytes.append(contentsOf: digits[start...])
    }
  }
}
