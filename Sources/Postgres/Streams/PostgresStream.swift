/// The rows of a query, read from the server as they are needed: however many there are, a few hundred kilobytes of
/// them are in memory at a time.
///
/// ```swift
/// for try await movie in pool.stream("SELECT id, title FROM movies", as: Movie.self) { … }
/// ```
///
/// The query is sent when the first row is asked for, and again for each new iteration. A reader that is slow slows the
/// server down. A loop that is left early cancels the query at the server, and the connection is used again after; in a
/// transaction, which a cancelled query would fail, the rest is read and dropped instead.
///
/// The connection belongs to the stream until its end: in a transaction, other statements fail with
/// ``PostgresError/Code/busy`` until then.
public struct PostgresStream<Element>: AsyncSequence {
  typealias Decode = (PostgresRowView) throws -> Element

  private let client: any PostgresClient
  private let sql: SQL
  private let options: QueryOptions
  /// Makes what decodes the rows of one iteration.
  private let makeDecode: @Sendable () -> Decode

  init(
    _ client: any PostgresClient, _ sql: SQL, _ options: QueryOptions, _ makeDecode: @escaping @Sendable () -> Decode
  ) {
    self.client = client
    self.sql = sql
    self.options = options
    self.makeDecode = makeDecode
  }

  /// Begins with the first row.
  public func makeAsyncIterator() -> AsyncIterator {
    AsyncIterator(client: client, sql: sql, options: options, decode: makeDecode())
  }

  /// Where a loop over the rows stands.
  public struct AsyncIterator: AsyncIteratorProtocol {
    private let client: any PostgresClient
    private let sql: SQL
    private let text: String
    private let options: QueryOptions
    private let decode: Decode
    private var reader: StreamReader?
    private var isOver = false
    /// What has come and was not read yet, from this row of the first on.
    private var results: ArraySlice<ResultHandle> = []
    private var row = 0

    fileprivate init(client: any PostgresClient, sql: SQL, options: QueryOptions, decode: @escaping Decode) {
      self.client = client
      self.sql = sql
      text = sql.text
      self.options = options
      self.decode = decode
    }

    /// The next row.
    ///
    /// - Throws: ``PostgresError``, `PoolError` when no connection became free, `CancellationError`.
    public mutating func next(isolation actor: isolated (any Actor)? = #isolation) async throws -> Element? {
      if results.isEmpty {
        try await refill()
        if isOver { return nil }
      }
      let result = PostgresResult(handle: results[results.startIndex], sql: text, caller: options.caller)
      defer { step(over: result) }
      do {
        return try decode(PostgresRowView(result: result, row: row))
      } catch {
        finish()
        throw error
      }
    }

    private mutating func step(over result: PostgresResult) {
      row += 1
      guard row == result.endIndex else { return }
      row = 0
      results = results.dropFirst()
    }

    private nonisolated(nonsending) mutating func refill() async throws {
      guard !isOver else { return }
      do {
        if reader == nil { reader = try await StreamReader.open(.rows(sql), client, options) }
        guard case .rows(let more)? = try await reader?.next() else {
          finish()
          return
        }
        results = more[...]
      } catch {
        finish()
        throw error
      }
    }

    private mutating func finish() {
      isOver = true
      results = []
      reader = nil
    }
  }
}

@available(*, unavailable)
extension PostgresStream.AsyncIterator: Sendable {}
extension PostgresStream: Sendable {}

extension PostgresClient {
  /// The rows of a query one by one, undecoded; see ``PostgresStream``.
  public func stream(
    _ sql: SQL, name: String? = nil, timeout: Duration? = nil, fileID: StaticString = #fileID, line: UInt = #line
  ) -> PostgresStream<PostgresRowView> {
    PostgresStream(self, sql, QueryOptions(name: name, timeout: timeout, fileID: fileID, line: line)) { { $0 } }
  }

  /// The values of a query's one column, one by one; see ``PostgresStream``.
  public func stream<Column: PostgresDecodable>(
    _ sql: SQL, as type: Column.Type = Column.self, name: String? = nil, timeout: Duration? = nil,
    fileID: StaticString = #fileID, line: UInt = #line
  ) -> PostgresStream<Column> {
    PostgresStream(self, sql, QueryOptions(name: name, timeout: timeout, fileID: fileID, line: line)) {
      { row in try row.decode(as: Column.self) }
    }
  }

  /// The rows of a query one by one, as tuples of their columns; see ``PostgresStream``.
  public func stream<each Column: PostgresDecodable>(
    _ sql: SQL, as type: (repeat each Column).Type = (repeat each Column).self, name: String? = nil,
    timeout: Duration? = nil, fileID: StaticString = #fileID, line: UInt = #line
  ) -> PostgresStream<(repeat each Column)> {
    PostgresStream(self, sql, QueryOptions(name: name, timeout: timeout, fileID: fileID, line: line)) {
      { row in
        let columns: (repeat each Column) = try row.decode()
        return columns
      }
    }
  }

  /// The rows of a query one by one, as structs; see ``PostgresStream``.
  public func stream<Row: PostgresRow>(
    _ sql: SQL, as type: Row.Type = Row.self, name: String? = nil, timeout: Duration? = nil,
    fileID: StaticString = #fileID, line: UInt = #line
  ) -> PostgresStream<Row> {
    PostgresStream(self, sql, QueryOptions(name: name, timeout: timeout, fileID: fileID, line: line)) {
      // The columns are the same in every row: what is known of them is kept.
      var decoder: RowDecoder?
      return { view in
        let known = decoder ?? RowDecoder(view.result)
        decoder = known
        return try known.decode(Row.self, of: view.result, row: view.row)
      }
    }
  }
}
