internal import MigrationFiles

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
///
/// By scalars, as the server does: to Swift a mark that combines makes another character of a quotation mark.
private struct QueryOutline {
  private var rest: Substring.UnicodeScalarView
  private var outline = String.UnicodeScalarView()

  init(_ query: String) { rest = query.unicodeScalars[...] }

  mutating func read() -> String {
    while let scalar = rest.first {
      if scalar == "'" {
        skipString()
      } else if scalar == "\"" {
        readName()
      } else if rest.begins(with: "--") {
        rest = rest.drop { !$0.endsLine }
      } else if rest.begins(with: "/*") {
        rest.dropComment()
      } else if scalar == "$", let tag = dollarTag() {
        rest.removeFirst(tag.count)
        let end = rest.ranges(of: tag).first
        rest = end.map { rest[$0.upperBound...] } ?? Substring.UnicodeScalarView()
        outline.append("?")
      } else if scalar.isNumber, outline.last.map({ !$0.isLetter && $0 != "_" && $0 != "$" }) ?? true {
        rest = rest.drop { $0.isNumber || $0 == "." }
        outline.append("?")
      } else if scalar.properties.isWhitespace {
        rest = rest.drop(while: \.properties.isWhitespace)
        outline.append(" ")
      } else {
        let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
        outline += word.isEmpty ? rest.prefix(1) : word
        rest.removeFirst(max(1, word.count))
      }
    }
    return String(outline)
  }

  /// A backslash hides a quote in `E''` only; taking it so everywhere would hide less than it should, not more.
  private mutating func skipString() {
    let hasEscapes =
      outline.last.map { $0 == "e" || $0 == "E" } == true
      && outline.dropLast().last.map { !$0.isLetter && !$0.isNumber && $0 != "_" } ?? true
    rest.removeFirst()
    outline.append("?")
    while let scalar = rest.popFirst() {
      if scalar == "\\", hasEscapes {
        rest = rest.dropFirst()
      } else if scalar == "'" {
        guard rest.first == "'" else { return }
        rest.removeFirst()
      }
    }
  }

  /// Takes a quoted name over; a doubled quote in it ends one name and begins the next.
  private mutating func readName() {
    let name = rest.dropFirst().prefix { $0 != "\"" }
    outline.append("\"")
    for scalar in name { outline.append(scalar.endsLine ? " " : scalar) }
    outline.append("\"")
    rest = rest.dropFirst(name.count + 2)
  }

  private func dollarTag() -> Substring.UnicodeScalarView? {
    guard let end = rest.dropFirst().firstIndex(where: { !($0.isLetter || $0.isNumber || $0 == "_") }),
      rest[end] == "$", rest.dropFirst().first?.isNumber != true
    else { return nil }
    return rest[...end]
  }
}

extension Unicode.Scalar {
  fileprivate var isLetter: Bool { properties.isAlphabetic }
  fileprivate var isNumber: Bool { properties.numericType != nil }
  fileprivate var endsLine: Bool { self == "\n" || self == "\r" }
}
