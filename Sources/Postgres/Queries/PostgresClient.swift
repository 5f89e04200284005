/// Whatever runs queries: a ``PostgresPool``, a ``PostgresConnection`` or a ``PostgresTransaction``.
///
/// A repository that takes `any PostgresClient` runs inside and outside transactions alike.
///
/// Every call may have a name, by which tracers, metrics and errors know it, and a time-out that covers the whole call:
/// a statement that takes longer is cancelled at the server.
public protocol PostgresClient: Sendable {
  /// Runs one statement and returns all its rows.
  ///
  /// Cancelling the task cancels the query at the server; the call then throws `CancellationError`.
  ///
  /// - Parameters:
  ///   - sql: one statement.
  ///   - options: its name, its time-out, and who asks.
  /// - Throws: ``PostgresError`` or `CancellationError`.
  nonisolated(nonsending) func query(_ sql: SQL, options: QueryOptions) async throws -> PostgresResult

  /// Runs one statement and has its rows read as they come, in one piece or in several.
  ///
  /// With libpq 17 or later the rows of a long answer are read while the server makes more of them: of a statement that the
  /// connection has prepared, and whose last answer was long. What comes after an error of `read` is dropped, and when all has
  /// come the error is thrown; one of the server's goes before it.
  ///
  /// What `read` is given is there for its rows: its command tag, and so the number of rows affected, may not be those of the
  /// whole answer. A client of your own that wraps another may do without this: what ``query(_:options:)`` returns is read then.
  ///
  /// - Parameters:
  ///   - sql: one statement.
  ///   - options: its name, its time-out, and who asks.
  ///   - read: is called at least once, unless there is an error, and with no rows where there are none.
  /// - Throws: ``PostgresError``, `CancellationError`, or what `read` throws.
  nonisolated(nonsending) func query(
    _ sql: SQL, options: QueryOptions, each read: (PostgresResult) throws -> Void
  ) async throws

  /// Lends a connection for a piece of work of several steps: a stream, a batch, a COPY.
  ///
  /// - Throws: `PoolError` when none became free in time.
  nonisolated(nonsending) func checkOut(_ options: QueryOptions) async throws -> PostgresCheckout
}

extension PostgresClient {
  /// Runs one statement and has its rows read when all have come.
  public nonisolated(nonsending) func query(
    _ sql: SQL, options: QueryOptions, each read: (PostgresResult) throws -> Void
  ) async throws {
    try read(try await query(sql, options: options))
  }

  /// Runs one statement and returns all its rows; see ``query(_:options:)``.
  @inline(__always)
  public nonisolated(nonsending) func query(
    _ sql: SQL, name: String? = nil, timeout: Duration? = nil, fileID: StaticString = #fileID, line: UInt = #line
  ) async throws -> PostgresResult {
    try await query(sql, options: QueryOptions(name: name, timeout: timeout, fileID: fileID, line: line))
  }

  /// Runs a statement for its effect.
  ///
  /// - Returns: how many rows it returned, inserted, changed or deleted.
  @discardableResult
  public nonisolated(nonsending) func execute(
    _ sql: SQL, name: String? = nil, timeout: Duration? = nil, fileID: StaticString = #fileID, line: UInt = #line
  ) async throws -> Int {
    try await query(sql, name: name, timeout: timeout, fileID: fileID, line: line).rowsAffected
  }

  /// The one value that a query returns.
  ///
  /// - Throws: ``PostgresError`` of code ``PostgresError/Code/noRows`` or ``PostgresError/Code/tooManyRows`` when
  ///   there is not exactly one row.
  public nonisolated(nonsending) func one<Column: PostgresDecodable>(
    _ sql: SQL, as type: Column.Type = Column.self, name: String? = nil, timeout: Duration? = nil,
    fileID: StaticString = #fileID, line: UInt = #line
  ) async throws -> Column {
    try await query(sql, name: name, timeout: timeout, fileID: fileID, line: line).one(as: type)
  }

  /// The one row that a query returns, as a tuple of its columns.
  ///
  /// - Throws: ``PostgresError`` of code ``PostgresError/Code/noRows`` or ``PostgresError/Code/tooManyRows`` when
  ///   there is not exactly one row.
  public nonisolated(nonsending) func one<each Column: PostgresDecodable>(
    _ sql: SQL, as type: (repeat each Column).Type = (repeat each Column).self, name: String? = nil,
    timeout: Duration? = nil,
    fileID: StaticString = #fileID, line: UInt = #line
  ) async throws -> (repeat each Column) {
    try await query(sql, name: name, timeout: timeout, fileID: fileID, line: line).one(as: type)
  }

