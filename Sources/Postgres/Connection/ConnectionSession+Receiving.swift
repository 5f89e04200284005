internal import EventLoop

extension ConnectionSession {
  // MARK: Receiving

  /// The socket is ready: writes what waited, reads what came.
  mutating func pump(_ readiness: Readiness, _ deliveries: inout Deliveries) {
    guard handle != nil, failure == nil else { return }
    if wantsWrite { flush() }
    // What libpq has read for a stream and its reader has not taken comes first: to read on meanwhile would have libpq's
    // memory grow to the size of the whole answer. The end of a connection has to be read all the same.
    if let first = inFlight.first, case .open = first.flow { collect(&deliveries) }
    let reads = wantsRead || !readiness.isDisjoint(with: [.hangUp, .error])
    var isAlive = !reads || handle?.consumeInput() == true
    collect(&deliveries)
    if isAlive { isAlive = collectDeciphered(&deliveries) }
    if !isAlive || failure != nil {
      _ = lose()
      failAll(&deliveries)
    } else {
      while let notification = handle?.nextNotification() { notifications.append(notification) }
      if wantsWrite { flush() }
      if !wantsWrite { wakeWriter(&deliveries) }
      sendQueued(&deliveries)
    }
  }

  /// Takes all there is without waiting for the socket.
  mutating func collectAll(_ deliveries: inout Deliveries) {
    collect(&deliveries)
    guard !collectDeciphered(&deliveries) else { return }
    _ = lose()
    failAll(&deliveries)
  }

  /// Takes what TLS has deciphered before, for which the socket will not become ready. False when the connection is lost.
  private mutating func collectDeciphered(_ deliveries: inout Deliveries) -> Bool {
    while failure == nil, wantsRead, handle?.hasDeciphered == true {
      guard handle?.consumeInput() == true else { return false }
      collect(&deliveries)
    }
    return true
  }

  /// Takes what libpq has understood of the answers, up to what a slow reader leaves room for.
  mutating func collect(_ deliveries: inout Deliveries) {
    // In pipeline mode an end stands between any two statements. Two in a row mean that nothing more comes: the
    // connection is broken.
    var wasEnd = false
    while let first = inFlight.first, wantsRead {
      if first.rowsPerChunk > 0, !first.comesInChunks {
        first.comesInChunks = handle?.setChunks(of: first.rowsPerChunk) == true
      }
      if first.isCopyAgreed, !first.isDataOver {
        guard collectCopy(first, &deliveries) else { return }
      }
      guard handle?.isBusy == false, let received = handle?.nextResult(inBinary: first.isSimple, waits: first.isBatched)
      else { return }
      let isEnd = if case .end = received { true } else { false }
      guard !(isEnd && wasEnd) else { return }
      wasEnd = isEnd
      switch received {
      case .rows(let rows): takeRows(rows, first, &deliveries)
      case .result(let result):
        takeResult(result, first, &deliveries)
        if failure != nil { return }
        // Of several statements in a text the next has its turn. After an error there is none.
        if !isPipelined, !first.endsSegment, result.isLast { finishFirst(&deliveries) }
      case .sync:
        finishFirst(&deliveries)
        if failure != nil { return }
      case .end:
        first.awaitedEnds -= 1
        if !isPipelined {
          // The last word of a connection that broke is no answer.
          guard handle?.isBroken == false else { return }
          while inFlight.first?.endsSegment == false { finishFirst(&deliveries) }
          finishFirst(&deliveries)
        } else if first.awaitedEnds == 0, !first.endsSegment {
          finishFirst(&deliveries)
        }
      }
    }
  }

  private func takeRows(_ rows: ResultHandle, _ request: ConnectionRequest, _ deliveries: inout Deliveries) {
    if case .pending = request.flow { request.flow = .open }
    guard case .open = request.flow else { return }
    let size = rows.size
    request.answer.rows += rows.rowCount
    request.answer.size += size
    request.rows.append(rows)
    request.backlog += size
    if let continuation = request.continuation {
      request.continuation = nil
      request.hasBegun = true
      deliveries.add(Deliveries.Completion(continuation: continuation, error: nil, onDone: nil, isSound: true))
    }
    wake(request, &deliveries)
  }

