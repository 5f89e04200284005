/// A `CREATE INDEX CONCURRENTLY` or `DROP INDEX CONCURRENTLY`: what a process that dies in it leaves half done. Names are
/// SQL, as the statement has them.
package enum ConcurrentIndex: Hashable, Sendable {
  /// Builds an index, which is named without its schema.
  case build(name: String, table: String)
  /// Builds an index that the server finds a name for; `definition` is what stands behind the table.
  case buildUnnamed(table: String, isUnique: Bool, definition: String)
  /// Drops an index.
  case drop(name: String)

  /// Reads `statement`; nil for any other.
  package init?(_ statement: SQLStatement) {
    var reader = TokenReader(statement.text)
    switch reader.next() {
    case "create": self.init(creating: &reader)
    case "drop": self.init(dropping: &reader)
    default: return nil
    }
  }

  private init?(creating reader: inout TokenReader) {
    var token = reader.next()
    let isUnique = token == "unique"
    if isUnique { token = reader.next() }
    guard token == "index", reader.next() == "concurrently", var name = reader.next() else { return nil }
    let isUnnamed = name == "on"
    if !isUnnamed {
      if name == "if" {
        guard reader.next() == "not", reader.next() == "exists", let next = reader.next() else { return nil }
        name = next
      }
      guard reader.next() == "on" else { return nil }
    }
    guard var table = reader.qualifiedName() else { return nil }
    if table == "only" {
      guard let next = reader.qualifiedName() else { return nil }
      table = next
    }
    self =
      isUnnamed
      ? .buildUnnamed(table: table, isUnique: isUnique, definition: reader.remainder)
      : .build(name: name, table: table)
  }

  private init?(dropping reader: inout TokenReader) {
    guard reader.next() == "index", reader.next() == "concurrently", var name = reader.qualifiedName() else {
      return nil
    }
    if name == "if" {
      guard reader.next() == "exists", let next = reader.qualifiedName() else { return nil }
      name = next
    }
    self = .drop(name: name)
  }
}

/// Reads names, keywords and dots: words in lower case, quoted names with their quotes.
private struct TokenReader {
  private var rest: Substring.UnicodeScalarView

  init(_ text: String) {
    rest = text[...].unicodeScalars
  }

  /// What was not read yet.
  var remainder: String { String(rest) }

  mutating func next() -> String? {
    skipBlanks()
    guard let first = rest.first else { return nil }
    if first == "\"" { return quoted() }
    let word = rest.prefix { $0 == "_" || $0 == "$" || $0.properties.isAlphabetic || $0.properties.numericType != nil }
    guard !word.isEmpty else {
      rest.removeFirst()
      return String(first)
    }
    rest = rest[word.endIndex...]
    // As the server has it: other letters than those of ASCII it leaves as they are.
    return String(word.map { $0.isASCII ? Character($0.properties.lowercaseMapping) : Character($0) })
  }

  /// A name with whatever stands before it and a dot.
  mutating func qualifiedName() -> String? {
    guard var name = next() else { return nil }
    while true {
      let before = rest
      guard next() == "." else {
        rest = before
        return name
      }
      guard let part = next() else { return nil }
      name += "." + part
    }
  }

  private mutating func quoted() -> String? {
    var name = "\""
    rest.removeFirst()
    while let scalar = rest.popFirst() {
      name.unicodeScalars.append(scalar)
      guard scalar == "\"" else { continue }
      guard rest.first == "\"" else { return name }
      name.unicodeScalars.append("\"")
      rest.removeFirst()
    }
    return nil
  }

  private mutating func skipBlanks() {
    while let first = rest.first {
      if first.properties.isWhitespace {
        rest.removeFirst()
      } else if rest.begins(with: "--") {
        rest = rest.drop { $0 != "\n" }
      } else if rest.begins(with: "/*") {
        rest.dropComment()
      } else {
        return
      }
    }
  }
}
