internal import EventLoop

/// What a connection is doing: the requests on their way, and every decision about them. Used under the connection's
/// lock; it resumes nobody, but returns whom to resume.
struct ConnectionSession: ~Copyable, Sendable {
  /// A cancel request at the server, which concerns whatever runs there when it arrives.
  private enum Cancel {
    /// None on its way.
    case none
    /// One is on its way for this request; what comes back meanwhile is held, and nothing new is sent.
    case underWay(ConnectionRequest, held: [Deliveries.Completion])
  }

  /// Rows and bytes beyond this wait at the server until some are taken.
  static let backlogLimit = 256 * 1024
  /// How much of a long answer is read at a time. Of rows of 130 bytes, 256: of 64 it takes as long, of 1000 longer.
  static let chunkSize = 32 * 1024
  /// How many rows of a stream come at a time whose size is not known: however long they are, they are in memory together.
  private static let rowsPerUnknownChunk = 16
  /// Of a longer batch the server runs the first statements while we still write the others, and answers them while it
  /// runs those. In batches of 100 any number from 8 to 50 is a quarter faster than all at once.
  private static let statementsPerFlush = 32

  var handle: ConnectionHandle?
  private let mode: StatementCacheMode
  private var statements = StatementCache(capacity: 512)
  /// Statements to be forgotten at the server with the next one sent.
  private var obsolete: [String] = []
  /// Sent, in the order in which answers come.
  var inFlight = Queue<ConnectionRequest>()
  /// Not sent yet: behind one that is alone on the connection, or before one, or behind a cancel request.
  private var queue = Queue<ConnectionRequest>()
  private(set) var isPipelined = false
  private var cancel = Cancel.none
  /// Why the connection is of no use any more.
  var failure: PostgresError?
  /// Output is waiting for room in the socket.
  private(set) var wantsWrite = false
  /// Output is waiting for ``uncork()``, which whoever was told to by ``Deliveries/corks`` will call.
  private(set) var isCorked = false
  /// Long answers may come several rows at a time.
  var readsAhead = ConnectionHandle.hasChunks
  /// How the last transaction ended that a statement has ended.
  var lastOutcome = TransactionOutcome.kept
  /// How many transactions a statement has rolled back.
  var rollbackCount = 0
  /// What the server told those who listen.
  var notifications: [PostgresNotification] = []

  init(_ handle: consuming ConnectionHandle, _ mode: StatementCacheMode) {
    self.handle = consume handle
    self.mode = mode
  }

  /// Where the connection stands between queries.
  var transactionStatus: TransactionStatus {
    mutating get { handle?.transactionStatus ?? .unknown }
  }

  /// Of use to whoever comes next, as far as what was done on it goes: to any other text would come back changed, and
  /// nobody be told.
  var isSound: Bool { mutating get { failure == nil && handle?.hasOwnEncoding == true } }

  /// What the database says of its own types.
  mutating func use(_ types: TypeCatalogue) { handle?.types = types }

  var types: TypeCatalogue? { mutating get { handle?.types } }

  /// Why a statement's parameters cannot be written before more is known of the database's types.
  mutating func missingType(of sql: SQL) -> PostgresError? {
    do throws(PostgresError) {
      try handle?.encode(sql.binds)
      _ = try handle?.parameterTypes(sql.binds)
      return nil
    } catch {
      // What else is wrong with them shows when it is sent.
      return error.unknownType == nil ? nil : error
    }
  }

  /// Nothing is on its way, no cancel request either.
  var isQuiet: Bool { inFlight.isEmpty && queue.isEmpty && !isCancelling }

  private var isCancelling: Bool { if case .none = cancel { false } else { true } }

  /// The connection has done with a request, and no cancel request for it is on its way.
  func isOver(_ request: ConnectionRequest) -> Bool {
    if case .underWay(let cancelled, _) = cancel, cancelled === request.lead { return false }
    return request.isDone
  }

  /// Others are to be answered before a request.
  func isBehindOthers(_ request: ConnectionRequest) -> Bool {
    guard !request.isDone else { return false }
    return (inFlight.all.first { !$0.isHousekeeping } ?? queue.first) !== request
  }

  /// Whether there is a use for more of what the server sends.
  @inline(__always)
  var wantsRead: Bool {
    guard let first = inFlight.first, first.hasReader, case .open = first.flow else { return true }
    return first.backlog < Self.backlogLimit
  }

