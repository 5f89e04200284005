/// Percent-decoding of paths (strict) and queries (lenient).
enum PercentEncoding {
  /// Why a path is refused.
  enum Fault: Error, Equatable {
    /// A `%` without two hexadecimal digits behind it.
    case brokenEscape
    /// A NUL, which C code further on would take for the end.
    case nul
    /// The decoded bytes are not UTF-8.
    case notUTF8
  }

  /// Decodes one segment of a path. A decoded `/` is part of the segment and separates nothing.
  static func decodeSegment(_ segment: Substring.UTF8View) throws(Fault) -> String {
    guard segment.contains(UInt8(ascii: "%")) else { return String(Substring(segment)) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(segment.count)
    var index = segment.startIndex
    while index < segment.endIndex {
      var byte = segment[index]
      if byte == UInt8(ascii: "%") {
        guard let escaped = escape(segment[index...]) else { throw .brokenEscape }
        byte = escaped
        segment.formIndex(&index, offsetBy: 2)
      }
      guard byte != 0 else { throw .nul }
      bytes.append(byte)
      segment.formIndex(after: &index)
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .notUTF8 }
    return text
  }

  /// Decodes a name or a value of a query. What cannot be decoded is kept or replaced, never refused.
  static func decodeLeniently<Bytes: Collection<UInt8>>(_ text: Bytes) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    var index = text.startIndex
    while index < text.endIndex {
      switch text[index] {
      case UInt8(ascii: "+"):
        bytes.append(UInt8(ascii: " "))
      case UInt8(ascii: "%"):
        if let escaped = escape(text[index...]) {
          bytes.append(escaped)
          text.formIndex(&index, offsetBy: 2)
        } else {
          bytes.append(UInt8(ascii: "%"))
        }
      case let byte:
        bytes.append(byte)
      }
      text.formIndex(after: &index)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The byte that `%xx` at the start of `text` stands for.
  private static func escape(_ text: some Collection<UInt8>) -> UInt8? {
    let digits = text.dropFirst().prefix(2)
    guard digits.count == 2 else { return nil }
    return digits.reduce(UInt8?(0)) { value, digit in
      guard let value, let low = hexadecimalValue(digit) else { return nil }
      return value << 4 | low
    }
  }

  private static func hexadecimalValue(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
