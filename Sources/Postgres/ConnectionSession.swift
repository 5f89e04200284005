/// What a connection is doing: the queries on their way, and every decision about them. Used under the connection's
/// lock; it resumes nobody, but returns whom to resume.
struct ConnectionSession: ~Copyable, Sendable {
  typealias Continuation = CheckedContinuation<ResultHandle, any Error>

  /// One statement or script, from the call to its answer.
  struct Request: Sendable {
    enum Kind: Sendable {
      /// A prepared statement; any number can be under way.
      case statement(SQL)
      /// Several statements by the simple protocol; alone on the connection.
      case script(String)
    }

    let id: UInt64
    let kind: Kind
    /// Who waits; nil once the task was cancelled and told so.
    var continuation: Continuation?
    /// Called when the server is done with it, before the waiter is resumed; says whether the connection is sound.
    let onDone: (@Sendable (_ isSound: Bool) -> Void)?
    /// Its place in the statement cache, and its name at the server.
    var key: StatementCache.Key?
    var statementName = ""
    /// The server knows the statement: it did before, or has answered the prepare.
    var isPrepared = false
    /// It was sent a second time, after its prepared statement turned out to be gone or stale.
    var isRetry = false
    var result: ResultHandle?
    var error: PostgresError?
    var isCancelled = false
  }

  /// Who is to be told what, once the lock is released.
  struct Completion: Sendable {
    let onDone: (@Sendable (Bool) -> Void)?
    let isSound: Bool
    let continuation: Continuation?
    let outcome: Result<ResultHandle, any Error>

    func deliver() {
      onDone?(isSound)
      continuation?.resume(with: outcome)
    }
  }

  /// A cancel request at the server, which concerns whatever runs there when it arrives.
  private enum Cancel {
    /// None on its way.
    case none
    /// One is on its way for this request; what comes back meanwhile is held, and nothing new is sent.
    case underWay(UInt64, held: [Completion])
  }

  private var handle: ConnectionHandle?
  private var statements = StatementCache(capacity: 512)
  /// Statements to be forgotten at the server with the next one sent.
  private var obsolete: [String] = []
  /// Sent, in the order in which answers come.
  private var inFlight: [Request] = []
  /// Not sent yet: behind a script, or before one, or behind a cancel request.
  private var queue: [Request] = []
  private var nextID: UInt64 = 0
  private var isPipelined = false
  private var cancel = Cancel.none
  /// Why the connection is of no use any more.
  private(set) var failure: PostgresError?
  /// Output is waiting for room in the socket.
  private(set) var wantsWrite = false

  init(_ handle: consuming ConnectionHandle) { self.handle = consume handle }

  /// Where the connection stands between queries.
  var transactionStatus: TransactionStatus {
    mutating get { handle?.transactionStatus ?? .unknown }
  }

  /// What the database says of its own types.
  mutating func use(_ types: TypeCatalogue) { handle?.types = types }

  /// Nothing is on its way.
  var isQuiet: Bool { inFlight.isEmpty && queue.isEmpty }

  // MARK: Sending

  /// Takes a request; its waiter is resumed by one of the completions of this or a later call.
  mutating func submit(
    _ kind: Request.Kind, _ continuation: Continuation, onDone: (@Sendable (Bool) -> Void)?,
    _ completions: inout [Completion]
  ) -> UInt64 {
    nextID += 1
    queue.append(Request(id: nextID, kind: kind, continuation: continuation, onDone: onDone))
    sendQueued(&completions)
    return nextID
  }

  private mutating func sendQueued(_ completions: inout [Completion]) {
    while let request = queue.first {
      if let failure {
        queue.removeFirst()
        complete(request, .failure(failure), &completions)
        continue
      }
      guard canSend(request) else { return }
      queue.removeFirst()
      do throws(PostgresError) {
        try send(request)
      } catch {
        complete(request, .failure(error), &completions)
        if failure != nil { failAll(&completions) }
      }
    }
  }

  private func canSend(_ request: Request) -> Bool {
    guard case .none = cancel else { return false }
    switch (request.kind, inFlight.first?.kind) {
    case (_, nil): return true
    case (.statement, .statement): return true
    case (.script, _), (_, .script): return false
    }
  }