  /// What the loop is to watch the socket for: the raw value of an `Interest`.
  @inline(__always)
  var interest: UInt8 {
    (wantsRead ? Interest.read.rawValue : 0) | (wantsWrite ? Interest.write.rawValue : 0)
  }

  mutating func takeNotifications() -> [PostgresNotification] {
    defer { if !notifications.isEmpty { notifications = [] } }
    return notifications
  }

  // MARK: Sending

  /// Takes a request, or several that share one waiter, which is resumed by a completion of this call or of a later one.
  mutating func submit(
    _ lead: ConnectionRequest, with others: [ConnectionRequest] = [], _ continuation: ConnectionRequest.Continuation?,
    corked: Bool = false, _ deliveries: inout Deliveries
  ) {
    lead.continuation = continuation
    if case .simple = mode {
      lead.isSimple = lead.sql != nil
      for request in others { request.isSimple = request.sql != nil }
    }
    if let refusal = refusal(of: lead, others) {
      complete(lead, refusal, &deliveries)
      for request in others { complete(request, refusal, &deliveries) }
    } else {
      queue.append(lead)
      for request in others { queue.append(request) }
      sendQueued(corked: corked, &deliveries)
    }
  }

  /// Why requests are not even queued.
  private mutating func refusal(of lead: ConnectionRequest, _ others: [ConnectionRequest]) -> (any Error)? {
    if let abort = lead.abort { return abort.error }
    if inFlight.last?.hasReader == true || queue.last?.hasReader == true { return PostgresError.busy }
    guard !others.isEmpty else { return nil }
    // A batch is sent as a whole or not at all.
    do throws(PostgresError) {
      try check(lead, isTogether: !lead.endsSegment)
      for request in others { try check(request, isTogether: !lead.endsSegment) }
      return nil
    } catch {
      return error
    }
  }

  private mutating func check(_ request: ConnectionRequest, isTogether: Bool) throws(PostgresError) {
    guard let sql = request.sql else { return }
    // To the server it is no error: what stands together with it would be committed.
    if isTogether, sql.isEmpty { throw PostgresError.emptyQuery }
    try handle?.encode(sql.binds)
    request.prepared = statements.lately(sql)
    // What is prepared has been looked at.
    guard request.prepared == nil else { return }
    try sql.checkText()
    if case .simple = mode {
      _ = try handle?.inlined(sql)
    } else {
      _ = try handle?.parameterTypes(sql.binds)
    }
  }

  /// - Parameter corked: what is sent may wait for more, until ``uncork()``.
  mutating func sendQueued(corked: Bool = false, _ deliveries: inout Deliveries) {
    var unflushed = 0
    while let request = queue.first {
      if let failure {
        queue.removeFirst()
        complete(request, failure, &deliveries)
        continue
      }
      guard canSend(request) else { break }
      queue.removeFirst()
      // In a transaction the error has ended it.
      if let reason = request.retryReason, transactionStatus == .failed {
        complete(request, reason, &deliveries)
        continue
      }
      do throws(PostgresError) {
        try send(request)
        unflushed += 1
        if unflushed >= Self.statementsPerFlush, !request.endsSegment {
          handle?.requestFlush()
          flush()
          unflushed = 0
        }
      } catch {
        complete(request, error, &deliveries)
        // What is sent as one text fails as one.
        if request.isSimple, !request.endsSegment {
          for other in queue.removeAll(where: { $0.lead === request.lead }) { complete(other, error, &deliveries) }
        }
        if failure != nil { failAll(&deliveries) }
      }
    }
    if unflushed > 0, !corked {
      flush()
    } else if unflushed > 0, !isCorked {
      isCorked = true
      deliveries.corks = true
    }
  }

  /// Writes what ``sendQueued(corked:_:)`` left, unless that has been written with something else.
  mutating func uncork() { if isCorked { flush() } }

  private func canSend(_ request: ConnectionRequest) -> Bool {
    guard case .none = cancel else { return false }
    guard let first = inFlight.first else { return true }
    // While others are under way nobody can tell whether there is a transaction, and whether it has failed.
    guard request.retryReason == nil else { return false }
    return request.sharesConnection && first.sharesConnection && !first.lead.isBeingCancelled
  }

