/// A session that holds what a migrator waits for.
public struct LockHolder: Sendable, Hashable {
  /// Its process at the server.
  public var processID: Int32
  /// What it calls itself.
  public var application: String
  /// Its role.
  public var user: String
  /// Where it comes from: an address, or nil for a local socket.
  public var client: String?
  /// How long its transaction, or else its session, has lasted.
  public var age: Duration
  /// What it runs, or ran last; it may hold anybody's values, so print ``outline``.
  public var query: String

  package init(
    processID: Int32, application: String, user: String, client: String?, age: Duration, query: String
  ) {
    self.processID = processID
    self.application = application
    self.user = user
    self.client = client
    self.age = age
    self.query = query
  }
}

extension LockHolder: CustomStringConvertible {
  /// Process, application, role, origin and age; not the query, which may hold values.
  public var description: String {
    let origin = client.map { " from \($0)" } ?? ""
    let name = application.isEmpty ? "" : " (\(application))"
    return "process \(processID)\(name), role \(user)\(origin), since \(age.components.seconds) s"
  }
}

extension LockHolder {
  /// ``query`` with every string and number in it replaced by `?`, on one line of at most 200 characters: what may be
  /// printed and logged, for the values may be anybody's.
  public var outline: String {
    var reader = QueryOutline(query)
    let outline = reader.read()
    return outline.count > 200 ? outline.prefix(199) + "…" : outline
  }
}

/// Reads a query as far as its literals go. The server cuts long ones off, so a literal may lack its end.
private struct QueryOutline {
  private var rest: Substring
  private var outline = ""

  init(_ query: String) { rest = query[...] }

  mutating func read() -> String {
    while let character = rest.first {
      if character == "'" {
        skipString()
      } else if character == "\"" {
        readName()
      } else if rest.hasPrefix("--") {
        rest = rest.drop { !$0.isNewline }
      } else if rest.hasPrefix("/*") {
        skipComment()
      } else if character == "$", let tag = dollarTag() {
        rest.removeFirst(tag.count)
        let end = rest.ranges(of: tag).first
        rest = end.map { rest[$0.upperBound...] } ?? ""
        outline += "?"
      } else if character.isNumber, outline.last.map({ !$0.isLetter && $0 != "_" && $0 != "$" }) ?? true {
        rest = rest.drop { $0.isNumber || $0 == "." }
        outline += "?"
      } else if character.isWhitespace {
        rest = rest.drop(while: \.isWhitespace)
        outline += " "
      } else {
        let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
        outline += word.isEmpty ? rest.prefix(1) : word
        rest.removeFirst(max(1, word.count))
      }
    }
    return outline
  }

  /// A backslash hides a quote in `E''` only; taking it so everywhere would hide less than it should, not more.
  private mutating func skipString() {
    let hasEscapes =
      outline.last?.lowercased() == "e"
      && outline.dropLast().last.map { !$0.isLetter && !$0.isNumber && $0 != "_" } ?? true
    rest.removeFirst()
    outline += "?"
    while let character = rest.popFirst() {
      if character == "\\", hasEscapes {
        rest = rest.dropFirst()
      } else if character == "'" {
        guard rest.first == "'" else { return }
        rest.removeFirst()
      }
    }
  }

  /// Takes a quoted name over; a doubled quote in it ends one name and begins the next.
  private mutating func readName() {
    let name = rest.dropFirst().prefix { $0 != "\"" }
    outline += "\"" + name.map { $0.isNewline ? " " : $0 } + "\""
    rest = rest.dropFirst(name.count + 2)
  }

  private mutating func skipComment() {
    var depth = 0
    while !rest.isEmpty {
      if rest.hasPrefix("/*") {
        (depth, rest) = (depth + 1, rest.dropFirst(2))
      } else if rest.hasPrefix("*/") {
        (depth, rest) = (depth - 1, rest.dropFirst(2))
        if depth == 0 { return }
      } else {
        rest.removeFirst()
      }
    }
  }

  private func dollarTag() -> Substring? {
    guard let end = rest.dropFirst().firstIndex(where: { !($0.isLetter || $0.isNumber || $0 == "_") }),
      rest[end] == "$", rest.dropFirst().first?.isNumber != true
    else { return nil }
    return rest[...end]
  }
}