  /// - Throws: an error that concerns the request alone; ``failure`` is set when it concerns the connection.
  private mutating func send(_ request: Request) throws(PostgresError) {
    var request = request
    let isSent: Bool
    switch request.kind {
    case .script(let text):
      guard !text.utf8.contains(0) else {
        throw PostgresError(.encoding, "the text of the script holds a NUL character (U+0000)")
      }
      isSent = setPipelined(false) && handle?.sendScript(text) == true
    case .statement(let sql):
      let key = StatementCache.Key(text: sql.text, types: try handle?.parameterTypes(sql.binds) ?? [])
      guard setPipelined(true) else { throw lose() }
      isSent = try sendStatement(sql, key, &request)
    }
    guard isSent else { throw lose() }
    inFlight.append(request)
    flush()
  }

  private mutating func sendStatement(
    _ sql: SQL, _ key: StatementCache.Key, _ request: inout Request
  ) throws(PostgresError) -> Bool {
    // First, for it may fail, and nothing is to be sent then.
    try handle?.encode(sql.binds)
    let statement = statements.lookUp(key)
    guard !statement.isNew || !key.text.utf8.contains(0) else {
      statements.forget(key)
      throw PostgresError(.encoding, "the text of the query holds a NUL character (U+0000)")
    }
    if let evicted = statement.evicted { obsolete.append(evicted) }
    guard sendDeallocations() else { return false }
    if statement.isNew, handle?.sendPrepare(statement.name, key.text, key.types) != true { return false }
    request.key = key
    request.statementName = statement.name
    request.isPrepared = !statement.isNew
    return handle?.sendExecute(statement.name) == true && handle?.sync() == true
  }

  /// Forgets statements at the server, each in a segment of its own: in a failed transaction the server refuses, and
  /// that must not reach what is sent next.
  private mutating func sendDeallocations() -> Bool {
    for name in obsolete {
      guard handle?.sendPlain("DEALLOCATE \(name)") == true, handle?.sync() == true else { return false }
      nextID += 1
      inFlight.append(Request(id: nextID, kind: .statement(""), continuation: nil, onDone: nil))
    }
    obsolete = []
    return true
  }

  private mutating func setPipelined(_ isOn: Bool) -> Bool {
    guard isPipelined != isOn else { return true }
    isPipelined = isOn
    return handle?.setPipelined(isOn) == true
  }

  private mutating func flush() {
    switch handle?.flush() {
    case .done: wantsWrite = false
    case .blocked: wantsWrite = true
    // The read that follows finds out why, and what the server said last.
    case .failed, nil: wantsWrite = false
    }
  }

  // MARK: Receiving

  /// The socket is ready: writes what waited, reads what came.
  mutating func pump(_ completions: inout [Completion]) {
    guard handle != nil, failure == nil else { return }
    if wantsWrite { flush() }
    let isAlive = handle?.consumeInput() == true
    collect(&completions)
    if !isAlive || failure != nil {
      _ = lose()
      failAll(&completions)
    } else {
      if wantsWrite { flush() }
      sendQueued(&completions)
    }
  }

  private mutating func collect(_ completions: inout [Completion]) {
    // In pipeline mode an end stands between any two statements. Two in a row mean that nothing more comes: the
    // connection is broken.
    var wasEnd = false
    while !inFlight.isEmpty, handle?.isBusy == false {
      let received = handle?.nextResult()
      let isEnd = if case .end = received { true } else { false }
      guard !(isEnd && wasEnd) else { return }
      wasEnd = isEnd
      switch received {
      case .result(let result):
        if let error = result.error {
          inFlight[0].error = inFlight[0].error ?? error
        } else if !inFlight[0].isPrepared, inFlight[0].key != nil {
          inFlight[0].isPrepared = true
        } else {
          inFlight[0].result = result
        }
        if result.isCopy {
          // There is no way back to ordinary queries but through the COPY: the connection is given up, and it alone.
          failure = PostgresError(.unsupported, "COPY to or from the client is not a query; its connection was closed")
          return
        }
      case .sync: finishFirst(&completions)
      case .end: if !isPipelined { finishFirst(&completions) }
      case nil: return
      }
    }
  }

