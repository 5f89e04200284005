internal import MonotonicTime

extension PostgresConnection {
  /// - Parameter isLent: Nobody ends what the batch begins: a transaction that it leaves open is undone with the connection,
  ///   and what stands before its BEGIN may be too.
  func run(
    _ batch: PostgresBatch, _ options: QueryOptions, isLent: Bool = false
  ) async throws -> PostgresBatch.Answers {
    let trace = trace(
      .batch, SQL(unchecked: batch.statements.map(\.text).joined(separator: ";\n")), options.name)
    do {
      let answers = try await sendLearning(batch, options, trace)
      if let trace { for error in answers.results.compactMap(\.error) { trace.tellFailed(error) } }
      if isLent, isInTransaction { throw PostgresError.endlessBatch.of(options.caller) }
      trace?.end(.success(answers.results.reduce(0) { $0 + ((try? $1.get().rowsAffected) ?? 0) }))
      return answers
    } catch {
      trace?.end(.failure(error))
      throw error
    }
  }

  /// Again after each look-up of a type: a batch that misses one is not sent at all.
  private func sendLearning(
    _ batch: PostgresBatch, _ options: QueryOptions, _ trace: QueryTrace?
  ) async throws -> PostgresBatch.Answers {
    let start = MonotonicInstant.now
    while true {
      do {
        return try await sendTwice(batch, options.after(.now - start), trace)
      } catch let error as PostgresError where error.unknownType != nil {
        try await learn(error, options.after(.now - start))
      }
    }
  }

  /// Once, and what met prepared statements that were gone or stale once more.
  private func sendTwice(
    _ batch: PostgresBatch, _ options: QueryOptions, _ trace: QueryTrace?
  ) async throws -> PostgresBatch.Answers {
    let start = MonotonicInstant.now
    var results = try await send(batch.statements, batch.isolation, options, trace)
    let lost = results.indices.filter { results[$0].error?.isLostStatement == true }
    if !lost.isEmpty, mayRunAgain(lost, of: results, batch.isolation) {
      // They are forgotten now, and what failed had no effect.
      let again = batch.isolation == .together ? Array(results.indices) : lost
      let second = try await send(
        again.map { batch.statements[$0] }, batch.isolation, options.after(.now - start), trace)
      for (index, result) in zip(again, second) { results[index] = result }
    }
    if batch.isolation == .together {
      let failures = results.compactMap(\.error)
      // Not that of a statement which another one's error has kept from running.
      if let failed = failures.first(where: { $0.sqlState != nil }) ?? failures.first { throw failed }
    }
    return PostgresBatch.Answers(results: results)
  }

  private func mayRunAgain(
    _ lost: [Int], of results: [Result<PostgresResult, PostgresError>], _ isolation: PostgresBatch.Isolation
  ) -> Bool {
    guard transactionStatus == .idle else { return false }
    switch isolation {
    case .together: return !results.contains { $0.mayHaveCommitted }
    // Each by itself, those behind one that is sent again would have come before it.
    case .separate: return lost.first.map { lost.count == results.count - $0 } ?? true
    }
  }

  private func send(
    _ statements: [SQL], _ isolation: PostgresBatch.Isolation, _ options: QueryOptions, _ trace: QueryTrace?
  ) async throws -> [Result<PostgresResult, PostgresError>] {
    let lead = ConnectionRequest(
      .statement(statements[0]), isBatched: true, endsSegment: isolation == .separate || statements.count == 1)
    let others = statements.indices.dropFirst().map { index in
      ConnectionRequest(
        .statement(statements[index]), isBatched: true, batch: lead,
        endsSegment: isolation == .separate || index == statements.count - 1)
    }
    try await perform(lead, with: others, timeout: options.timeout)
    if let trace {
      for request in [lead] + others where request.wasPrepared { trace.tellPrepared() }
    }
    var results: [Result<PostgresResult, PostgresError>] = []
    results.reserveCapacity(statements.count)
    results.append(try lead.answer(options.caller))
    for request in others { results.append(try request.answer(options.caller)) }
    return results
  }
}

extension ConnectionRequest {
  /// What became of one of a batch.
  ///
  /// - Throws: what concerns all of them: refused before anything was sent, or lost with the connection.
  fileprivate func answer(_ caller: QueryCaller) throws -> Result<PostgresResult, PostgresError> {
    if let error {
      guard var named = (error as? PostgresError)?.of(sql ?? "", caller) else { throw error }
      guard [.server, .unsupported].contains(named.code) else { throw named }
      // Without a name it was not prepared, so nothing of ours is lost.
      if prepared == nil { named.isLostStatement = false }
      return .failure(named)
    }
    guard let result else { return .failure(PostgresError(.unsupported, "the server sent no result")) }
    return .success(PostgresResult(handle: result, sql: text, caller: caller))
  }
}

extension Result where Failure == PostgresError {
  fileprivate var error: PostgresError? { if case .failure(let error) = self { error } else { nil } }
}

extension Result<PostgresResult, PostgresError> {
  /// What it did may stand though the batch failed: what ends a transaction, what no transaction holds, such as CREATE INDEX
  /// CONCURRENTLY, and procedures and blocks of code, which may commit. Whatever is not known to be undone with the others.
  fileprivate var mayHaveCommitted: Bool {
    guard case .success(let result) = self else { return false }
    let verb = result.commandTag.prefix { $0 != " " }
    return !Self.undone.contains(verb)
  }

  private static var undone: Set<Substring> {
    [
      "", "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "SET", "RESET", "SHOW", "EXPLAIN", "LOCK", "FETCH",
      "COPY", "SAVEPOINT", "RELEASE", "DECLARE", "LISTEN", "UNLISTEN", "NOTIFY", "DEALLOCATE", "DISCARD",
    ]
  }
}
