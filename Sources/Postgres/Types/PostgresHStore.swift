/// Keys with texts or NULLs: the type of PostgreSQL's extension `hstore`.
public struct PostgresHStore: Sendable, Hashable, Codable, ExpressibleByDictionaryLiteral {
  /// What is stored under each key; nil is NULL.
  public var values: [String: String?]

  /// From keys and values.
  public init(_ values: [String: String?] = [:]) { self.values = values }

  /// From a literal; of two equal keys the first stays.
  public init(dictionaryLiteral elements: (String, String?)...) {
    values = Dictionary(elements, uniquingKeysWith: { first, _ in first })
  }

  /// The text under a key; nil when there is none, or NULL.
  public subscript(key: String) -> String? {
    get { values[key] ?? nil }
    set { values[key] = newValue }
  }
}

extension PostgresHStore: PostgresCodable {
  /// `hstore`, by its name.
  public static var postgresType: PostgresType { PostgresType(named: "hstore") }

  /// The number of keys, then each key and value behind its length.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) {
    buffer.append(Int32(clamping: values.count))
    for (key, value) in values {
      try buffer.appendElement(key)
      try buffer.appendElement(value)
    }
  }

  /// From `hstore`.
  public init(from cell: PostgresCell) throws(PostgresError) {
    var reader = BinaryReader(try cell.bytes(for: Self.self, named: Self.postgresType))
    guard let count = reader.integer(Int32.self), count >= 0 else { throw cell.outOfRange(Self.self) }
    values = [:]
    for _ in 0..<Int(count) {
      guard let key = reader.part()?.bytes, let value = reader.part() else { throw cell.outOfRange(Self.self) }
      values.updateValue(
        value.bytes.map { String(decoding: $0, as: UTF8.self) }, forKey: String(decoding: key, as: UTF8.self))
    }
    guard reader.isAtEnd else { throw cell.outOfRange(Self.self) }
  }
}
