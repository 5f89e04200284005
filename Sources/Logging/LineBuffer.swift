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

  /// Adds `\u00XX` for a control character.
  mutating func append(escapedControl value: UInt8) {
    append("\\u00")
    append(hexDigit: value >> 4)
    append(hexDigit: value & 15)
  }

  private mutating func append(hexDigit value: UInt8) {
    bytes.append(value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10)
  }

  /// Adds text with quotes, backslashes and control characters escaped as in JSON.
  ///
  /// The C1 controls (U+0080 to U+009F) are escaped too: some terminals obey them.
  mutating func append(escaped text: String, quotes: Bool) {
    var text = text
    text.withUTF8 { source in
      var start = 0
      var index = 0
      while index < source.count {
        let byte = source[index]
        let isC1 = byte == 0xC2 && index + 1 < source.count && source[index + 1] < 0xA0
        let isQuote = quotes && (byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\"))
        guard byte < 0x20 || byte == 0x7F || isC1 || isQuote else {
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
        case 0xC2: append(escapedControl: source[index + 1])
        default: append(escapedControl: byte)
        }
        index += isC1 ? 2 : 1
        start = index
      }
      bytes.append(contentsOf: source[start...])
    }
  }
}
