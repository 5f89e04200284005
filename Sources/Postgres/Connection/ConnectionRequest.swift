internal import EventLoop
internal import StructuredLogging

/// One statement, script or COPY on a connection, from the call to the last of its answer.
///
/// Unchecked: until it is submitted only its caller knows it; from then on it is read and written under the connection's
/// lock alone; and when its waiter is resumed the session has let go of it, so that the caller has it alone again.
final class ConnectionRequest: @unchecked Sendable {
  enum Kind: Sendable {
    /// A statement whose rows come as one result. Any number can be under way.
    case statement(SQL)
    /// A statement whose rows are handed over as they come. Alone on the connection.
    case rows(SQL)
    /// Several statements by the simple protocol. Alone on the connection.
    case script(String)
    /// A COPY to the server. Alone on the connection.
    case copyIn(SQL)
    /// A COPY from the server. Alone on the connection.
    case copyOut(SQL)
  }

  /// Why its caller gave it up.
  enum Abort: Sendable {
    case cancelled
    case timedOut(Duration)
    /// Its data ended early, and the server does not come to the end of what it had got.
    case abandoned

    var isOfAbandoned: Bool { if case .abandoned = self { true } else { false } }

    var error: any Error {
      switch self {
      case .cancelled, .abandoned: CancellationError()
      case .timedOut(let limit):
        PostgresError(.timedOut, "no answer within \(limit.logText); the statement was cancelled")
      }
    }
  }

  /// How far a COPY or a stream has come.
  enum Flow: Sendable {
    /// The server has not agreed to it yet, or it is neither.
    case pending
    /// Data flows.
    case open
    /// No more is wanted: what still comes is dropped.
    case discarding
  }

  #if DEBUG
    typealias Continuation = CheckedContinuation<Void, any Error>
    typealias Waker = CheckedContinuation<Void, Never>
  #else
    // Each is resumed once: it is taken out of the request before, under the connection's lock. To have that checked costs every
    // query an allocation; debug builds do.
    typealias Continuation = UnsafeContinuation<Void, any Error>
    typealias Waker = UnsafeContinuation<Void, Never>
  #endif

  let kind: Kind
  /// It is one of several that share a waiter.
  let isBatched: Bool
  /// The first of its batch, which has the waiter; nil in the first itself, and for one that is in no batch.
  private let batchLead: ConnectionRequest?
  /// An error before it does not reach what follows it: it ends a segment of the pipeline.
  let endsSegment: Bool
  /// Called when the server is done with it, before the waiter is resumed; says whether the connection is sound.
  let onDone: (@Sendable (_ isSound: Bool) -> Void)?

  // Of the lead:
  /// Who waits; nil once told.
  var continuation: Continuation?
  /// How many requests of the batch are not done.
  var outstanding = 1
  var abort: Abort?
  /// The first error of one of the batch.
  var firstError: (any Error)?
  /// The server is being asked to cancel it, until it is done.
  var isBeingCancelled = false

  /// Nobody waits for it: it tidies up.
  var isHousekeeping = false
  /// What it runs, known before it is sent where it is one of a batch; nil when that is not prepared under a name.
  var prepared: PreparedStatement?
  /// The text of what was sent without a name.
  var unnamedText: String?
  /// The server knows the statement: it did before, or has answered the prepare.
  var isPrepared = true
  /// It was prepared for this request.
  var wasPrepared = false
  /// Why it is sent a second time: its prepared statement turned out to be gone or stale.
  var retryReason: (any Error)?
  /// It goes by the simple protocol: as this text, from this character on of what was sent.
  var inlined: (sql: InlinedSQL, offset: Int)?
  /// It has the connection for itself whatever its kind: statements of the simple protocol do not queue at the server.
  var isSimple = false
  /// Commands of libpq whose end has not come.
  var awaitedEnds = 0
  var result: ResultHandle?
  /// Of a script: the result is that of its last query, not of its last statement.
  var keepsRows = false
  /// How many statements of a script are done.
  var statementsDone = 0
  var error: (any Error)?

  // Of a stream or a COPY:
  var flow = Flow.pending
  /// It was sent in a transaction, which a cancel request would fail.
  var isInTransaction = false
  /// Its caller reads rows while more of them come, if there are many.
  var readsAhead = false
  /// How many rows are to come at a time; 0 for all of them.
  var rowsPerChunk = 0
  /// They will.
  var comesInChunks = false
  /// Its waiter is resumed when the first have come, and not when all have. Never changed after that.
  var hasBegun = false
  /// Gives it up; of a waiter that was resumed so.
  var timer: EventLoop.Timer?
  /// How many rows have come, and their size in bytes.
  var answer = (rows: 0, size: 0)
  /// The server has agreed to the COPY.
  var isCopyAgreed = false
  /// The data of the COPY is over: its result comes next.
  var isDataOver = false
  /// What came and was not taken yet.
  var rows: [ResultHandle] = []
  var bytes: [UInt8] = []
  /// The size of `rows`, in bytes.
  var backlog = 0
  /// Wakes who waits for rows, bytes, or room to write.
  var waker: Waker?
  /// The server is done with it.
  var isDone = false

