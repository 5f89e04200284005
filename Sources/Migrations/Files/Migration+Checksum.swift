extension Migration.Script {
  /// The SHA-256 of the text in hexadecimal, the same whatever an editor or git does to line ends.
  ///
  /// Not counted are a byte-order mark, the difference between CR LF and LF, blanks at the ends of lines, and empty lines
  /// at the end of the file. Everything else is: comments too, for a comment may be a directive.
  public var checksum: String { SHA256.hexadecimal(normalized) }

  private var normalized: [UInt8] {
    var normalized: [UInt8] = []
    normalized.reserveCapacity(text.utf8.count)
    // What lies behind the last byte that counts, in its line and in the text, goes if nothing follows.
    var (end, lineStart) = (0, 0)
    for byte in text.utf8.dropFirst(text.utf8.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0) {
      switch byte {
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"):
        normalized.append(byte)
      case UInt8(ascii: "\n"):
        normalized.removeLast(normalized.count - max(end, lineStart))
        normalized.append(byte)
        lineStart = normalized.count
      case let byte:
        normalized.append(byte)
        end = normalized.count
      }
    }
    normalized.removeLast(normalized.count - end)
    return normalized
  }
}