  private mutating func takeResult(_ result: ResultHandle, _ request: ConnectionRequest, _ deliveries: inout Deliveries)
  {
    if var error = result.error {
      if case .script = request.kind { error.statementIndex = request.statementsDone }
      let request = isPipelined ? request : place(&error, request)
      request.error = request.error ?? error
    } else if !request.isPrepared {
      request.isPrepared = true
    } else if result.isCopy {
      switch (request.kind, result.copyDirection) {
      case (.copyIn, .in), (.copyOut, .out):
        request.isCopyAgreed = true
        if case .pending = request.flow { request.flow = .open }
        wake(request, &deliveries)
        if case .discarding = request.flow { endCopy(request, "the copy was cancelled") }
      default:
        // There is no way back to ordinary queries but through the COPY: the connection is given up, and it alone.
        failure = PostgresError(
          .unsupported,
          "COPY to or from the client is not a query, and its connection was closed; use copyIn or copyOut")
      }
    } else {
      if !request.keepsRows || result.columnCount > 0 || request.result == nil { request.result = result }
      if request.readsAhead || request.comesInChunks {
        request.prepared?.note(rows: request.answer.rows + result.rowCount, size: request.answer.size + result.size)
      }
      if result.isLast { request.statementsDone += 1 }
      if result.columnCount == 0 {
        if result.forgetsStatements { forgetStatements() }
        if let outcome = result.transactionOutcome {
          lastOutcome = outcome
          if outcome == .undone, !request.mayGoBackToSavepoint { rollbackCount += 1 }
        }
      }
    }
  }

  /// Has an error point into the statement as it was written, not into what was sent; returns the request that it is
  /// about. An error of syntax is found before the first of several statements is run.
  private func place(_ error: inout PostgresError, _ first: ConnectionRequest) -> ConnectionRequest {
    guard let position = error.position, first.inlined != nil else { return first }
    let owner = inFlight.all.last { request in request.inlined.map { $0.offset < position } ?? false } ?? first
    guard let (sql, offset) = owner.inlined else { return first }
    error.position = sql.position(position - offset)
    return owner
  }

  func wake(_ request: ConnectionRequest, _ deliveries: inout Deliveries) {
    guard let waker = request.waker else { return }
    request.waker = nil
    deliveries.wakers.append(waker)
  }

  // MARK: Streams and COPY

  /// What there is for the reader of a stream or of a COPY.
  enum Taken: Sendable {
    case rows([ResultHandle])
    case bytes([UInt8])
    case end
    case failed(any Error)
    /// Nothing yet.
    case nothing
  }

  /// Takes what has come, and reads on where there was no room before.
  mutating func take(_ request: ConnectionRequest, _ deliveries: inout Deliveries) -> Taken {
    if let taken = takeBacklog(request) { return taken }
    if inFlight.first === request {
      collectAll(&deliveries)
      sendQueued(&deliveries)
    }
    return takeBacklog(request) ?? .nothing
  }

  private func takeBacklog(_ request: ConnectionRequest) -> Taken? {
    if let abort = request.abort { return .failed(abort.error) }
    if !request.rows.isEmpty {
      defer { request.rows.removeAll(keepingCapacity: true) }
      request.backlog = 0
      return .rows(request.rows)
    }
    if !request.bytes.isEmpty {
      defer { request.bytes = [] }
      request.backlog = 0
      return .bytes(request.bytes)
    }
    guard request.isDone else { return nil }
    return request.error.map(Taken.failed) ?? .end
  }

  /// Has the waker called when there is something to take, or room to write. False when there is already.
  func park(_ request: ConnectionRequest, _ waker: ConnectionRequest.Waker, _ deliveries: inout Deliveries) -> Bool {
    guard request.rows.isEmpty, request.bytes.isEmpty, !request.isDone, request.abort == nil else { return false }
    if case .copyIn = request.kind, case .open = request.flow, !request.isDataOver, !wantsWrite { return false }
    put(waker, for: request, &deliveries)
    return true
  }

