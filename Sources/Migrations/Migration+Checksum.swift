extension Migration.Script {
  /// The SHA-256 of the text in hexadecimal, the same whatever an editor or git does to line ends.
  ///
  /// Not counted are a byte-order mark, the difference between CR LF and LF, blanks at the ends of lines, and empty lines
  /// at the end of the file. Everything else is: comments too, for a comment may be a directive.
  public var checksum: String { SHA256.hexadecimal(normalized) }

  private var normalized: [UInt8] {
    var normalized: [UInt8] = []
    normalized.reserveCapacity(text.utf8.count)
    var pending: [UInt8] = []
    for byte in text.utf8.dropFirst(text.utf8.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0) {
      switch byte {
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"):
        pending.append(byte)
      case UInt8(ascii: "\n"):
        // Blanks before a line end are dropped; the line end waits for a further line with something on it.
        pending.removeAll { $0 != UInt8(ascii: "\n") }
        pending.append(byte)
      case let byte:
        normalized += pending
        pending.removeAll(keepingCapacity: true)
        normalized.append(byte)
      }
    }
    return normalized
  }
}