  /// - Throws: an error that concerns the request alone; ``failure`` is set when it concerns the connection.
  private mutating func send(_ request: ConnectionRequest) throws(PostgresError) {
    if !request.sharesConnection { request.isInTransaction = transactionStatus == .open }
    if case .rows = request.kind { request.rowsPerChunk = Self.rowsPerUnknownChunk }
    let isSent: Bool
    switch request.kind {
    case .script(let text):
      try SQL(unchecked: text).checkText()
      isSent = setPipelined(false) && handle?.sendScript(text) == true
    case .copyIn(let sql), .copyOut(let sql):
      try sql.checkText()
      guard sql.binds.isEmpty else {
        throw PostgresError(.unsupported, "COPY takes no parameters; write the values into its text as literals")
      }
      // By the simple protocol, as psql and pgx do it: by the extended one libpq has to send a second Sync, which the
      // server answers or not, depending on when a COPY fails, and a pooler in between loses count. It takes several
      // statements, and only one is meant.
      _ = try handle?.inlined(sql)
      isSent = setPipelined(false) && handle?.sendScript(sql.text) == true
    case .statement where request.isSimple, .rows where request.isSimple:
      guard try sendSimple(request) else { throw lose() }
      return
    case .statement(let sql), .rows(let sql):
      guard setPipelined(true) else { throw lose() }
      isSent = try sendStatement(sql, request)
    }
    guard isSent else { throw lose() }
    inFlight.append(request)
  }

  /// By the simple protocol; a batch that stands together as one text, which is one transaction as it would be otherwise.
  private mutating func sendSimple(_ request: ConnectionRequest) throws(PostgresError) -> Bool {
    let others = request.endsSegment ? [] : queue.all.filter { $0.lead === request.lead }
    let batch = [request] + others
    var text = ""
    var length = 0
    for request in batch {
      guard let sql = request.sql else { continue }
      try handle?.encode(sql.binds)
      guard let inlined = try handle?.inlined(sql) else { return false }
      // In a line of its own, since a comment may end the one before.
      if !text.isEmpty {
        text += "\n;"
        length += 2
      }
      request.inlined = (inlined, length)
      text += inlined.text
      length += inlined.length
    }
    try SQL(unchecked: text).checkText()
    guard text.utf8.count <= ParameterBuffer.maxSize else {
      throw PostgresError(.encoding, "a text of \(text.utf8.count) bytes; PostgreSQL takes a gigabyte at most")
    }
    guard setPipelined(false), handle?.sendScript(text) == true else { return false }
    if !others.isEmpty { _ = queue.removeAll { $0.lead === request.lead } }
    for request in batch { inFlight.append(request) }
    return true
  }

  private mutating func sendStatement(_ sql: SQL, _ request: ConnectionRequest) throws(PostgresError) -> Bool {
    // First, for it may fail, and nothing is to be sent then.
    try handle?.encode(sql.binds)
    if case .describe = mode {
      try sql.checkText()
      let types = try handle?.parameterTypes(sql.binds) ?? []
      request.awaitedEnds = 1
      let text = sql.text
      request.unnamedText = text
      guard handle?.sendUnnamed(text, types) == true else { return false }
    } else {
      let (statement, isNew) = try statement(for: request, sql)
      // Not in the middle of a segment, since each ends one.
      if !obsolete.isEmpty, inFlight.last?.endsSegment != false, transactionStatus != .failed, !sendDeallocations() {
        return false
      }
      if isNew, handle?.sendPrepare(statement) != true { return false }
      request.prepared = statement
      request.isPrepared = !isNew
      request.wasPrepared = isNew
      request.awaitedEnds = isNew ? 2 : 1
      if request.rowsPerChunk > 0 || request.readsAhead && readsAhead && statement.hasLongAnswer {
        request.rowsPerChunk = statement.rowsPerChunk ?? request.rowsPerChunk
      }
      guard handle?.sendExecute(statement) == true else { return false }
    }
    return request.endsSegment ? handle?.sync() == true : true
  }

  private mutating func statement(
    for request: ConnectionRequest, _ sql: SQL
  ) throws(PostgresError) -> (PreparedStatement, isNew: Bool) {
    if let known = request.prepared, statements.has(known) { return (known, false) }
    if let known = statements.lately(sql) { return (known, false) }
    let types = try handle?.parameterTypes(sql.binds) ?? []
    if let known = statements.find(sql, types) { return (known, false) }
    try sql.checkText()
    return (statements.insert(sql, types) { obsolete.append($0) }, true)
  }

  /// Forgets statements at the server, each in a segment of its own: in a failed transaction the server refuses, and
  /// that must not reach what is sent next.
  private mutating func sendDeallocations() -> Bool {
    for name in obsolete {
      guard handle?.sendPlain("DEALLOCATE \(name)") == true, handle?.sync() == true else { return false }
      let request = ConnectionRequest(.statement(""))
      request.isHousekeeping = true
      request.awaitedEnds = 1
      inFlight.append(request)
    }
    obsolete = []
    return true
  }

