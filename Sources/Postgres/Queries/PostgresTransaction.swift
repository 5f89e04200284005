internal import MonotonicTime
internal import Synchronization

/// A transaction under way. Ends with the closure it was given to: commits when that returns, rolls back when it throws. Who
/// kept it gets an error from then on.
public struct PostgresTransaction: PostgresClient {
  /// The connection it runs on.
  public let connection: PostgresConnection
  /// How many savepoints it stands in; 0 for the transaction itself.
  let depth: Int

  /// When its time is over; nil when it may take as long as it takes.
  let deadline: MonotonicInstant?
  /// How many transactions had ended on the connection when this one began.
  let number: Int
  /// How many transactions a statement had rolled back on it by then.
  let rollbacks: Int

  /// Runs one statement in the transaction; see ``PostgresClient/query(_:options:)``.
  public nonisolated(nonsending) func query(_ sql: SQL, options: QueryOptions) async throws -> PostgresResult {
    try checkItGoesOn(options)
    return try await connection.run(sql, options.within(deadline))
  }

  /// Runs one statement and reads its rows as they come; see ``PostgresClient/query(_:options:each:)``.
  public nonisolated(nonsending) func query(
    _ sql: SQL, options: QueryOptions, each read: (PostgresResult) throws -> Void
  ) async throws {
    try checkItGoesOn(options)
    try await connection.query(sql, options: options.within(deadline), each: read)
  }

  /// The transaction's connection; see ``PostgresClient/checkOut(_:)``.
  public nonisolated(nonsending) func checkOut(_ options: QueryOptions) async throws -> PostgresCheckout {
    try checkItGoesOn(options)
    return PostgresCheckout(connection, until: deadline)
  }

  /// The connection is somebody else's afterwards, who may be in a transaction.
  private func checkItGoesOn(_ options: QueryOptions) throws(PostgresError) {
    guard connection.transactionsEnded == number else {
      var error = PostgresError.transactionIsOver
      error.queryName = options.name
      error.origin = options.caller.origin
      throw error
    }
  }

  /// A part that can fail by itself: a savepoint, undone when `body` throws.
  @discardableResult
  public func transaction<Result>(
    isolation: isolated (any Actor)? = #isolation, fileID: StaticString = #fileID, line: UInt = #line,
    _ body: (PostgresTransaction) async throws -> sending Result
  ) async throws -> sending Result {
    let savepoint: SQL = "\(identifier: "keel_\(depth + 1)")"
    let options = QueryOptions(fileID: fileID, line: line)
    try await mark("SAVEPOINT \(savepoint)", options)
    do {
      let result = try await body(
        PostgresTransaction(
          connection: connection, depth: depth + 1, deadline: deadline, number: number, rollbacks: rollbacks))
      try await mark("RELEASE SAVEPOINT \(savepoint)", options)
      return result
    } catch {
      // When this fails too, so does the transaction around it: its COMMIT tells.
      await connection.undo("ROLLBACK TO SAVEPOINT \(savepoint)")
      // Undone it still stands, and the next would stand in it.
      await connection.undo("RELEASE SAVEPOINT \(savepoint)")
      throw error
    }
  }

  /// Runs a statement that only fails so where the closure has ended what it stands in.
  private func mark(_ sql: SQL, _ options: QueryOptions) async throws {
    do {
      _ = try await query(sql, options: options)
    } catch let error as PostgresError where error.sqlState?.isOfMissingTransaction == true {
      // A COMMIT may have been last, and yet of a transaction that the closure began after a ROLLBACK.
      let outcome: TransactionOutcome = connection.wasRolledBack(since: rollbacks) ? .undone : .kept
      throw PostgresError.ended(outcome, sql, error).of(sql, options.caller)
    }
  }
}

/// How a transaction is begun.
public struct TransactionOptions: Sendable {
  /// What a transaction sees of others; see the manual's chapter 13.2.
  public enum Isolation: String, Sendable {
    /// Each statement sees what was committed before it.
    case readCommitted = "READ COMMITTED"
    /// All statements see what was committed before the first.
    case repeatableRead = "REPEATABLE READ"
    /// As if the transactions ran one after the other; some have to be run again.
    case serializable = "SERIALIZABLE"
  }

  /// Default: what the server is set to.
  public var isolation: Isolation?
  /// Refuses to write. Default false.
  public var isReadOnly = false
  /// With `serializable` and read-only: waits for a moment in which it needs no locks and cannot fail. Default false.
  public var isDeferrable = false

  /// As the server is set to.
  public init(isolation: Isolation? = nil, isReadOnly: Bool = false, isDeferrable: Bool = false) {
    self.isolation = isolation
    self.isReadOnly = isReadOnly
    self.isDeferrable = isDeferrable
  }

  var begin: SQL {
    var text = "BEGIN"
    if let isolation { text += " ISOLATION LEVEL \(isolation.rawValue)" }
    if isReadOnly { text += " READ ONLY" }
    if isDeferrable { text += " DEFERRABLE" }
    return SQL(unchecked: text)
  }
}

/// Whether a transaction that lost against another is run again.
public enum TransactionRetry: Sendable {
  /// The error is thrown.
  case never
  /// After a serialization failure or a deadlock, up to so many attempts in all. The pause between them is random and
  /// grows, from some 10 milliseconds to some 300; the connection is given back meanwhile.
  case serialization(attempts: Int)

  /// Ten attempts, within some two seconds.
  public static let serialization = TransactionRetry.serialization(attempts: 10)

  /// Whether there is another attempt if this one loses.
  func isRunAgain(after attempt: Int) -> Bool {
    if case .serialization(let attempts) = self { attempt < attempts } else { false }
  }

