/// Whatever runs queries: a ``PostgresPool``, a ``PostgresConnection`` or a ``PostgresTransaction``.
///
/// A repository that takes `any PostgresClient` runs inside and outside transactions alike.
public protocol PostgresClient: Sendable {
  /// Runs one statement and returns all its rows.
  ///
  /// Cancelling the task cancels the query at the server; the call then throws `CancellationError`.
  ///
  /// - Parameters:
  ///   - sql: one statement.
  ///   - name: what tracers, metrics and errors call it.
  /// - Throws: ``PostgresError`` or `CancellationError`.
  func query(_ sql: SQL, name: String?) async throws -> PostgresResult
}

extension PostgresClient {
  /// Runs a statement for its effect.
  ///
  /// - Returns: how many rows it returned, inserted, changed or deleted.
  @discardableResult
  public func execute(_ sql: SQL, name: String? = nil) async throws -> Int {
    try await query(sql, name: name).rowsAffected
  }

  /// The one value that a query returns.
  ///
  /// - Throws: ``PostgresError`` of code ``PostgresError/Code/noRows`` or ``PostgresError/Code/tooManyRows`` when
  ///   there is not exactly one row.
  public func one<Column: PostgresDecodable>(
    _ sql: SQL, as type: Column.Type = Column.self, name: String? = nil
  ) async throws -> Column {
    try await query(sql, name: name).single().decode(as: type)
  }

  /// The one row that a query returns, as a tuple of its columns.
  ///
  /// - Throws: ``PostgresError`` of code ``PostgresError/Code/noRows`` or ``PostgresError/Code/tooManyRows`` when
  ///   there is not exactly one.
  public func one<each Column: PostgresDecodable>(
    _ sql: SQL, as type: (repeat each Column).Type = (repeat each Column).self, name: String? = nil
  ) async throws -> (repeat each Column) {
    try await query(sql, name: name).single().decode(as: type)
  }

  /// The one row that a query returns, as a struct.
  ///
  /// - Throws: ``PostgresError`` of code ``PostgresError/Code/noRows`` or ``PostgresError/Code/tooManyRows`` when
  ///   there is not exactly one.
  public func one<Row: PostgresRow>(
    _ sql: SQL, as type: Row.Type = Row.self, name: String? = nil
  ) async throws -> Row {
    try await query(sql, name: name).single().decode(as: type)
  }

  /// The one value that a query may return; nil without a row.
  ///
  /// - Throws: ``PostgresError`` of code ``PostgresError/Code/tooManyRows`` when there are more.
  public func optional<Column: PostgresDecodable>(
    _ sql: SQL, as type: Column.Type = Column.self, name: String? = nil
  ) async throws -> Column? {
    let result = try await query(sql, name: name)
    return result.isEmpty ? nil : try result.single().decode(as: type)
  }

  /// The one row that a query may return, as a tuple of its columns; nil without a row.
  ///
  /// - Throws: ``PostgresError`` of code ``PostgresError/Code/tooManyRows`` when there are more.
  public func optional<each Column: PostgresDecodable>(
    _ sql: SQL, as type: (repeat each Column).Type = (repeat each Column).self, name: String? = nil
  ) async throws -> (repeat each Column)? {
    let result = try await query(sql, name: name)
    guard !result.isEmpty else { return nil }
    let row: (repeat each Column) = try result.single().decode()
    return row
  }

  /// The one row that a query may return, as a struct; nil without a row.
  ///
  /// - Throws: ``PostgresError`` of code ``PostgresError/Code/tooManyRows`` when there are more.
  public func optional<Row: PostgresRow>(
    _ sql: SQL, as type: Row.Type = Row.self, name: String? = nil
  ) async throws -> Row? {
    let result = try await query(sql, name: name)
    return result.isEmpty ? nil : try result.single().decode(as: type)
  }

  /// The values of a query's one column.
  public func all<Column: PostgresDecodable>(
    _ sql: SQL, as type: Column.Type = Column.self, name: String? = nil
  ) async throws -> [Column] {
    try await query(sql, name: name).map { row in try row.decode(as: type) }
  }

  /// All rows, as tuples of their columns.
  public func all<each Column: PostgresDecodable>(
    _ sql: SQL, as type: (repeat each Column).Type = (repeat each Column).self, name: String? = nil
  ) async throws -> [(repeat each Column)] {
    let result = try await query(sql, name: name)
    var rows: [(repeat each Column)] = []
    rows.reserveCapacity(result.count)
    for row in result { rows.append(try row.decode(as: type)) }
    return rows
  }

  /// All rows, as structs.
  public func all<Row: PostgresRow>(
    _ sql: SQL, as type: Row.Type = Row.self, name: String? = nil
  ) async throws -> [Row] {
    let result = try await query(sql, name: name)
    let decoder = RowDecoder(result)
    var rows: [Row] = []
    rows.reserveCapacity(result.count)
    for index in result.indices { rows.append(try decoder.decode(type, row: index)) }
    return rows
  }
}

extension PostgresResult {
  fileprivate func single() throws(PostgresError) -> PostgresRowView {
    switch count {
    case 1: return self[0]
    case 0: throw PostgresError(.noRows, "no row where one is expected").of(sql, name)
    default:
      throw PostgresError(.tooManyRows, "\(count) rows where one is expected; add LIMIT 1 if any will do").of(sql, name)
    }
  }
}