  private mutating func finishFirst(_ completions: inout [Completion]) {
    var request = inFlight.removeFirst()
    if case .statement = request.kind, request.result?.isEmptyQuery == true {
      request.error = PostgresError(.unsupported, "the query is empty")
    }
    guard let error = request.error else {
      if let result = request.result {
        complete(request, .success(result), &completions)
      } else {
        complete(request, .failure(PostgresError(.unsupported, "the server sent no result")), &completions)
      }
      return
    }
    if let key = request.key {
      let isGone = error.sqlState == .invalidSQLStatementName || error.sqlState == .duplicatePreparedStatement
      let isStale = error.isStalePlan
      if isStale { obsolete.append(request.statementName) }
      if isGone || isStale || !request.isPrepared { statements.forget(key) }
      // In a transaction the error has ended it already.
      if isGone || isStale, !request.isRetry, !request.isCancelled, transactionStatus != .failed {
        request.isRetry = true
        request.error = nil
        request.result = nil
        request.isPrepared = false
        queue.insert(request, at: 0)
        return
      }
    }
    if request.isCancelled, error.sqlState == .queryCanceled {
      complete(request, .failure(CancellationError()), &completions)
    } else if case .statement(let sql) = request.kind {
      complete(request, .failure(error.of(sql.text, nil)), &completions)
    } else {
      complete(request, .failure(error), &completions)
    }
  }

  private mutating func complete(
    _ request: Request, _ outcome: Result<ResultHandle, any Error>, _ completions: inout [Completion]
  ) {
    let completion = Completion(
      onDone: request.onDone, isSound: failure == nil, continuation: request.continuation, outcome: outcome)
    if case .underWay(let id, var held) = cancel, failure == nil {
      held.append(completion)
      cancel = .underWay(id, held: held)
    } else {
      completions.append(completion)
    }
  }

  // MARK: Ending

  /// The connection broke: remembers why, and returns it.
  private mutating func lose() -> PostgresError {
    if let failure { return failure }
    // The server's last words (that it is shut down, say) come as the result of the first request.
    let reason = inFlight.first?.error ?? PostgresError(.connectionLost, handle?.errorMessage.trimmed ?? "closed")
    var error = PostgresError(.connectionLost, "connection lost: \(reason.message)")
    error.sqlState = reason.sqlState
    failure = error
    return error
  }

  private mutating func failAll(_ completions: inout [Completion]) {
    guard let failure else { return }
    if case .underWay(_, let held) = cancel {
      completions += held
      cancel = .none
    }
    for request in inFlight + queue { complete(request, .failure(failure), &completions) }
    inFlight = []
    queue = []
  }

  /// Closes the connection and fails what is under way.
  mutating func close(_ error: PostgresError, _ completions: inout [Completion]) {
    failure = failure ?? error
    failAll(&completions)
    handle = nil
  }

  // MARK: Cancelling

  /// What is to be done about a cancelled request.
  enum CancelDecision {
    /// Nothing: it was answered, or its waiter was told.
    case nothing
    /// It is the only one at the server: send a cancel request, then call ``cancelSent(_:)``.
    case send
  }

  /// The task of a request was cancelled.
  mutating func cancelRequest(_ id: UInt64, _ completions: inout [Completion]) -> CancelDecision {
    if let index = queue.firstIndex(where: { $0.id == id }) {
      complete(queue.remove(at: index), .failure(CancellationError()), &completions)
      return .nothing
    }
    guard let index = inFlight.firstIndex(where: { $0.id == id }) else { return .nothing }
    inFlight[index].isCancelled = true
    guard inFlight.count == 1 else {
      // Others share the connection, and a cancel request hits whatever runs when it arrives: only the waiter goes.
      let continuation = inFlight[index].continuation
      inFlight[index].continuation = nil
      completions.append(
        Completion(onDone: nil, isSound: true, continuation: continuation, outcome: .failure(CancellationError())))
      return .nothing
    }
    guard case .none = cancel else { return .nothing }
    cancel = .underWay(id, held: [])
    return .send
  }

  /// The cancel request has been passed on by the server. True when the query still runs: the request came before it
  /// and was lost, so it is to be repeated after a pause.
  mutating func cancelSent(_ id: UInt64, _ completions: inout [Completion]) -> Bool {
    if case .underWay(_, let held) = cancel { completions += held }
    cancel = .none
    let isStillRunning = inFlight.first?.id == id
    sendQueued(&completions)
    return isStillRunning
  }

  /// Repeats a cancel request, if its query still runs and is still alone.
  mutating func cancelAgain(_ id: UInt64) -> Bool {
    guard case .none = cancel, inFlight.count == 1, inFlight[0].id == id else { return false }
    cancel = .underWay(id, held: [])
    return true
  }
}
