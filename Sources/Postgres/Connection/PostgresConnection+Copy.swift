internal import EventLoop

extension PostgresConnection {
  /// Runs a COPY to the server: `write` gets its data across.
  ///
  /// In the modes for poolers in a transaction. When the server refuses a COPY it waits for the rest of its data no more,
  /// and a pooler would lend the session to somebody else and let what still comes of the data keep another one.
  func copyIn(
    _ sql: SQL, _ options: QueryOptions, isolation: isolated (any Actor)? = #isolation,
    _ write: (ConnectionRequest) async throws -> Void
  ) async throws -> Int {
    guard self.options.statementCacheMode != .prepare, !isInTransaction else {
      return try await copyAlone(sql, options, write)
    }
    return try await transaction(timeout: options.timeout, fileID: options.fileID, line: options.line) {
      transaction in
      try await copyAlone(sql, options.within(transaction.deadline), write)
    }
  }

  private func copyAlone(
    _ sql: SQL, _ options: QueryOptions, isolation: isolated (any Actor)? = #isolation,
    _ write: (ConnectionRequest) async throws -> Void
  ) async throws -> Int {
    let trace = trace(.copyIn, sql, options.name)
    let request = ConnectionRequest(.copyIn(sql))
    let timer = options.timeout.map { core.schedule($0, request) }
    defer { timer?.cancel() }
    do {
      try await copy(request, write)
      let count = request.result?.rowsAffected ?? 0
      trace?.end(.success(count))
      return count
    } catch {
      let named = (error as? PostgresError).map { $0.sql == nil ? $0.of(sql, options.caller) : $0 } ?? error
      trace?.end(.failure(named))
      throw named
    }
  }

  private func copy(
    _ request: ConnectionRequest, isolation: isolated (any Actor)? = #isolation,
    _ write: (ConnectionRequest) async throws -> Void
  ) async throws {
    act { session, deliveries in session.submit(request, nil, &deliveries) }
    do {
      try await awaitRoom(request)
      try await write(request)
      try Task.checkCancellation()
      act { session, deliveries in session.finishCopy(request, nil, &deliveries) }
      try await awaitEnd(request)
    } catch {
      act { session, deliveries in session.finishCopy(request, "the client gave up", &deliveries) }
      // The connection is of use to the next only when the server has done with this. One that does not come to it is asked to
      // cancel, and given up when it has frozen.
      let watchdog = loop.schedule(after: options.cancelTimeout) { [core] in core.abort(request, .abandoned) }
      defer { watchdog.cancel() }
      await awaitDone(request)
      if let abort = request.abort, !abort.isOfAbandoned { throw abort.error }
      // The server's own complaint comes first: it may be why the writer could not go on.
      if let complaint = request.error as? PostgresError, complaint.sqlState != .queryCanceled { throw complaint }
      throw error
    }
  }

  /// Sends a piece of the data, and waits until there is room for more.
  nonisolated(nonsending) func write(_ bytes: [UInt8], to request: ConnectionRequest) async throws {
    switch act({ session, deliveries in session.writeCopy(request, bytes, &deliveries) }) {
    case .open: return
    case .waiting: try await awaitRoom(request)
    case .succeeded: throw PostgresError.copyIsOver
    case .done(let error): throw error
    }
  }

  /// Waits until data can be written.
  private nonisolated(nonsending) func awaitRoom(_ request: ConnectionRequest) async throws {
    while true {
      switch act({ session, _ in session.copyState(request) }) {
      case .open: return
      case .waiting: await awaitFlow(of: request)
      case .succeeded: throw PostgresError(.unsupported, "the statement is no COPY from the client (FROM STDIN)")
      case .done(let error): throw error
      }
    }
  }

  private nonisolated(nonsending) func awaitEnd(_ request: ConnectionRequest) async throws {
    while true {
      switch act({ session, _ in session.copyState(request) }) {
      case .open, .waiting: await awaitFlow(of: request)
      case .succeeded: return
      case .done(let error): throw error
      }
    }
  }

  private nonisolated(nonsending) func awaitDone(_ request: ConnectionRequest) async {
    while act({ session, _ in !session.isOver(request) }) {
      await untilWoken { waker in act { session, deliveries in session.parkUntilOver(request, waker, &deliveries) } }
    }
  }

  /// The columns of a table, as COPY takes them.
  func columns(
    _ names: [String], of table: SQL, _ options: QueryOptions
  ) async throws -> (columns: [CopyRowEncoder.Column], list: SQL) {
    let list = names.dropFirst().reduce("\(identifier: names.first ?? "")" as SQL) { "\($0), \(identifier: $1)" }
    var options = options
    options.name = nil
    let handle = try await run("SELECT \(list) FROM \(table) LIMIT 0", options).handle
    let columns = zip(names, 0...).map { name, index in
      CopyRowEncoder.Column(name: name, type: handle.columnType(index))
    }
    return (columns, list)
  }
}