  /// The server has forgotten all.
  mutating func forgetStatements() {
    statements.removeAll()
    obsolete = []
  }

  private mutating func setPipelined(_ isOn: Bool) -> Bool {
    guard isPipelined != isOn else { return true }
    isPipelined = isOn
    return handle?.setPipelined(isOn) == true
  }

  mutating func flush() {
    isCorked = false
    switch handle?.flush() {
    case .done: wantsWrite = false
    case .blocked: wantsWrite = true
    // The read that follows finds out why, and what the server said last.
    case .failed, nil: wantsWrite = false
    }
  }

  // MARK: Finishing

  /// The server is done with the first request.
  mutating func finishFirst(_ deliveries: inout Deliveries) {
    guard let request = inFlight.removeFirst() else { return }
    defer { cancelWhatIsGivenUp(&deliveries) }
    guard let error = request.error as? PostgresError else {
      if request.isPooled, request.result?.columnCount == 0, request.result?.beginsTransaction == true {
        // Nobody will end the transaction. What others have sent behind it would be told that it is done, and be undone.
        failure = failure ?? .strayTransaction
      } else if request.abort != nil {
        endForgottenTransaction(request)
      }
      complete(request, request.missingAnswer, &deliveries)
      return
    }
    // A COMMIT that finds a deferred constraint violated has no tag that says what became of the transaction.
    if transactionStatus != .failed, request.isMeantToCommit { rollbackCount += 1 }
    if let prepared = request.prepared {
      if error.isLostStatement || !request.isPrepared, statements.forget(prepared), error.isStalePlan {
        obsolete.append(prepared.name)
      }
      // Again only where it was not prepared for this: another request may have prepared it, and it be stale since. A batch is
      // sent again as a whole, by its caller.
      let mayRetry = request.retryReason == nil || !request.wasPrepared
      if error.isLostStatement, mayRetry, request.answer.rows == 0, !request.isBatched {
        if let abort = request.abort { return complete(request, abort.error, &deliveries) }
        request.rewind()
        queue.prepend(request)
        return
      }
    }
    if let abort = request.lead.abort, error.sqlState == .queryCanceled {
      complete(request, abort.error, &deliveries)
    } else {
      complete(request, error, &deliveries)
    }
  }

  /// Commits a transaction that began after its caller had been told that it was given up. All that it holds was sent by
  /// others, and stands by itself to them.
  private mutating func endForgottenTransaction(_ request: ConnectionRequest) {
    guard request.continuation == nil, !request.isBatched, request.result?.beginsTransaction == true else { return }
    // As a request like any other, which nobody gives up: no cancel request is to hit it.
    queue.prepend(ConnectionRequest(.statement("COMMIT")))
  }

  private mutating func complete(
    _ request: ConnectionRequest, _ error: (any Error)?, _ deliveries: inout Deliveries
  ) {
    request.error = error
    request.isDone = true
    wake(request, &deliveries)
    let lead = request.lead
    lead.outstanding -= 1
    lead.firstError = lead.firstError ?? error
    guard lead.outstanding == 0 else { return }
    // Given up too late, a batch has been done all the same.
    let givenUp = lead.firstError == nil ? nil : lead.abort?.error
    let completion = Deliveries.Completion(
      continuation: lead.continuation, error: lead.isBatched ? givenUp : error,
      onDone: request.isToBeSentAgain ? nil : lead.onDone, isSound: isSound && !transactionStatus.isInTransaction
    )
    lead.continuation = nil
    if case .underWay(let cancelled, var held) = cancel, failure == nil {
      held.append(completion)
      cancel = .underWay(cancelled, held: held)
    } else {
      deliveries.add(completion)
    }
  }

  // MARK: Ending

  /// The connection broke: remembers why, and returns it.
  mutating func lose() -> PostgresError {
    if let failure { return failure }
    // The server's last words (that it is shut down, say) come as the result of the first request.
    var lastWords = inFlight.first?.error as? PostgresError
    // Or of one before it in its batch, and that has kept it from running.
    if lastWords != nil, lastWords?.sqlState == nil { lastWords = inFlight.first?.lead.firstError as? PostgresError }
    // Or, when there was none, as a notice.
    lastWords = lastWords ?? handle?.notices.lastWords.map(PostgresError.init(server:))
    let reason = lastWords ?? PostgresError(.connectionLost, handle?.errorMessage.trimmed ?? "closed")
    var error = PostgresError(.connectionLost, "connection lost: \(reason.message)")
    error.sqlState = reason.sqlState
    failure = error
    return error
  }

