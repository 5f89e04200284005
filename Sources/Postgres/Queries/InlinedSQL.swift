/// The text of a statement with literals in the place of its parameters, and where they stand.
struct InlinedSQL: Sendable {
  private struct Literal {
    /// In characters, as the server counts: where it begins, and how long it is.
    let start: Int
    let length: Int
    /// The same of the placeholder in the statement.
    let placeholder: Int
    let placeholderLength: Int
  }

  private(set) var text = ""
  /// How many characters that is.
  private(set) var length = 0
  private var literals: [Literal] = []

  /// - Throws: unless the text is one statement, and each parameter stands where a value can.
  init(_ sql: SQL, _ literals: [String]) throws(PostgresError) {
    var scanner = SQLScanner(sql)
    try scanner.check()
    var original = 0
    for (index, piece) in sql.pieces.enumerated() {
      if index > 0 {
        let (literal, placeholderLength) = (literals[index - 1], SQL.placeholder(index).utf8.count)
        self.literals.append(
          Literal(
            start: length, length: literal.unicodeScalars.count, placeholder: original,
            placeholderLength: placeholderLength))
        append(literal)
        original += placeholderLength
      }
      original += append(piece)
    }
  }

  @discardableResult
  private mutating func append(_ piece: String) -> Int {
    let count = piece.unicodeScalars.count
    text += piece
    length += count
    return count
  }

  /// The place in the statement that a place in the text stands for; of a literal, its placeholder. Both count from 1.
  func position(_ position: Int) -> Int {
    var shift = 0
    for literal in literals {
      if position - 1 < literal.start { break }
      if position - 1 < literal.start + literal.length { return literal.placeholder + 1 }
      shift += literal.length - literal.placeholderLength
    }
    return position - shift
  }
}

extension SQL {
  /// Whether it is nothing but comments.
  var isEmpty: Bool {
    // Most begin with a word.
    if let first = head.utf8.first, SQLScanner.isWord(first) { return false }
    var scanner = SQLScanner(self)
    return (try? scanner.check()) != nil && !scanner.hasStatement
  }
}

/// Goes through the text of a statement as the server would: what is in quotes or comments is no place for a literal,
/// and would end where the literal says.
struct SQLScanner {
  private let bytes: [UInt8]
  private let offsets: [Int]
  private var index = 0
  private var nextBind = 0
  private var depth = 0
  /// The body of a function may be statements without any quotes.
  private var isBody = false
  private var isEnded = false
  /// The text ends inside a quote or a comment.
  private var isOpen = false
  private var lastWord = ""
  /// There is a statement, and not only comments.
  private(set) var hasStatement = false

  init(_ sql: SQL) {
    bytes = Array(sql.text.utf8)
    offsets = sql.offsets
  }

  mutating func check() throws(PostgresError) {
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "'"): skip(to: "'", escapes: false)
      case UInt8(ascii: "\""): skip(to: "\"", escapes: false)
      case UInt8(ascii: "-") where peek(1) == UInt8(ascii: "-"):
        while index < bytes.count, !Self.isNewline(bytes[index]) { index += 1 }
        continue
      case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "*"):
        skipComment()
        continue
      case UInt8(ascii: "$"): try takeDollar()
      case UInt8(ascii: ";"):
        isEnded = isEnded || (depth == 0 && !isBody)
        index += 1
        continue
      case let byte where Self.isSpace(byte):
        index += 1
        continue
      case let byte where Self.isWord(byte): takeWord()
      case let byte:
        depth += byte == UInt8(ascii: "(") ? 1 : byte == UInt8(ascii: ")") ? -1 : 0
        index += 1
      }
      hasStatement = true
      if isEnded {
        throw PostgresError(
          .unsupported, "several statements in one text; send them one by one, as a batch, or as a script")
      }
    }
    guard nextBind == offsets.count else { throw misplaced() }
    // What is sent behind it would be a part of it.
    guard !isOpen else {
      throw PostgresError(.unsupported, "the statement ends inside a quote or a comment; close it")
    }
  }

  private func peek(_ distance: Int) -> UInt8? { index + distance < bytes.count ? bytes[index + distance] : nil }

  private func misplaced() -> PostgresError {
    PostgresError(
      .unsupported,
      "parameter $\(nextBind + 1) stands in quotes, in a comment or in a name, where it is no value; "
        + "take it out of there")
  }

  /// A placeholder, a text in dollar quotes, or just the character.
  private mutating func takeDollar() throws(PostgresError) {
    if nextBind < offsets.count, offsets[nextBind] == index {
      index += SQL.placeholder(nextBind + 1).utf8.count
      if let next = peek(0), Self.isWord(next) || next == UInt8(ascii: "$") { throw misplaced() }
      nextBind += 1
      return
    }
    var end = index + 1
    while end < bytes.count, Self.isWord(bytes[end]) { end += 1 }
    // A tag begins with a letter; what begins with a digit is a parameter.
    guard end < bytes.count, bytes[end] == UInt8(ascii: "$"), !Self.isDigit(bytes[index + 1]) else {
      index += 1
      return
    }
    let tag = bytes[index...end]
    index = end + 1
    while index < bytes.count, !bytes[index...].starts(with: tag) { index += 1 }
    index += tag.count
    isOpen = index > bytes.count
  }

  private mutating func takeWord() {
    let start = index
    while let byte = peek(0), Self.isWord(byte) || byte == UInt8(ascii: "$") { index += 1 }
    let word = String(decoding: bytes[start..<index], as: UTF8.self).lowercased()
    if word == "atomic", lastWord == "begin" { isBody = true }
    lastWord = word
    if word == "e", peek(0) == UInt8(ascii: "'") { skip(to: "'", escapes: true) }
  }

  /// To behind the quote that ends what begins here; two in a row are one in the text.
  private mutating func skip(to quote: Unicode.Scalar, escapes: Bool) {
    index += 1
    while index < bytes.count {
      if escapes, bytes[index] == UInt8(ascii: "\\") {
        index += 2
      } else if bytes[index] != UInt8(ascii: quote) {
        index += 1
      } else if peek(1) == UInt8(ascii: quote) {
        index += 2
      } else {
        index += 1
        guard escapes, let next = continuation() else { return }
        index = next
      }
    }
    isOpen = true
  }

  /// Where a string that has just ended goes on, by the same rules, in another line; comments may stand between.
  private func continuation() -> Int? {
    var next = index
    while next < bytes.count {
      if bytes[next] == UInt8(ascii: "-"), next + 1 < bytes.count, bytes[next + 1] == UInt8(ascii: "-") {
        while next < bytes.count, !Self.isNewline(bytes[next]) { next += 1 }
      } else if Self.isSpace(bytes[next]) {
        next += 1
      } else {
        break
      }
    }
    guard next < bytes.count, bytes[next] == UInt8(ascii: "'"), bytes[index..<next].contains(where: Self.isNewline)
    else { return nil }
    return next + 1
  }

  private mutating func skipComment() {
    var level = 0
    while index < bytes.count {
      switch (bytes[index], peek(1)) {
      case (UInt8(ascii: "/"), UInt8(ascii: "*")): level += 1
      case (UInt8(ascii: "*"), UInt8(ascii: "/")): level -= 1
      default:
        index += 1
        continue
      }
      index += 2
      if level == 0 { return }
    }
    isOpen = true
  }

  private static func isNewline(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || (9...13).contains(byte) }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  /// What names, keywords and numbers are made of.
  static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"), 0x80...0xff:
      true
    default: isDigit(byte)
    }
  }
}
