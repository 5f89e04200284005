/// One statement of a script, and where it stands.
package struct SQLStatement: Hashable, Sendable {
  /// The statement without its semicolon and without the white space and comments before it.
  package var text: String
  /// Its place in the script in UTF-8 bytes.
  package var range: Range<Int>
  /// Where it begins.
  package var location: TextLocation
  /// Where it begins as PostgreSQL counts: Unicode scalars from 1.
  package var position: Int
  /// The leading words that are keywords or names, in upper case: enough to tell a COMMIT or a COPY.
  package var words: [String]
  /// Whether it is a COPY between the server and the client, whose data no script can hold.
  package var copiesThroughClient: Bool

  /// Whether it is a setting of its transaction, which has to come before any query in that.
  package var setsTransaction: Bool { words.starts(with: ["SET", "TRANSACTION"]) }
}

/// What a splitter found wrong, and where.
package struct SQLSplitError: Error, Hashable, Sendable {
  /// The place.
  package var location: TextLocation
  /// The place as PostgreSQL counts: Unicode scalars from 1.
  package var position: Int
  /// What is wrong.
  package var message: String
}

/// Cuts a script into statements the way psql does.
///
/// It knows what may hide a semicolon: strings (plain, `E''` with escapes, `U&''`), quoted names, dollar quotes,
/// comments (block comments nest), parentheses, and the `BEGIN ATOMIC … END` body of a function. It assumes
/// `standard_conforming_strings`, which has been on by default since PostgreSQL 9.1.
package struct SQLSplitter {
  /// The statements of `text` in order, up to a COPY of the client's. Empty statements are left out.
  package static func split(_ text: String) throws(SQLSplitError) -> [SQLStatement] {
    var splitter = SQLSplitter(Array(text.utf8))
    return try splitter.run()
  }

  private let bytes: [UInt8]
  private var index = 0
  private var statement = Progress()
  private var statements: [SQLStatement] = []
  private var locator = Locator()

  /// What is known of the statement being read.
  private struct Progress {
    var start: Int?
    var end = 0
    var words: [String] = []
    var parentheses = 0
    var body = AtomicBody()
    var fromClient = false
    var afterDirection = false
  }

  private init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  private mutating func run() throws(SQLSplitError) -> [SQLStatement] {
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
    while index < bytes.count {
      try next()
    }
    endStatement()
    return statements
  }

  /// Reads one token, comment or run of white space.
  private mutating func next() throws(SQLSplitError) {
    let start = index
    switch bytes[index] {
    case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"), 0x0B, 0x0C:
      index += 1
      return
    case UInt8(ascii: "-") where peek() == UInt8(ascii: "-"):
      skipLine()
      return
    case UInt8(ascii: "/") where peek() == UInt8(ascii: "*"):
      try skipBlockComment()
      return
    case UInt8(ascii: ";") where statement.parentheses == 0 && !statement.body.isOpen:
      // What follows a COPY of the client's is data, in which nothing ends where SQL does.
      let isData = statement.fromClient
      endStatement()
      index = isData ? bytes.count : index + 1
      return
    case UInt8(ascii: "'"):
      try skipQuoted(by: UInt8(ascii: "'"), from: start, "a string")
    case UInt8(ascii: "\""):
      try skipQuoted(by: UInt8(ascii: "\""), from: start, "a quoted name")
    case UInt8(ascii: "$"):
      try skipDollarQuoted()
    case UInt8(ascii: "("):
      statement.parentheses += 1
      index += 1
    case UInt8(ascii: ")"):
      statement.parentheses = max(statement.parentheses - 1, 0)
      index += 1
    case UInt8(ascii: "\\") where statement.start == nil:
      throw error(at: start, "this is a command of psql; a migration holds SQL alone")
    case let byte where Self.isDigit(byte):
      skipNumber()
    case let byte where Self.beginsName(byte):
      try readWord()
    default:
      index += 1
    }
    if statement.start == nil { statement.start = start }
    statement.end = index
  }

  private mutating func endStatement() {
    defer { statement = Progress() }
    guard let start = statement.start else { return }
    let range = start..<statement.end
    let (location, position) = locator.location(of: start, in: bytes)
    statements.append(
      SQLStatement(
        text: String(decoding: bytes[range], as: UTF8.self), range: range, location: location, position: position,
        words: statement.words, copiesThroughClient: statement.fromClient))
  }

  // MARK: Words

  private mutating func readWord() throws(SQLSplitError) {
    let start = index
    while index < bytes.count, Self.continuesName(bytes[index]) { index += 1 }
    let isLoneE = index == start + 1 && bytes[start] | 0x20 == UInt8(ascii: "e")
    if isLoneE, index < bytes.count, bytes[index] == UInt8(ascii: "'") {
      try skipEscapeString(from: start)
      return
    }
    // Most words are those of columns, which tell nothing.
    guard statement.parentheses == 0 || statement.words.count < 4 else { return }
    let word = String(decoding: bytes[start..<index], as: UTF8.self).uppercased()
    if statement.words.count < 4 { statement.words.append(word) }
    if statement.parentheses == 0 {
      noteCopy(word)
      // After a dot any keyword is but a name.
      if start == 0 || bytes[start - 1] != UInt8(ascii: ".") { statement.body.read(word, after: statement.words) }
    }
  }

  /// `COPY … FROM stdin` and `COPY … TO stdout` are the two that need the client.
  private mutating func noteCopy(_ word: String) {
    guard statement.words.first == "COPY" else { return }
    if statement.afterDirection, word == "STDIN" || word == "STDOUT" { statement.fromClient = true }
    statement.afterDirection = word == "FROM" || word == "TO"
  }

  // MARK: What hides a semicolon

  private mutating func skipLine() {
    while index < bytes.count, bytes[index] != UInt8(ascii: "\n"), bytes[index] != UInt8(ascii: "\r") { index += 1 }
  }

  private mutating func skipBlockComment() throws(SQLSplitError) {
    let start = index
    var depth = 0
    while index < bytes.count {
      switch (bytes[index], peek()) {
      case (UInt8(ascii: "/"), UInt8(ascii: "*")):
        depth += 1
        index += 2
      case (UInt8(ascii: "*"), UInt8(ascii: "/")):
        depth -= 1
        index += 2
        if depth == 0 { return }
      default:
        index += 1
      }
    }
    throw error(at: start, "a comment begins here and does not end (comments nest)")
  }

  /// Skips to the closing quote. A doubled quote needs no care: it ends one string and begins the next.
  private mutating func skipQuoted(by quote: UInt8, from start: Int, _ what: String) throws(SQLSplitError) {
    index += 1
    while index < bytes.count {
      index += 1
      if bytes[index - 1] == quote { return }
    }
    throw error(at: start, "\(what) begins here and does not end")
  }

  /// Skips `'…'` in which a backslash escapes. Such a string may go on after a line end, and escapes hold there too.
  private mutating func skipEscapeString(from start: Int) throws(SQLSplitError) {
    index += 1
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "\\"):
        index += 2
      case UInt8(ascii: "'") where peek() == UInt8(ascii: "'"):
        index += 2
      case UInt8(ascii: "'"):
        index += 1
        guard let next = continuation() else { return }
        index = next + 1
      default:
        index += 1
      }
    }
    index = bytes.count
    throw error(at: start, "a string begins here and does not end")
  }

  /// The place of the quote that continues a string: nothing but white space with a line end, and comments, between.
  private func continuation() -> Int? {
    var place = index
    var sawLineEnd = false
    while place < bytes.count {
      switch bytes[place] {
      case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
        sawLineEnd = true
        place += 1
      case UInt8(ascii: " "), UInt8(ascii: "\t"), 0x0B, 0x0C:
        place += 1
      case UInt8(ascii: "-") where place + 1 < bytes.count && bytes[place + 1] == UInt8(ascii: "-"):
        while place < bytes.count, bytes[place] != UInt8(ascii: "\n"), bytes[place] != UInt8(ascii: "\r") { place += 1 }
      case UInt8(ascii: "'"):
        return sawLineEnd ? place : nil
      default:
        return nil
      }
    }
    return nil
  }

  /// Skips `$tag$ … $tag$`; a dollar sign that begins no tag is a parameter or part of an operator.
  private mutating func skipDollarQuoted() throws(SQLSplitError) {
    let start = index
    var end = index + 1
    if end < bytes.count, Self.beginsName(bytes[end]) {
      while end < bytes.count, bytes[end] != UInt8(ascii: "$"), Self.continuesName(bytes[end]) { end += 1 }
    }
    guard end < bytes.count, bytes[end] == UInt8(ascii: "$") else {
      index += 1
      return
    }
    let tag = bytes[start...end]
    index = end + 1
    while index + tag.count <= bytes.count {
      if bytes[index] == UInt8(ascii: "$"), bytes[index..<index + tag.count] == tag {
        index += tag.count
        return
      }
      index += 1
    }
    index = bytes.count
    throw error(at: start, "the dollar quote \(String(decoding: tag, as: UTF8.self)) begins here and does not end")
  }

  /// A number ends where a dollar quote begins, which a name does not.
  private mutating func skipNumber() {
    while index < bytes.count,
      Self.isDigit(bytes[index]) || Self.beginsName(bytes[index]) || bytes[index] == UInt8(ascii: ".")
    {
      index += 1
    }
  }

  // MARK: Bytes

  private func peek() -> UInt8? {
    index + 1 < bytes.count ? bytes[index + 1] : nil
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
  }

  private static func beginsName(_ byte: UInt8) -> Bool {
    byte >= 0x80 || byte == UInt8(ascii: "_") || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte
      || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
  }

  private static func continuesName(_ byte: UInt8) -> Bool {
    beginsName(byte) || isDigit(byte) || byte == UInt8(ascii: "$")
  }

  private func error(at place: Int, _ message: String) -> SQLSplitError {
    var locator = Locator()
    let (location, position) = locator.location(of: place, in: bytes)
    return SQLSplitError(location: location, position: position, message: message)
  }
}