  /// Has the waker called when the connection has done with a request. False when it has already.
  func parkUntilOver(
    _ request: ConnectionRequest, _ waker: ConnectionRequest.Waker, _ deliveries: inout Deliveries
  ) -> Bool {
    guard !isOver(request) else { return false }
    put(waker, for: request, &deliveries)
    return true
  }

  /// Where two wait, each looks again when the other does.
  private func put(
    _ waker: ConnectionRequest.Waker, for request: ConnectionRequest, _ deliveries: inout Deliveries
  ) {
    wake(request, &deliveries)
    request.waker = waker
  }

  /// Drops what has come and what will.
  mutating func discard(_ request: ConnectionRequest, _ deliveries: inout Deliveries) {
    request.flow = .discarding
    request.rows = []
    request.bytes = []
    request.backlog = 0
    wake(request, &deliveries)
    if request.isCopyAgreed, case .copyIn = request.kind { endCopy(request, "the copy was cancelled") }
  }

  /// True when the data of the COPY is over, and its result comes next.
  private mutating func collectCopy(_ request: ConnectionRequest, _ deliveries: inout Deliveries) -> Bool {
    // libpq keeps an error of the server for later while data flows to it.
    guard case .copyOut = request.kind else { return false }
    while wantsRead {
      let isWanted = if case .open = request.flow { true } else { false }
      let before = request.bytes.count
      switch handle?.takeCopyData(into: &request.bytes, isWanted: isWanted) {
      case .some(.data):
        request.backlog += request.bytes.count - before
      case .some(.nothing), nil:
        if !request.bytes.isEmpty { wake(request, &deliveries) }
        return false
      case .some(.end):
        request.isDataOver = true
        if !request.bytes.isEmpty { wake(request, &deliveries) }
        return true
      }
    }
    wake(request, &deliveries)
    return false
  }

  /// Where a COPY to the server stands.
  enum CopyState: Sendable {
    /// Wait: the server has not agreed yet, or the socket has no room.
    case waiting
    /// Data can be written.
    case open
    case done(any Error)
    case succeeded
  }

  /// Where it stands before anything is written, and after.
  func copyState(_ request: ConnectionRequest) -> CopyState {
    if let abort = request.abort { return .done(abort.error) }
    if request.isDone { return request.error.map(CopyState.done) ?? .succeeded }
    guard case .open = request.flow, !request.isDataOver, !wantsWrite else { return .waiting }
    return .open
  }

  mutating func writeCopy(
    _ request: ConnectionRequest, _ bytes: [UInt8], _ deliveries: inout Deliveries
  ) -> CopyState {
    if let abort = request.abort { return .done(abort.error) }
    guard !request.isDone, !request.isDataOver, case .open = request.flow else {
      return .done(request.error ?? PostgresError.copyIsOver)
    }
    guard handle?.putCopyData(bytes) == true else {
      let error = lose()
      failAll(&deliveries)
      return .done(error)
    }
    flush()
    return copyState(request)
  }

  /// Ends the data, and takes what the server has said before: by the simple protocol it ends a COPY that it refuses
  /// without waiting for us, and then nothing more comes from it.
  mutating func finishCopy(_ request: ConnectionRequest, _ reason: String? = nil, _ deliveries: inout Deliveries) {
    endCopy(request, reason)
    guard inFlight.first === request, failure == nil else { return }
    collect(&deliveries)
    sendQueued(&deliveries)
  }

  /// Ends the data of a COPY to the server; with a reason, the server undoes it.
  mutating func endCopy(_ request: ConnectionRequest, _ reason: String? = nil) {
    guard !request.isDataOver, !request.isDone else { return }
    guard request.isCopyAgreed else {
      // Undone when the server agrees to it.
      request.flow = .discarding
      return
    }
    request.isDataOver = true
    if handle?.endCopy(reason) != true { _ = lose() }
    flush()
  }

  private mutating func wakeWriter(_ deliveries: inout Deliveries) {
    guard let first = inFlight.first, case .copyIn = first.kind, case .open = first.flow else { return }
    wake(first, &deliveries)
  }
}
