/// A struct that is a composite type of the database, its fields in the type's order:
///
/// ```swift
/// // CREATE TYPE address AS (street text, number integer);
/// struct Address: PostgresComposite {
///   static let postgresType = PostgresType(named: "address")
///   var street: String
///   var number: Int32?
///
///   init(from fields: inout CompositeReader) throws(PostgresError) {
///     street = try fields.next()
///     number = try fields.next()
///   }
///
///   func write(to fields: inout CompositeWriter) throws(PostgresError) {
///     try fields.append(street)
///     try fields.append(number)
///   }
/// }
/// ```
///
/// It can be read from an anonymous `ROW(…)` too (but not in ``StatementCacheMode/simple``, where nobody says of what types
/// that is).
public protocol PostgresComposite: PostgresCodable {
  /// Reads the fields, all of them and in order.
  init(from fields: inout CompositeReader) throws(PostgresError)

  /// Writes the fields, all of them and in order.
  func write(to fields: inout CompositeWriter) throws(PostgresError)
}

extension PostgresComposite {
  /// The number of fields, then each behind its type and length.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) {
    var writer = try CompositeWriter(Self.postgresType, &buffer)
    // The writer has the buffer until it gives it back, whether that succeeds or not.
    defer { buffer = writer.takeBuffer() }
    try write(to: &writer)
    try writer.checkCount()
  }

  /// From a composite of the same number of fields.
  public init(from cell: PostgresCell) throws(PostgresError) {
    guard let bytes = cell.binary, cell.type >= PostgresType.firstUserOID || cell.type == CompositeReader.record else {
      throw cell.mismatch(Self.self)
    }
    var fields = try CompositeReader(bytes, cell, of: Self.self)
    try self.init(from: &fields)
    try fields.checkEnd()
  }
}
