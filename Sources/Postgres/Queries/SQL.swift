/// The text of a query and its parameters, written as one string literal:
///
/// ```swift
/// try await pool.one("SELECT email FROM users WHERE id = \(id)", as: String.self)
/// ```
///
/// An interpolated value never becomes text: it is sent as a parameter (`$1`, `$2` …). A `String` is not a query;
/// only a literal is, another `SQL` value interpolated into it, or ``init(unchecked:)`` where there is no other way.
public struct SQL: ExpressibleByStringInterpolation, Sendable {
  /// The text before the first parameter.
  package private(set) var head: String
  /// The parameters, each with the text behind it. To put the text together takes longer than all else that is done to a
  /// statement which the server knows.
  private(set) var binds: [Bind]

  struct Bind: Sendable {
    let value: any PostgresEncodable
    /// The text up to the next parameter.
    var tail = ""
    /// What the parameter is declared as; 0 lets the server infer.
    let oid: UInt32
    /// Sent as text, not in binary.
    let isText: Bool
    /// It is of a type whose number only the database knows.
    let isOfNamedType: Bool

    init<Value: PostgresEncodable>(_ value: Value) {
      let type = Value.postgresType
      self.value = value
      oid = type.parameterOID
      isText = type.isInferred
      isOfNamedType = type.isNamed
    }

    var type: PostgresType { Swift.type(of: value).postgresType }
  }

  private static let placeholders = (0..<10).map { "$\($0)" }

  /// From a literal without parameters.
  public init(stringLiteral text: String) {
    head = text
    binds = []
  }

  /// From a text that is not a literal in the program: a file, say. The caller answers for what is in it.
  public init(unchecked text: String) {
    self.init(stringLiteral: text)
  }

  /// From a literal with parameters.
  public init(stringInterpolation interpolation: StringInterpolation) {
    head = interpolation.head
    binds = interpolation.binds
  }

  /// Whether a parameter is a ``Sensitive`` value, which must not get into a log by any way.
  public var isSensitive: Bool { binds.contains { Self.isSensitive($0.value) } }

  /// Whether it is a ``Sensitive`` value or has one in it: an array, a composite.
  private static func isSensitive(_ value: Any, depth: Int = 8) -> Bool {
    value is any SensitiveValue
      || (depth > 0 && Mirror(reflecting: value).children.contains { isSensitive($0.value, depth: depth - 1) })
  }

  /// Whether the numbers of the parameters' types are known to the database alone.
  var hasNamedTypes: Bool { binds.contains(where: \.isOfNamedType) }

  /// What the parameters are declared as, in words.
  var parameterTypes: [String] {
    binds.map { bind in
      let type = bind.type
      return type.isInferred ? "text of no declared type" : type.name
    }
  }

  /// The parameters' values, for a tracer.
  public var parameters: [any PostgresEncodable] { binds.map(\.value) }

  /// The text as the server gets it, with `$1`, `$2` … for the parameters.
  public var text: String {
    guard !binds.isEmpty else { return head }
    var text = head
    for (index, bind) in binds.enumerated() { text += Self.placeholder(index + 1) + bind.tail }
    return text
  }

  /// The text before, between and behind the parameters: one piece more than there are parameters.
  var pieces: [String] { [head] + binds.map(\.tail) }

  /// Where in the text the placeholders stand, in UTF-8 bytes.
  var offsets: [Int] {
    var end = head.utf8.count
    return binds.enumerated().map { index, bind in
      defer { end += Self.placeholder(index + 1).utf8.count + bind.tail.utf8.count }
      return end
    }
  }

  static func placeholder(_ number: Int) -> String {
    number < placeholders.count ? placeholders[number] : "$\(number)"
  }

  /// - Throws: when the text would end early at the server.
  func checkText() throws(PostgresError) {
    // Over the bytes as they lie in memory: the string's own way of going through them takes many times as long.
    func holdsNUL(_ piece: String) -> Bool {
      piece.utf8.withContiguousStorageIfAvailable { $0.contains(0) } ?? piece.utf8.contains(0)
    }
    var isBroken = holdsNUL(head)
    let span = binds.span
    for index in span.indices { isBroken = isBroken || holdsNUL(span[index].tail) }
    if isBroken { throw PostgresError(.encoding, "the text of the statement holds a NUL character (U+0000)") }
  }

  /// What may stand in a query's literal.
  public struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var head = ""
    fileprivate var binds: [Bind] = []

    /// For the compiler.
    public init(literalCapacity: Int, interpolationCount: Int) { binds.reserveCapacity(interpolationCount) }

    /// For the compiler.
    public mutating func appendLiteral(_ literal: String) {
      switch binds.count {
      case 0: append(literal, to: &head)
      case let count: append(literal, to: &binds[count - 1].tail)
      }
    }

    private func append(_ literal: String, to piece: inout String) {
      // Nearly always: a literal as it lies in the program needs no memory.
      if piece.isEmpty { piece = literal } else { piece += literal }
    }

    /// A value, sent as a parameter.
    public mutating func appendInterpolation(_ value: some PostgresEncodable) {
      binds.append(Bind(value))
    }

    /// A value or NULL, sent as a parameter.
    public mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value?) {
      binds.append(Bind(value))
    }

    /// The name of a table, column or other object, quoted.
    public mutating func appendInterpolation(identifier name: String) {
      appendLiteral("\"\(name.escaping("\""))\"")
    }

    /// Another piece of SQL, its parameters renumbered.
    public mutating func appendInterpolation(_ fragment: SQL) {
      appendLiteral(fragment.head)
      binds += fragment.binds
    }
  }
}
