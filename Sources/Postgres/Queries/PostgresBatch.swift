internal import MonotonicTime

/// Statements that are sent at once and answered at once: one round trip for all of them.
///
/// ```swift
/// var batch = PostgresBatch()
/// let user = batch.one("SELECT * FROM users WHERE id = \(id)", as: User.self)
/// let orders = batch.all("SELECT * FROM orders WHERE user_id = \(id)", as: Order.self)
/// batch.execute("UPDATE users SET last_seen = now() WHERE id = \(id)")
/// let answers = try await pool.run(batch)
/// show(try answers[user], try answers[orders])
/// ```
///
/// What an error does to the others is chosen with ``Isolation``.
public struct PostgresBatch: Sendable {
  /// What becomes of the other statements when one fails.
  public enum Isolation: Sendable {
    /// All or nothing: outside a transaction the batch is one by itself. After the first error the rest is not run,
    /// what was done before is undone, and the call throws the error. The default, and the faster.
    case together
    /// Outside a transaction each statement is committed by itself, and those after a failed one still run; the error
    /// is thrown where its answer is read. In a transaction an error fails the transaction, as always: the statements
    /// after it fail with SQLSTATE 25P02.
    case separate
  }

  /// Where a statement's answer is found in ``Answers``.
  public struct Key<Value>: Sendable {
    fileprivate let index: Int
    fileprivate let decode: @Sendable (PostgresResult) throws -> Value
  }

  /// What becomes of the other statements when one fails.
  public let isolation: Isolation
  private(set) var statements: [SQL] = []

  /// An empty batch.
  public init(_ isolation: Isolation = .together) { self.isolation = isolation }

  /// How many statements there are.
  public var count: Int { statements.count }

  /// Adds a statement, and says how its answer is read.
  public mutating func add<Value>(
    _ sql: SQL, _ decode: @escaping @Sendable (PostgresResult) throws -> Value
  ) -> Key<Value> {
    statements.append(sql)
    return Key(index: statements.count - 1, decode: decode)
  }

  /// Adds a statement that is run for its effect; the answer is how many rows it returned, inserted, changed or deleted.
  @discardableResult
  public mutating func execute(_ sql: SQL) -> Key<Int> { add(sql) { $0.rowsAffected } }

  /// Adds a query for exactly one value.
  public mutating func one<Column: PostgresDecodable>(_ sql: SQL, as type: Column.Type = Column.self) -> Key<Column> {
    add(sql) { try $0.one(as: Column.self) }
  }

  /// Adds a query for exactly one row, as a tuple of its columns.
  public mutating func one<each Column: PostgresDecodable>(
    _ sql: SQL, as type: (repeat each Column).Type = (repeat each Column).self
  ) -> Key<(repeat each Column)> {
    add(sql) { result in
      let row: (repeat each Column) = try result.single().decode()
      return row
    }
  }

  /// Adds a query for exactly one row, as a struct.
  public mutating func one<Row: PostgresRow>(_ sql: SQL, as type: Row.Type = Row.self) -> Key<Row> {
    add(sql) { try $0.one(as: Row.self) }
  }

  /// Adds a query for at most one value.
  public mutating func optional<Column: PostgresDecodable>(
    _ sql: SQL, as type: Column.Type = Column.self
  ) -> Key<Column?> {
    add(sql) { try $0.optional(as: Column.self) }
  }

  /// Adds a query for at most one row, as a struct.
  public mutating func optional<Row: PostgresRow>(_ sql: SQL, as type: Row.Type = Row.self) -> Key<Row?> {
    add(sql) { try $0.optional(as: Row.self) }
  }

  /// Adds a query for the values of one column.
  public mutating func all<Column: PostgresDecodable>(
    _ sql: SQL, as type: Column.Type = Column.self
  ) -> Key<[Column]> {
    add(sql) { try $0.all(as: Column.self) }
  }

  /// Adds a query for rows, as tuples of their columns.
  public mutating func all<each Column: PostgresDecodable>(
    _ sql: SQL, as type: (repeat each Column).Type = (repeat each Column).self
  ) -> Key<[(repeat each Column)]> {
    add(sql) { result in
      let rows: [(repeat each Column)] = try result.all()
      return rows
    }
  }

  /// Adds a query for rows, as structs.
  public mutating func all<Row: PostgresRow>(_ sql: SQL, as type: Row.Type = Row.self) -> Key<[Row]> {
    add(sql) { try $0.all(as: Row.self) }
  }

  /// What the server answered.
  public struct Answers: Sendable {
    let results: [Result<PostgresResult, PostgresError>]

    /// A statement's answer.
    ///
    /// - Throws: the statement's own error, where the batch is ``PostgresBatch/Isolation/separate``; or ``PostgresError``
    ///   when the rows are not what the key says.
    public subscript<Value>(key: Key<Value>) -> Value {
      get throws {
        guard results.indices.contains(key.index) else {
          throw PostgresError(.unsupported, "the key is of another batch, which has more statements")
        }
        return try key.decode(results[key.index].get())
      }
    }

    /// How many statements failed.
    public var failureCount: Int { results.count { if case .failure = $0 { true } else { false } } }
  }
}

extension PostgresClient {
  /// Sends all statements of a batch at once, and waits for all answers.
  ///
  /// - Throws: ``PostgresError`` of the first statement that failed, unless the batch is
  ///   ``PostgresBatch/Isolation/separate``: then the answers alone tell; of code
  ///   ``PostgresError/Code/transactionAborted`` when it is sent to a pool, begins a transaction and does not end it;
  ///   `PoolError`; `CancellationError`.
  @discardableResult
  public func run(
    _ batch: PostgresBatch, name: String? = nil, timeout: Duration? = nil, fileID: StaticString = #fileID,
    line: UInt = #line
  ) async throws -> PostgresBatch.Answers {
    guard batch.count > 0 else { return PostgresBatch.Answers(results: []) }
    let options = QueryOptions(name: name, timeout: timeout, fileID: fileID, line: line)
    let start = MonotonicInstant.now
    let checkout = try await checkOut(options)
    defer { checkout.giveBack(isSound: checkout.connection.isClean) }
    do {
      return try await checkout.connection.run(
        batch, checkout.rest(of: options, since: start), isLent: checkout.isLent)
    } catch {
      checkout.report(error)
      throw error
    }
  }
}
