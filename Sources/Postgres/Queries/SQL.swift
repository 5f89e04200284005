/// The text of a query and its parameters, written as one string literal:
///
/// ```swift
/// try await pool.one("SELECT email FROM users WHERE id = \(id)", as: String.self)
/// ```
///
/// An interpolated value never becomes text: it is sent as a parameter (`$1`, `$2` …). A `String` is not a query;
/// only a literal is, another `SQL` value interpolated into it, or ``init(unchecked:)`` where there is no other way.
public struct SQL: ExpressibleByStringInterpolation, Sendable {
  /// The text as the server gets it, with `$1`, `$2` … for the parameters.
  public private(set) var text: String
  /// The parameters, and where in the text they stand.
  private(set) var binds: [Bind]

  struct Bind: Sendable {
    let value: any PostgresEncodable
    /// The position of the `$` in the text, in UTF-8 bytes.
    var offset: Int
    /// What the parameter is declared as; 0 lets the server infer.
    let oid: UInt32
    /// Sent as text, not in binary.
    let isText: Bool
    /// A type whose number only the database knows.
    let namedType: PostgresType?

    init<Value: PostgresEncodable>(_ value: Value, offset: Int) {
      let type = Value.postgresType
      self.value = value
      self.offset = offset
      oid = type.parameterOID
      isText = type.isInferred
      namedType = type.isNamed ? type : nil
    }

    /// The same value at another place.
    init(_ bind: Bind, offset: Int) {
      self = bind
      self.offset = offset
    }
  }

  /// From a literal without parameters.
  public init(stringLiteral text: String) {
    self.text = text
    binds = []
  }

  /// From a text that is not a literal in the program: a file, say. The caller answers for what is in it.
  public init(unchecked text: String) {
    self.init(stringLiteral: text)
  }

  /// From a literal with parameters.
  public init(stringInterpolation interpolation: StringInterpolation) {
    text = interpolation.text
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
  var hasNamedTypes: Bool { binds.contains { $0.namedType != nil } }

  /// What the parameters are declared as, in words.
  var parameterTypes: [String] {
    binds.map { bind in
      let type = Swift.type(of: bind.value).postgresType
      return type.isInferred ? "text of no declared type" : type.name
    }
  }

  /// The parameters' values, for a tracer.
  public var parameters: [any PostgresEncodable] { binds.map(\.value) }

  /// The text before, between and behind the parameters: one piece more than there are parameters.
  var pieces: [Substring] {
    let bytes = text.utf8
    var pieces: [Substring] = []
    var rest = bytes.startIndex
    for (index, bind) in binds.enumerated() {
      let placeholder = bytes.index(bytes.startIndex, offsetBy: bind.offset)
      pieces.append(text[rest..<placeholder])
      rest = bytes.index(placeholder, offsetBy: "$\(index + 1)".utf8.count)
    }
    pieces.append(text[rest...])
    return pieces
  }

  /// - Throws: when the text would end early at the server.
  func checkText() throws(PostgresError) {
    // Over the bytes as they lie in memory: the string's own way of going through them takes many times as long.
    guard !(text.utf8.withContiguousStorageIfAvailable { $0.contains(0) } ?? text.utf8.contains(0)) else {
      throw PostgresError(.encoding, "the text of the statement holds a NUL character (U+0000)")
    }
  }

  /// What may stand in a query's literal.
  public struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var text = ""
    fileprivate var binds: [Bind] = []
    /// Those of most statements: to make one takes longer than all else that is done for a parameter.
    private static let placeholders = (0..<10).map { "$\($0)" }

    /// For the compiler.
    public init(literalCapacity: Int, interpolationCount: Int) {
      text.reserveCapacity(literalCapacity + 3 * interpolationCount)
      binds.reserveCapacity(interpolationCount)
    }

    /// For the compiler.
    public mutating func appendLiteral(_ literal: String) { text += literal }

    /// A value, sent as a parameter.
    public mutating func appendInterpolation(_ value: some PostgresEncodable) {
      append { Bind(value, offset: $0) }
    }

    /// A value or NULL, sent as a parameter.
    public mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value?) {
      append { Bind(value, offset: $0) }
    }

    private mutating func append(_ bind: (_ offset: Int) -> Bind) {
      binds.append(bind(text.utf8.count))
      text += binds.count < Self.placeholders.count ? Self.placeholders[binds.count] : "$\(binds.count)"
    }

    /// The name of a table, column or other object, quoted.
    public mutating func appendInterpolation(identifier name: String) {
      text += "\"\(name.escaping("\""))\""
    }

    /// Another piece of SQL, its parameters renumbered.
    public mutating func appendInterpolation(_ fragment: SQL) {
      for (index, piece) in fragment.pieces.enumerated() {
        if index > 0 { append { Bind(fragment.binds[index - 1], offset: $0) } }
        text += piece
      }
    }
  }
}
