internal import MonotonicTime

extension PostgresClient {
  /// Runs a `COPY … FROM STDIN` with the data that `write` writes, in whichever format the statement names.
  ///
  /// ```swift
  /// try await pool.copyIn("COPY users FROM STDIN (FORMAT csv)") { writer in
  ///   for line in lines { try await writer.write(line + "\n") }
  /// }
  /// ```
  ///
  /// When `write` throws, nothing is copied.
  ///
  /// - Returns: how many rows were copied.
  /// - Throws: what `write` throws; ``PostgresError`` whose ``PostgresError/line`` and ``PostgresError/column`` say where
  ///   in the data the server stumbled.
  @discardableResult
  public func copyIn(
    _ sql: SQL, name: String? = nil, timeout: Duration? = nil, isolation: isolated (any Actor)? = #isolation,
    fileID: StaticString = #fileID, line: UInt = #line,
    _ write: (PostgresCopyWriter) async throws -> Void
  ) async throws -> Int {
    let options = QueryOptions(name: name, timeout: timeout, fileID: fileID, line: line)
    return try await withCheckout(options) { connection, rest in
      try await connection.copyIn(sql, rest) { request in
        let writer = PostgresCopyWriter(connection, request)
        try await write(writer)
        try await writer.flush()
      }
    }
  }

  /// Runs a `COPY … FROM STDIN` with the pieces of data of a sequence: a file read in chunks, say.
  ///
  /// The sequence is asked for more only when the server has room for it.
  ///
  /// - Returns: how many rows were copied.
  /// - Throws: what the sequence throws, after which nothing is copied; ``PostgresError`` as `copyIn` with a closure.
  @discardableResult
  public func copyIn<Pieces: AsyncSequence>(
    _ sql: SQL, from pieces: Pieces, name: String? = nil, timeout: Duration? = nil,
    isolation: isolated (any Actor)? = #isolation, fileID: StaticString = #fileID, line: UInt = #line
  ) async throws -> Int where Pieces.Element: Sequence<UInt8> & Sendable {
    try await copyIn(sql, name: name, timeout: timeout, fileID: fileID, line: line) { writer in
      for try await piece in pieces { try await writer.write(piece) }
    }
  }

  /// Copies rows into a table, in binary.
  ///
  /// ```swift
  /// try await pool.copyRows(into: "users", columns: ["id", "email"]) { writer in
  ///   for user in users { try await writer.write(user.id, user.email) }
  /// }
  /// ```
  ///
  /// When `write` throws, nothing is copied.
  ///
  /// - Parameters:
  ///   - table: its name as an identifier: `\(identifier: "users")`, or as text of the program: `"shop.users"`.
  ///   - columns: which columns the rows have, in their order.
  /// - Returns: how many rows were copied.
  /// - Throws: what `write` throws; ``PostgresError`` whose ``PostgresError/line`` is the row that the server refused.
  @discardableResult
  public func copyRows(
    into table: SQL, columns: [String], name: String? = nil, timeout: Duration? = nil,
    isolation: isolated (any Actor)? = #isolation, fileID: StaticString = #fileID, line: UInt = #line,
    _ write: (PostgresRowWriter) async throws -> Void
  ) async throws -> Int {
    let options = QueryOptions(name: name, timeout: timeout, fileID: fileID, line: line)
    return try await withCheckout(options) { connection, rest in
      let start = MonotonicInstant.now
      let (described, list) = try await connection.columns(columns, of: table, rest)
      try await connection.learnTypes(ofColumns: described.map(\.type), rest.after(.now - start))
      let types = connection.types
      let rest = rest.after(.now - start)
      return try await connection.copyIn("COPY \(table) (\(list)) FROM STDIN (FORMAT binary)", rest) { request in
        let writer = PostgresRowWriter(connection, request, CopyRowEncoder(described, types))
        try await write(writer)
        try await writer.finish()
      }
    }
  }

  /// Copies the rows of a sequence of tuples into a table, in binary; see `copyRows` with a closure.
  @discardableResult
  public func copyRows<Rows: AsyncSequence, each Column: PostgresEncodable>(
    into table: SQL, columns: [String], from rows: Rows, name: String? = nil, timeout: Duration? = nil,
    isolation: isolated (any Actor)? = #isolation, fileID: StaticString = #fileID, line: UInt = #line
  ) async throws -> Int where Rows.Element == (repeat each Column) {
    try await copyRows(into: table, columns: columns, name: name, timeout: timeout, fileID: fileID, line: line) {
      writer in
      for try await row in rows { try await writer.write(repeat each row) }
    }
  }

  /// The data of a `COPY … TO STDOUT` in pieces of whole rows, in whichever format the statement names.
  ///
  /// ```swift
  /// for try await piece in pool.copyOut("COPY users TO STDOUT (FORMAT csv, HEADER)") { try file.write(piece) }
  /// ```
  ///
  /// As with ``PostgresStream``: a slow reader slows the server down, and a loop left early cancels the COPY.
  public func copyOut(
    _ sql: SQL, name: String? = nil, timeout: Duration? = nil, fileID: StaticString = #fileID, line: UInt = #line
  ) -> PostgresCopyOut {
    PostgresCopyOut(self, sql, QueryOptions(name: name, timeout: timeout, fileID: fileID, line: line))
  }

  /// A connection for as long as `body` runs; what is left of the time goes with it.
  private func withCheckout<Result: Sendable>(
    _ options: QueryOptions, isolation: isolated (any Actor)? = #isolation,
    _ body: (PostgresConnection, QueryOptions) async throws -> Result
  ) async throws -> Result {
    let start = MonotonicInstant.now
    let checkout = try await checkOut(options)
    defer { checkout.giveBack(isSound: checkout.connection.isClean) }
    do {
      return try await body(checkout.connection, checkout.rest(of: options, since: start))
    } catch {
      checkout.report(error)
      throw error
    }
  }
}

/// The data of a COPY from the server; see ``PostgresClient/copyOut(_:name:timeout:fileID:line:)``.
public struct PostgresCopyOut: AsyncSequence, Sendable {
  private let client: any PostgresClient
  private let sql: SQL
  private let options: QueryOptions

  init(_ client: any PostgresClient, _ sql: SQL, _ options: QueryOptions) {
    self.client = client
    self.sql = sql
    self.options = options
  }

  /// Begins with the first row.
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(client: client, sql: sql, options: options) }

  /// Where a loop over the data stands.
  public struct AsyncIterator: AsyncIteratorProtocol {
    fileprivate let client: any PostgresClient
    fileprivate let sql: SQL
    fileprivate let options: QueryOptions
    fileprivate var reader: StreamReader?
    fileprivate var isOver = false

    /// The next piece, of at most a few hundred kilobytes unless a single row is larger.
    ///
    /// - Throws: ``PostgresError``, `PoolError` when no connection became free, `CancellationError`.
    public mutating func next(isolation actor: isolated (any Actor)? = #isolation) async throws -> [UInt8]? {
      guard !isOver else { return nil }
      do {
        if reader == nil { reader = try await StreamReader.open(.copyOut(sql), client, options) }
        if case .bytes(let bytes)? = try await reader?.next() { return bytes }
      } catch {
        finish()
        throw error
      }
      finish()
      return nil
    }

    private mutating func finish() {
      isOver = true
      reader = nil
    }
  }
}