/// Follows the body of `CREATE FUNCTION … BEGIN ATOMIC … END`, whose statements end with semicolons of their own.
private struct AtomicBody {
  private var depth = 0
  private var previous = ""

  var isOpen: Bool { depth > 0 }

  mutating func read(_ word: String, after words: [String]) {
    defer { previous = word }
    if depth == 0 {
      if previous == "BEGIN", word == "ATOMIC", Self.createsRoutine(words) { depth = 1 }
    } else if previous == "AS" {
      return  // What follows is the name of a column.
    } else if word == "CASE" {
      depth += 1
    } else if word == "END" {
      depth -= 1
    }
  }

  private static func createsRoutine(_ words: [String]) -> Bool {
    guard words.first == "CREATE" else { return false }
    let kind = words.count > 3 && words[1] == "OR" && words[2] == "REPLACE" ? words[3] : words.dropFirst().first
    return kind == "FUNCTION" || kind == "PROCEDURE"
  }
}

/// Turns byte offsets, asked for in ascending order, into places without counting from the beginning each time.
private struct Locator {
  private var offset = 0
  private var line = 1
  private var column = 1
  private var position = 1

  mutating func location(of place: Int, in bytes: [UInt8]) -> (location: TextLocation, position: Int) {
    while offset < place {
      let byte = bytes[offset]
      offset += 1
      // Continuation bytes belong to the scalar before them.
      if byte & 0xC0 == 0x80 { continue }
      position += 1
      if byte == UInt8(ascii: "\n") {
        (line, column) = (line + 1, 1)
      } else {
        column += 1
      }
    }
    return (TextLocation(line: line, column: column), position)
  }
}