  mutating func failAll(_ deliveries: inout Deliveries) {
    guard let failure else { return }
    if case .underWay(let cancelled, let held) = cancel {
      for completion in held { deliveries.add(completion) }
      cancel = .none
      // It may be done already, and wait for the end of the cancelling alone.
      wake(cancelled, &deliveries)
    }
    // Who had given up already is told that, not how it ended.
    while let request = inFlight.removeFirst() { complete(request, request.lead.abort?.error ?? failure, &deliveries) }
    while let request = queue.removeFirst() { complete(request, failure, &deliveries) }
  }

  /// Has the connection no longer used, unless it has done with a request. True when it is to be closed.
  mutating func fail(_ error: PostgresError, unlessOver request: ConnectionRequest) -> Bool {
    guard !isOver(request) else { return false }
    failure = failure ?? error
    return true
  }

  /// Closes the connection and fails what is under way.
  mutating func close(_ error: PostgresError, _ deliveries: inout Deliveries) {
    failure = failure ?? error
    failAll(&deliveries)
    handle = nil
  }

  // MARK: Cancelling

  /// Its caller gives a request up.
  mutating func abort(
    _ request: ConnectionRequest, _ reason: ConnectionRequest.Abort, _ deliveries: inout Deliveries
  ) {
    let lead = request.lead
    guard lead.abort == nil, lead.outstanding > 0 else { return }
    lead.abort = reason
    for waiting in queue.removeAll(where: { $0.lead === lead }) { complete(waiting, reason.error, &deliveries) }
    guard inFlight.contains(where: { $0.lead === lead }) else { return }
    discard(request, &deliveries)
    // What has come may be all there is.
    if !request.sharesConnection {
      collectAll(&deliveries)
      sendQueued(&deliveries)
      guard inFlight.contains(where: { $0.lead === lead }) else { return }
    }
    cancelWhatIsGivenUp(&deliveries)
    // Others share the connection, and a cancel request hits whatever runs when it arrives: only the waiter goes.
    if !lead.isBeingCancelled, let continuation = lead.continuation {
      lead.continuation = nil
      deliveries.add(Deliveries.Completion(continuation: continuation, error: reason.error, onDone: nil, isSound: true))
    }
  }

  /// Has the server asked to cancel what is under way, if nobody waits for any of it any more.
  private mutating func cancelWhatIsGivenUp(_ deliveries: inout Deliveries) {
    guard case .none = cancel, failure == nil, let first = inFlight.first?.lead, !first.isBeingCancelled,
      first.abort != nil || first.isHousekeeping,
      let last = inFlight.all.last(where: { !$0.isHousekeeping })?.lead,
      inFlight.allSatisfy({ $0.lead.abort != nil || $0.isHousekeeping })
    else { return }
    // It hits the one that runs, and is repeated until the last is done.
    for request in inFlight.all { request.lead.isBeingCancelled = true }
    cancel = .underWay(last, held: [])
    deliveries.cancelled = last
  }

  /// The reader of a stream or of a COPY wants no more. As ``abort(_:_:_:)``, but in a transaction the rest is read and
  /// dropped, since a cancelled statement would fail it.
  mutating func stop(_ request: ConnectionRequest, _ deliveries: inout Deliveries) {
    guard request.isInTransaction, inFlight.first === request else { return abort(request, .cancelled, &deliveries) }
    discard(request, &deliveries)
    collectAll(&deliveries)
    sendQueued(&deliveries)
  }

  /// The cancel request has been passed on by the server. True when the request still runs: the cancel came before it
  /// and was lost, so it is to be repeated after a pause.
  mutating func cancelSent(_ request: ConnectionRequest, _ deliveries: inout Deliveries) -> Bool {
    if case .underWay(_, let held) = cancel { for completion in held { deliveries.add(completion) } }
    cancel = .none
    wake(request.lead, &deliveries)
    let isStillRunning = inFlight.contains { $0.lead === request.lead }
    sendQueued(&deliveries)
    return isStillRunning
  }

  /// Repeats a cancel request, if what it is for still runs.
  mutating func cancelAgain(_ request: ConnectionRequest) -> Bool {
    let lead = request.lead
    guard case .none = cancel, lead.isBeingCancelled, inFlight.contains(where: { $0.lead === lead }) else {
      return false
    }
    cancel = .underWay(lead, held: [])
    return true
  }
}
