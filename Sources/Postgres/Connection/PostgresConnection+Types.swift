internal import MonotonicTime
internal import StructuredLogging

/// What a connection knows of the types that the database defines itself: nothing until a parameter is of one.
extension PostgresConnection {
  /// What is known.
  var types: TypeCatalogue? { act { session, _ in session.types } }

  /// What a connection knows from the start.
  func loadRegisteredTypes() async throws {
    if let known = catalogue.known(to: generation) { return use(known) }
    guard !options.types.isEmpty || options.statementCacheMode == .simple else { return }
    do {
      try await load(options.types, QueryOptions(timeout: options.connectTimeout))
    } catch {
      await close()
      guard let error = error as? PostgresError, error.code == .timedOut else { throw error }
      throw PostgresError(
        .connectionFailed, "the server did not say within \(options.connectTimeout.logText) what types it has")
    }
  }

  /// Sends a statement that failed because a type is not known: looks the type up first, and so on for each that the
  /// statement turns out to use.
  nonisolated(nonsending) func performLearning(
    _ error: PostgresError, _ sql: SQL, _ options: QueryOptions, isCancellable: Bool,
    _ onDone: (@Sendable (Bool) -> Void)?
  ) async throws -> ConnectionRequest {
    let start = MonotonicInstant.now
    var error = error
    while true {
      do {
        try await learn(error, options.after(.now - start))
      } catch {
        // Given back after what is still under way of the look-up, which a cancelled waiter does not wait for.
        if let onDone {
          let last = ConnectionRequest(.statement("SELECT 1"), onDone: onDone)
          act { session, deliveries in session.submit(last, nil, &deliveries) }
        }
        throw error
      }
      let request = ConnectionRequest(.statement(sql), onDone: onDone)
      do {
        try await perform(request, timeout: options.after(.now - start).timeout, isCancellable: isCancellable)
        return request
      } catch let next as PostgresError where next.unknownType != nil {
        error = next
      }
    }
  }

  /// Looks the type up that an error is about.
  ///
  /// - Throws: the error, when the database has no such type.
  nonisolated(nonsending) func learn(_ error: PostgresError, _ options: QueryOptions) async throws {
    guard let type = error.unknownType else { throw error }
    if let known = catalogue.known(to: generation), known.has(type) { return use(known) }
    // Otherwise whoever sends it again would come here again, for ever.
    guard try await load([type.baseName], options).has(type) else { throw error }
  }

  /// Looks all types up that a statement's parameters turn out to use.
  func learnTypes(of sql: SQL, _ options: QueryOptions) async throws {
    let start = MonotonicInstant.now
    while let error = act({ session, _ in session.missingType(of: sql) }) {
      try await learn(error, options.after(.now - start))
    }
  }

  /// Looks all types up that values for such columns can use: once the COPY runs, nothing else can be asked.
  func learnTypes(ofColumns columns: [UInt32], _ options: QueryOptions) async throws {
    func isMissing(in types: TypeCatalogue?) -> Bool {
      !columns.allSatisfy { types?.knowsColumn(of: $0) ?? PostgresType.isKnown($0) }
    }
    guard isMissing(in: types) else { return }
    if let known = catalogue.known(to: generation), !isMissing(in: known) { return use(known) }
    let start = MonotonicInstant.now
    let names = try await TypeCatalogue.names(ofColumns: columns, on: self, options)
    try await load(names, columns: Set(columns), options.after(.now - start))
  }

  @discardableResult
  private nonisolated(nonsending) func load(
    _ names: [String], columns: Set<UInt32> = [], _ options: QueryOptions
  ) async throws -> TypeCatalogue {
    let newer = try await TypeCatalogue.load(names, columns: columns, on: self, options)
    // What is seen in a transaction may be rolled back, or be so by the search path of that transaction alone.
    if transactionStatus == .idle { catalogue.add(newer, by: generation) }
    use(newer)
    return newer
  }

  /// What is known only grows: another statement may have looked something up meanwhile.
  private func use(_ newer: TypeCatalogue) {
    act { session, _ in session.use(session.types.map { $0 === newer ? newer : $0.merged(with: newer) } ?? newer) }
  }
}