  init(
    _ kind: Kind, isBatched: Bool = false, batch lead: ConnectionRequest? = nil, endsSegment: Bool = true,
    onDone: (@Sendable (Bool) -> Void)? = nil
  ) {
    self.kind = kind
    self.isBatched = isBatched
    batchLead = lead
    self.endsSegment = endsSegment
    self.onDone = onDone
    lead?.outstanding += 1
  }

  /// The request that has the waiter.
  var lead: ConnectionRequest { batchLead ?? self }

  /// Others may be under way on the connection at the same time.
  var sharesConnection: Bool { if case .statement = kind { !isSimple } else { false } }

  /// Somebody takes rows or data from it, or writes data to it, and has the connection until the end.
  var hasReader: Bool {
    switch (kind, flow) {
    case (.statement, _), (.script, _), (_, .discarding): false
    case (.rows, _), (.copyIn, _), (.copyOut, _): true
    }
  }

  /// A statement by itself, on a connection of a pool that others may send to.
  var isPooled: Bool { onDone != nil && sharesConnection }

  var sql: SQL? {
    switch kind {
    case .statement(let sql), .rows(let sql), .copyIn(let sql), .copyOut(let sql): sql
    case .script: nil
    }
  }

  /// The text of its statement, where it was put together before if it was.
  var text: String { prepared?.text ?? unnamedText ?? sql?.text ?? "" }

  /// Whether what the server calls a ROLLBACK may have been ROLLBACK TO a savepoint: the text then has the word. Where the word
  /// stands for something else, a rollback of the whole is taken for one of a part.
  var mayGoBackToSavepoint: Bool { words.contains("to") }

  /// Whether it is one that ends a transaction well, or a script with such a one: where it fails so does the transaction.
  var isMeantToCommit: Bool {
    let words = words
    if case .script = kind { return words.contains("commit") }
    return ["commit", "end"].contains(words.first) || words.starts(with: ["prepare", "transaction"])
  }

  /// All that looks like a word, in small letters.
  private var words: [String] {
    let text = if case .script(let text) = kind { text } else { sql?.text ?? "" }
    return text.utf8.split { !SQLScanner.isWord($0) }.map { Substring($0).lowercased() }
  }

  /// Of rows that come in chunks libpq may give the tag to any.
  var rowsAffected: Int { answer.rows > 0 ? answer.rows : result?.rowsAffected ?? 0 }

  /// What is wrong with an answer that was no error of the server's.
  var missingAnswer: PostgresError? {
    guard !isHousekeeping else { return nil }
    guard let result else {
      // The answers to statements sent as one text end with the first error.
      return isSimple && isBatched
        ? PostgresError(.server, "not run, because another statement of the batch failed")
        : PostgresError(.unsupported, "the server sent no result")
    }
    if case .script = kind { return nil }
    return result.isEmptyQuery ? PostgresError.emptyQuery : nil
  }

  /// Nothing was sent: who waits looks a type up first, and has the connection until then.
  var isToBeSentAgain: Bool {
    guard let error, case .statement = kind else { return false }
    return (error as? PostgresError)?.unknownType != nil
  }

  /// Back to where it was before it was sent.
  func rewind() {
    retryReason = error
    error = nil
    result = nil
    comesInChunks = false
    isDone = false
  }
}

/// What is to be done once the connection's lock is released.
struct Deliveries: Sendable {
  /// A request that the server is done with, or whose waiter is told before that.
  struct Completion: Sendable {
    let continuation: ConnectionRequest.Continuation?
    let error: (any Error)?
    let onDone: (@Sendable (Bool) -> Void)?
    let isSound: Bool

    func deliver() {
      onDone?(isSound)
      if let error { continuation?.resume(throwing: error) } else { continuation?.resume() }
    }
  }

  /// Most often there is one at the most, which needs no list.
  private var first: Completion?
  private var others: [Completion] = []
  var wakers: [ConnectionRequest.Waker] = []
  /// Output waits in the connection for more of it: ``ConnectionSession/uncork()`` is to be called soon.
  var corks = false
  /// The server is to be asked to cancel this; then ``ConnectionSession/cancelSent(_:_:)`` is to be called.
  var cancelled: ConnectionRequest?

  mutating func add(_ completion: Completion) {
    if first == nil { first = completion } else { others.append(completion) }
  }

  func deliver() {
    first?.deliver()
    for completion in others { completion.deliver() }
    for waker in wakers { waker.resume() }
  }
}
