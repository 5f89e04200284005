/// A value that can be sent as a parameter.
public protocol PostgresEncodable: Sendable {
  /// The type it is sent as.
  static var postgresType: PostgresType { get }

  /// Whether the value is NULL; then ``encode(into:)`` is not called.
  var isNull: Bool { get }

  /// Appends the value in PostgreSQL's binary form.
  ///
  /// - Throws: ``PostgresError`` of code ``PostgresError/Code/encoding`` when PostgreSQL cannot hold the value.
  func encode(into buffer: inout ParameterBuffer) throws(PostgresError)
}

extension PostgresEncodable {
  /// Not NULL.
  public var isNull: Bool { false }
}

/// A value that can be read from a column.
public protocol PostgresDecodable: SendableMetatype {
  /// Reads the value.
  ///
  /// - Throws: ``PostgresError`` of code ``PostgresError/Code/decoding``; ``PostgresCell/mismatch(_:)`` makes one.
  init(from cell: PostgresCell) throws(PostgresError)
}

/// A value that can be sent and read.
public typealias PostgresCodable = PostgresDecodable & PostgresEncodable