  /// The one row that a query returns, as a struct.
  ///
  /// - Throws: ``PostgresError`` of code ``PostgresError/Code/noRows`` or ``PostgresError/Code/tooManyRows`` when
  ///   there is not exactly one row.
  public nonisolated(nonsending) func one<Row: PostgresRow>(
    _ sql: SQL, as type: Row.Type = Row.self, name: String? = nil, timeout: Duration? = nil,
    fileID: StaticString = #fileID, line: UInt = #line
  ) async throws -> Row {
    try await query(sql, name: name, timeout: timeout, fileID: fileID, line: line).one(as: type)
  }

  /// The one value that a query may return; nil without a row.
  ///
  /// - Throws: ``PostgresError`` of code ``PostgresError/Code/tooManyRows`` when there are more.
  public nonisolated(nonsending) func optional<Column: PostgresDecodable>(
    _ sql: SQL, as type: Column.Type = Column.self, name: String? = nil, timeout: Duration? = nil,
    fileID: StaticString = #fileID, line: UInt = #line
  ) async throws -> Column? {
    try await query(sql, name: name, timeout: timeout, fileID: fileID, line: line).optional(as: type)
  }

  /// The one row that a query may return, as a tuple of its columns; nil without a row.
  ///
  /// - Throws: ``PostgresError`` of code ``PostgresError/Code/tooManyRows`` when there are more.
  public nonisolated(nonsending) func optional<each Column: PostgresDecodable>(
    _ sql: SQL, as type: (repeat each Column).Type = (repeat each Column).self, name: String? = nil,
    timeout: Duration? = nil,
    fileID: StaticString = #fileID, line: UInt = #line
  ) async throws -> (repeat each Column)? {
    try await query(sql, name: name, timeout: timeout, fileID: fileID, line: line).optional(as: type)
  }

  /// The one row that a query may return, as a struct; nil without a row.
  ///
  /// - Throws: ``PostgresError`` of code ``PostgresError/Code/tooManyRows`` when there are more.
  public nonisolated(nonsending) func optional<Row: PostgresRow>(
    _ sql: SQL, as type: Row.Type = Row.self, name: String? = nil, timeout: Duration? = nil,
    fileID: StaticString = #fileID, line: UInt = #line
  ) async throws -> Row? {
    try await query(sql, name: name, timeout: timeout, fileID: fileID, line: line).optional(as: type)
  }

  /// The values of a query's one column.
  public nonisolated(nonsending) func all<Column: PostgresDecodable>(
    _ sql: SQL, as type: Column.Type = Column.self, name: String? = nil, timeout: Duration? = nil,
    fileID: StaticString = #fileID, line: UInt = #line
  ) async throws -> [Column] {
    var rows: [Column] = []
    try await query(sql, options: QueryOptions(name: name, timeout: timeout, fileID: fileID, line: line)) { result in
      try result.read(into: &rows)
    }
    return rows
  }

  /// All rows, as tuples of their columns.
  public nonisolated(nonsending) func all<each Column: PostgresDecodable>(
    _ sql: SQL, as type: (repeat each Column).Type = (repeat each Column).self, name: String? = nil,
    timeout: Duration? = nil,
    fileID: StaticString = #fileID, line: UInt = #line
  ) async throws -> [(repeat each Column)] {
    var rows: [(repeat each Column)] = []
    try await query(sql, options: QueryOptions(name: name, timeout: timeout, fileID: fileID, line: line)) { result in
      try result.read(into: &rows)
    }
    return rows
  }

  /// All rows, as structs.
  public nonisolated(nonsending) func all<Row: PostgresRow>(
    _ sql: SQL, as type: Row.Type = Row.self, name: String? = nil, timeout: Duration? = nil,
    fileID: StaticString = #fileID, line: UInt = #line
  ) async throws -> [Row] {
    var rows: [Row] = []
    var decoder: RowDecoder?
    try await query(sql, options: QueryOptions(name: name, timeout: timeout, fileID: fileID, line: line)) { result in
      try result.read(into: &rows, by: &decoder)
    }
    return rows
  }
}

/// The reading of an answer that comes in pieces: what comes after an error in that is dropped, and the error thrown at the end.
struct Reading {
  private var failure: (any Error)?

  mutating func goOn(_ rows: PostgresResult, _ read: (PostgresResult) throws -> Void) {
    guard failure == nil else { return }
    do { try read(rows) } catch { failure = error }
  }

  func end(_ rows: PostgresResult, _ read: (PostgresResult) throws -> Void) throws {
    if let failure { throw failure }
    try read(rows)
  }
}
