/// What a migration file asks of its runner in its first line: `-- keel: no-transaction`.
package struct Directives: Hashable, Sendable {
  /// The file runs statement by statement, outside a transaction: `CREATE INDEX CONCURRENTLY` and its like need it.
  package var noTransaction = false
  /// The migration cannot be undone; only a down file says so.
  package var irreversible = false

  /// A file that asks for nothing.
  package init() {}

  /// Reads the first line of `text`, and refuses directives that stand where nothing reads them.
  package init(path: String, text: String) throws(FileFault) {
    var number = 0
    for line in text.lines {
      number += 1
      guard let comment = line.lineComment else {
        if line.isBlank { continue }
        return
      }
      guard let words = comment.value(after: "keel:") else { continue }
      let location = TextLocation(line: number, column: 1)
      guard number == 1 else {
        throw FileFault(path: path, location: location, message: "a keel directive must be the first line of the file")
      }
      for word in words.split(whereSeparator: { $0 == "," || $0 == " " || $0 == "\t" }) {
        switch word {
        case "no-transaction": noTransaction = true
        case "irreversible": irreversible = true
        case let unknown:
          throw FileFault(
            path: path, location: location,
            message: "unknown directive \"\(unknown)\"; there are no-transaction and irreversible")
        }
      }
    }
  }
}

extension String {
  /// The lines without their ends; a trailing newline begins no line of its own.
  var lines: [Substring] {
    // By bytes: to find the bounds of characters takes ten times as long.
    var lines: [Substring] = []
    var start = startIndex
    while start < endIndex {
      guard let end = utf8[start...].firstIndex(of: UInt8(ascii: "\n")) else { return lines + [self[start...]] }
      let line = self[start..<end]
      lines.append(line.utf8.last == UInt8(ascii: "\r") ? line[..<utf8.index(before: end)] : line)
      start = utf8.index(after: end)
    }
    return lines
  }
}

extension StringProtocol {
  /// Whether there is nothing but white space and byte-order marks.
  var isBlank: Bool {
    unicodeScalars.allSatisfy { $0.properties.isWhitespace || $0 == "\u{FEFF}" }
  }

  /// The words of a line that is a `--` comment, without the dashes and the blanks around them.
  var lineComment: String? {
    let trimmed = unicodeScalars.drop { $0.properties.isWhitespace || $0 == "\u{FEFF}" }
    guard trimmed.starts(with: "--".unicodeScalars) else { return nil }
    let words = trimmed.dropFirst(2).drop { $0.properties.isWhitespace }
    guard let last = words.lastIndex(where: { !$0.properties.isWhitespace }) else { return "" }
    return String(String.UnicodeScalarView(words[...last]))
  }

  /// What follows `prefix`, which is compared without regard to case.
  func value(after prefix: String) -> String? {
    guard count >= prefix.count, self.prefix(prefix.count).lowercased() == prefix else { return nil }
    return String(dropFirst(prefix.count))
  }
}
