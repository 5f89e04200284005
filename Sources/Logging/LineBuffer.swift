/// The bytes of a line that is being made; always valid UTF-8, since only strings and ASCII go in.
struct LineBuffer {
  private(set) var bytes: [UInt8] = []

  init() {
    bytes.reserveCapacity(256)
  }

  mutating func append(_ text: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  mutating func append(utf8 text: String) {
    bytes.append(contentsOf: text.utf8)
  }

  mutating func append(byte: UInt8) {
    bytes.append(byte)
  }

  /// Adds a non-negative number with leading zeros.
  mutating func append(digits value: Int64, width: Int) {
    var divisor: Int64 = 1
    for _ in 1..<width { divisor *= 10 }
    while divisor > 0 {
      bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / divisor % 10))
      divisor /= 10
    }
  }

  /// Adds `\uXXXX` for a control character.
  private mutating func append(escapedControl value: UInt16) {
    append("\\u")
    for shift in [12, 8, 4, 0] { append(hexDigit: UInt8(value >> shift & 15)) }
  }

  private mutating func append(hexDigit value: UInt8) {
    bytes.append(value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10)
  }

  /// Adds text with quotes, backslashes and control characters escaped as in JSON.
  ///
  /// The C1 controls (U+0080 to U+009F) are escaped too: some terminals obey them. So is what ends a line or turns the
  /// direction of the text for some who show or read it (U+2028 to U+202E, U+2066 to U+2069).
  mutating func append(escaped text: String, quotes: Bool) {
    var text = text
    text.withUTF8 { source in
      var start = 0
      var index = 0
      while index < source.count {
        let byte = source[index]
        let control = Self.control(at: index, of: source)
        let isQuote = quotes && (byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\"))
        guard byte < 0x20 || byte == 0x7F || control != nil || isQuote else {
          index += 1
          continue
        }
        bytes.append(contentsOf: source[start..<index])
        switch byte {
        case UInt8(ascii: "\""): append("\\\"")
        case UInt8(ascii: "\\"): append("\\\\")
        case UInt8(ascii: "\n"): append("\\n")
        case UInt8(ascii: "\r"): append("\\r")
        case UInt8(ascii: "\t"): append("\\t")
        default: append(escapedControl: control ?? UInt16(byte))
        }
        index += byte == 0xC2 ? 2 : byte == 0xE2 ? 3 : 1
        start = index
      }
      bytes.append(contentsOf: source[start...])
    }
  }

  /// The code of a control beyond ASCII that begins here. The bytes are valid UTF-8.
  private static func control(at index: Int, of source: UnsafeBufferPointer<UInt8>) -> UInt16? {
    switch source[index] {
    case 0xC2 where source[index + 1] < 0xA0: UInt16(source[index + 1])
    case 0xE2:
      switch (source[index + 1], source[index + 2]) {
      case (0x80, 0xA8...0xAE), (0x81, 0xA6...0xA9):
        0x2000 | UInt16(source[index + 1] & 1) << 6 | UInt16(source[index + 2] & 0x3F)
      default: nil
      }
    default: nil
    }
  }
}
