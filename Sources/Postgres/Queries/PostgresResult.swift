/// The rows that a statement returned, and what it did.
public struct PostgresResult: Sendable, RandomAccessCollection {
  let handle: ResultHandle
  /// The query's text, and who made it, for errors of decoding.
  let sql: String
  let caller: QueryCaller

  /// Names of the columns, in order.
  public var columns: [String] { (0..<handle.columnCount).map(handle.columnName) }

  /// Such as `INSERT 0 3`.
  public var commandTag: String { handle.commandTag }

  /// How many rows the statement returned, inserted, changed or deleted.
  public var rowsAffected: Int { handle.rowsAffected }

  /// The first row.
  public var startIndex: Int { 0 }

  /// Behind the last row.
  public var endIndex: Int { handle.rowCount }

  /// A row. Of one that is not there every value is an error.
  public subscript(row: Int) -> PostgresRowView { PostgresRowView(result: self, row: row) }

  /// libpq would say so to the connection, which may be gone; memory behind an answer has anything in it.
  ///
  /// - Throws: unless there is such a value; without a column, such a row.
  fileprivate func check(row: Int, column: Int? = nil) throws(PostgresError) {
    guard indices.contains(row) else {
      throw PostgresError(.decoding, "no row \(row): there are \(count), the first of which is 0").of(sql, caller)
    }
    guard let column, !(0..<handle.columnCount).contains(column) else { return }
    let names = columns.isEmpty ? "" : " (\(columns.joined(separator: ", ")))"
    throw PostgresError(
      .decoding, "no column \(column): there are \(handle.columnCount)\(names), the first of which is 0"
    ).of(sql, caller)
  }

  /// - Throws: unless the rows have this many columns.
  func check(columns expected: Int) throws(PostgresError) {
    guard expected != handle.columnCount else { return }
    let found = handle.columnCount == 1 ? "1 column" : "\(handle.columnCount) columns"
    let wanted = expected == 1 ? "1 is" : "\(expected) are"
    throw PostgresError(
      .decoding, "the query returns \(found) (\(columns.joined(separator: ", "))) where \(wanted) expected"
    ).of(sql, caller)
  }

  /// - Parameter values: of this result.
  @inline(__always)
  func decode<Value: PostgresDecodable>(
    _ values: ResultHandle.Values, _ row: Int, _ column: Int
  ) throws(PostgresError) -> Value {
    defer { withExtendedLifetime(handle) {} }
    do throws(PostgresError) {
      return try Value(from: PostgresCell(values, row, column, handle.columnType(column)))
    } catch {
      throw error.inColumn(handle.columnName(column)).of(sql, caller)
    }
  }
}

/// One row of a ``PostgresResult``.
public struct PostgresRowView: Sendable {
  let result: PostgresResult
  let row: Int

  /// Names of the columns, in order.
  public var columns: [String] { result.columns }

  /// All columns, as a tuple of as many types.
  ///
  /// - Throws: ``PostgresError`` that names the query, the column, the type expected and the type found.
  public func decode<each Column: PostgresDecodable>(
    as type: (repeat each Column).Type = (repeat each Column).self
  ) throws(PostgresError) -> (repeat each Column) {
    try result.check(row: row)
    var reader = try RowReader(result, for: type)
    return try reader.read(row)
  }

  /// All columns, by their names.
  ///
  /// - Throws: ``PostgresError`` that names the query, the column, the type expected and the type found.
  public func decode<Row: PostgresRow>(as type: Row.Type) throws(PostgresError) -> Row {
    try result.check(row: row)
    return try RowDecoder(result).decode(type, row: row)
  }

  /// One column, by its place; the first is 0.
  ///
  /// - Throws: ``PostgresError`` that names the query, the column, the type expected and the type found.
  public func decode<Value: PostgresDecodable>(
    _ column: Int, as type: Value.Type = Value.self
  ) throws(PostgresError) -> Value {
    try result.check(row: row, column: column)
    return try result.decode(result.handle.values, row, column)
  }
}

/// Reads rows as tuples.
struct RowReader {
  private let result: PostgresResult
  private let values: ResultHandle.Values
  private var row = 0
  private var column = 0

  /// - Throws: unless the rows have as many columns as the tuple.
  init<each Column: PostgresDecodable>(
    _ result: PostgresResult, for type: (repeat each Column).Type
  ) throws(PostgresError) {
    var expected = 0
    for _ in repeat (each Column).self { expected += 1 }
    try result.check(columns: expected)
    self.result = result
    values = result.handle.values
  }

  mutating func read<each Column: PostgresDecodable>(_ row: Int) throws(PostgresError) -> (repeat each Column) {
    self.row = row
    column = 0
    return (repeat try next((each Column).self))
  }

  private mutating func next<Value: PostgresDecodable>(_: Value.Type) throws(PostgresError) -> Value {
    defer { column += 1 }
    return try result.decode(values, row, column)
  }
}

extension PostgresError {
  /// The same error, told which column it is about.
  func inColumn(_ column: String) -> PostgresError {
    var error = PostgresError(code, "column \(column): \(message)")
    error.column = column
    return error
  }
}