  /// The pause before another attempt; nil when there is to be none.
  func pause(after attempt: Int, _ error: any Error) -> Duration? {
    guard isRunAgain(after: attempt), (error as? PostgresError)?.isRetryable == true else { return nil }
    return .milliseconds(5) * (1 << min(attempt, 6)) * Double.random(in: 0.5..<1.5)
  }
}

extension PostgresConnection {
  /// Runs `body` in a transaction: commits when it returns, rolls back when it throws or the task is cancelled.
  ///
  /// - Parameters:
  ///   - options: isolation level and the like.
  ///   - timeout: how long it may take. A statement that runs then is cancelled at the server, one that begins later
  ///     is too late, and the transaction is rolled back. `body` itself is not interrupted. COMMIT, once sent, is waited for
  ///     until the server has had ``ConnectOptions/cancelTimeout`` beyond it. Default: as long as it takes.
  /// - Throws: what `body` throws; ``PostgresError`` of code ``PostgresError/Code/outcomeUnknown`` when the connection
  ///   broke during COMMIT, or that had no answer in time; ``PostgresError/Code/transactionAborted`` when a statement's error was not passed on.
  @discardableResult
  public func transaction<Result>(
    _ options: TransactionOptions = TransactionOptions(), timeout: Duration? = nil,
    isolation: isolated (any Actor)? = #isolation, fileID: StaticString = #fileID, line: UInt = #line,
    _ body: (PostgresTransaction) async throws -> sending Result
  ) async throws -> sending Result {
    let deadline = timeout.map { MonotonicInstant.now + $0 }
    try checkItIsLent(QueryCaller(name: nil, fileID: fileID, line: line))
    _ = try await run(options.begin, QueryOptions(timeout: timeout, fileID: fileID, line: line))
    let number = transactionsEnded
    let rollbacks = rollbackCount
    let result: Result
    do {
      // Before COMMIT is sent: what is sent behind it is outside.
      defer { endTransaction() }
      result = try await body(
        PostgresTransaction(connection: self, depth: 0, deadline: deadline, number: number, rollbacks: rollbacks))
      try Task.checkCancellation()
      if let timeout, let deadline, MonotonicInstant.now >= deadline {
        throw PostgresError(.timedOut, "the transaction took longer than \(timeout) and was rolled back")
      }
    } catch {
      // When this fails the connection does not come back clean, and is closed: the server then rolls back.
      await undo("ROLLBACK")
      throw error
    }
    // Without a time-out as long as it takes, as any statement.
    let patience = deadline.map { max($0 - .now, .zero) + self.options.cancelTimeout }
    try await commit(QueryOptions(fileID: fileID, line: line), patience, since: rollbacks)
    return result
  }

  /// Also for a task that is cancelled, but not for ever: a server that has frozen undoes all the same when it finds the
  /// connection closed.
  fileprivate func undo(_ sql: SQL) async {
    _ = try? await run(sql, isCancellable: false, patience: options.cancelTimeout)
  }

  /// - Parameter rollbacks: How many there had been as it began.
  private func commit(_ options: QueryOptions, _ patience: Duration?, since rollbacks: Int) async throws {
    // Lost before, the connection carries no COMMIT, and the server has rolled back.
    let wasOpen = isOpen
    // To the server a COMMIT without a transaction is none the worse for it.
    guard !wasRolledBack(since: rollbacks) else {
      let error = PostgresError.undoneByItself(andBegunAgain: isInTransaction).of(options.caller)
      // What the closure has begun after it goes the same way: half of a transaction is nothing to be kept.
      if transactionStatus != .idle { await undo("ROLLBACK") }
      throw error
    }
    do {
      // A COMMIT once sent is waited for: to give up in between would leave its outcome open. Only a server that has frozen
      // is given up for all that.
      _ = try await run("COMMIT", options, isCancellable: false, isCommit: true, patience: patience)
    } catch let error as PostgresError where wasOpen && [.connectionLost, .closed].contains(error.code) {
      throw PostgresError(
        .outcomeUnknown,
        "the connection broke during COMMIT: the transaction may or may not have happened "
          + "(\(error.message))")
    }
  }
}

extension PostgresPool {
  /// Runs `body` in a transaction on a connection of its own: commits when it returns, rolls back when it throws or the
  /// task is cancelled.
  ///
  /// - Parameters:
  ///   - options: isolation level and the like.
  ///   - retrying: whether to run it again after a serialization failure or a deadlock; `body` then runs from its start.
  ///   - timeout: how long one attempt may take; see ``PostgresConnection/transaction(_:timeout:isolation:fileID:line:_:)``.
  ///   - acquireTimeout: how long to wait for a connection. Default: the pool's.
  /// - Throws: as ``PostgresConnection/transaction(_:timeout:isolation:fileID:line:_:)``, and `PoolError` when no
  ///   connection became free.
  @discardableResult
  public func transaction<Result>(
    _ options: TransactionOptions = TransactionOptions(), retrying: TransactionRetry = .never,
    timeout: Duration? = nil, acquireTimeout: Duration? = nil,
    isolation: isolated (any Actor)? = #isolation, fileID: StaticString = #fileID, line: UInt = #line,
    _ body: (PostgresTransaction) async throws -> sending Result
  ) async throws -> sending Result {
    var attempt = 0
    while true {
      attempt += 1
      do {
        return try await withConnection(acquireTimeout: acquireTimeout, fileID: fileID, line: line) {
          connection in
          connection.isRunAgain.store(retrying.isRunAgain(after: attempt), ordering: .relaxed)
          return try await connection.transaction(options, timeout: timeout, fileID: fileID, line: line, body)
        }
      } catch {
        guard let pause = retrying.pause(after: attempt, error) else { throw error }
        try await Task.sleep(for: pause)
      }
    }
  }
}
