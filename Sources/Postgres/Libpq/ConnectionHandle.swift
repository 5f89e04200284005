// This folder alone touches libpq. Everything in it is a thin, typed name for one or two of its calls; decisions are taken in
// ConnectionSession.swift.
internal import CLibpq
internal import Glibc
internal import MonotonicTime
internal import StructuredLogging

/// Owns a `PGconn`. libpq allows one thread at a time on it: the owner keeps it behind a lock.
///
/// Unchecked: it cannot be copied, so whoever has it has it alone, and libpq ties a connection to no thread.
struct ConnectionHandle: ~Copyable, @unchecked Sendable {
  private let connection: OpaquePointer
  /// Receives notices for as long as the connection lives; libpq holds it as a plain pointer.
  private let retainedNotices: Unmanaged<NoticeReceiver>
  /// Where parameters are encoded for one call; kept so that its memory is reused.
  private var parameters = ParameterBuffer()
  /// As libpq numbers it.
  private var encoding: Int32 = 0

  /// Connects to the first host that answers. Blocks: call it on a thread that may.
  ///
  /// - Parameter isCancelled: asked every few milliseconds whether to give up.
  static func connect(
    _ options: ConnectOptions, logger: Logger, isCancelled: () -> Bool
  ) throws(PostgresError) -> ConnectionHandle {
    var failures: [PostgresError] = []
    for candidate in options.candidates {
      do throws(PostgresError) {
        return try connect(toOne: candidate, logger, isCancelled)
      } catch {
        guard error.code != .cancelled else { throw error }
        failures.append(error)
      }
    }
    throw PostgresError(failures: failures)
  }

  private static func connect(
    toOne options: ConnectOptions, _ logger: Logger, _ isCancelled: () -> Bool
  ) throws(PostgresError) -> ConnectionHandle {
    guard let connection = start(options) else {
      throw PostgresError(.connectionFailed, "libpq could not allocate a connection")
    }
    var handle = ConnectionHandle(connection, NoticeReceiver(logger))
    // Verbose messages carry the SQLSTATE, which libpq has no other way to tell for a failed connect.
    PQsetErrorVerbosity(connection, PQERRORS_VERBOSE)
    try handle.awaitConnected(options, isCancelled)
    PQsetErrorVerbosity(connection, PQERRORS_DEFAULT)
    PQsetnonblocking(connection, 1)
    handle.encoding = PQclientEncoding(connection)
    return handle
  }

  private init(_ connection: OpaquePointer, _ receiver: NoticeReceiver) {
    self.connection = connection
    retainedNotices = Unmanaged.passRetained(receiver)
    PQsetNoticeReceiver(connection, receiveNotice, retainedNotices.toOpaque())
  }

  deinit {
    PQfinish(connection)
    retainedNotices.release()
  }

  private static func start(_ options: ConnectOptions) -> OpaquePointer? {
    var pairs = options.libpqParameters
    // An empty value in a list is none to libpq, which then takes that of PGHOSTADDR; in a string it stands.
    let hasNoAddress = options["hostaddr"]?.isEmpty == true
    if hasNoAddress { pairs.insert(("dbname", "hostaddr=''"), at: 0) }
    // strdup, not withCString: the arrays hold any number of strings at once.
    var keywords: [UnsafePointer<CChar>?] = pairs.map { UnsafePointer(strdup($0.keyword)) }
    var values: [UnsafePointer<CChar>?] = pairs.map { UnsafePointer(strdup($0.value)) }
    keywords.append(nil)
    values.append(nil)
    defer { for string in keywords + values { free(UnsafeMutablePointer(mutating: string)) } }
    // Of several names of a database only the first is taken for a string.
    return PQconnectStartParams(keywords, values, hasNoAddress ? 1 : 0)
  }

  private func awaitConnected(_ options: ConnectOptions, _ isCancelled: () -> Bool) throws(PostgresError) {
    let deadline = MonotonicInstant.now + options.connectTimeout
    var direction = PGRES_POLLING_WRITING
    while PQstatus(connection) != CONNECTION_BAD {
      if isCancelled() { throw PostgresError(.cancelled, "connecting was cancelled") }
      guard MonotonicInstant.now < deadline else {
        throw PostgresError(
          .connectionFailed, "cannot connect to \(options): no answer within \(options.connectTimeout.logText)")
      }
      var entry = pollfd(
        fd: PQsocket(connection),
        events: Int16(direction == PGRES_POLLING_READING ? POLLIN : POLLOUT), revents: 0)
      if poll(&entry, 1, 20) == 0 { continue }
      direction = PQconnectPoll(connection)
      if direction == PGRES_POLLING_OK { return }
      if direction == PGRES_POLLING_FAILED { break }
    }
    throw PostgresError(connectFailure: errorMessage, options)
  }

  // MARK: State

  /// Where notices wait to be logged.
  var notices: NoticeReceiver { retainedNotices.takeUnretainedValue() }

  /// Another descriptor for the socket, which is the caller's to close.
  func duplicateSocket() throws(PostgresError) -> Int32 {
    let descriptor = fcntl(PQsocket(connection), F_DUPFD_CLOEXEC, 0)
    guard descriptor >= 0 else {
      throw PostgresError(.connectionFailed, "cannot watch the connection: \(String(cString: strerror(errno)))")
    }
    return descriptor
  }

  /// The server process that serves this connection, as `pg_stat_activity` names it.
  var processID: Int32 { PQbackendPID(connection) }

  /// As an integer: 150004 is 15.4.
  var serverVersion: Int32 { PQserverVersion(connection) }

  /// What the server said last of one of the settings it reports.
  func setting(_ name: String) -> String? { PQparameterStatus(connection, name).map { String(cString: $0) } }

  /// Whether text is what it was when the connection was made: UTF-8, though not every pooler says so.
  var hasOwnEncoding: Bool { PQclientEncoding(connection) == encoding }

  var errorMessage: String { PQerrorMessage(connection).map { String(cString: $0) } ?? "" }

  var transactionStatus: TransactionStatus {
    switch PQtransactionStatus(connection) {
    case PQTRANS_IDLE: .idle
    case PQTRANS_INTRANS: .open
    case PQTRANS_INERROR: .failed
    default: .unknown
    }
  }

  /// A copy of what a cancel request needs; it stays good however the connection fares.
  func makeCancelHandle() throws(PostgresError) -> CancelHandle {
    guard let handle = PQgetCancel(connection) else {
      throw PostgresError(.connectionFailed, "libpq could not allocate a cancel handle")
    }
    return CancelHandle(handle)
  }

  // MARK: Sending

  /// In pipeline mode statements queue behind each other; outside it one text of several statements can be sent.
  mutating func setPipelined(_ isOn: Bool) -> Bool {
    (isOn ? PQenterPipelineMode(connection) : PQexitPipelineMode(connection)) == 1
  }

  /// Parses a statement under its name.
  mutating func sendPrepare(_ statement: PreparedStatement) -> Bool {
    let types = statement.types
    return PQsendPrepare(connection, statement.name, statement.text, Int32(types.count), types) == 1
  }

  /// Writes the parameters of the next statement in binary.
  mutating func encode(_ binds: [SQL.Bind]) throws(PostgresError) { try parameters.encode(binds) }

  /// What the statement's parameters are declared as.
  func parameterTypes(_ binds: [SQL.Bind]) throws(PostgresError) -> [UInt32] {
    var types: [UInt32] = []
    types.reserveCapacity(binds.count)
    for bind in binds { types.append(try parameters.parameterOID(of: bind)) }
    return types
  }

  /// What the database says of its own types.
  var types: TypeCatalogue? {
    get { parameters.types }
    set { parameters.types = newValue }
  }

  /// Runs a prepared statement with the parameters encoded before; values come back in binary.
  mutating func sendExecute(_ statement: PreparedStatement) -> Bool {
    let connection = connection
    return parameters.withPointers { count, values, lengths, formats in
      // By itself Swift would make an array of a short string for C.
      statement.name.withCString { name in
        PQsendQueryPrepared(connection, name, count, values, lengths, formats, 1) == 1
      }
    }
  }

  /// Runs a statement without a name at the server, with the parameters encoded before.
  mutating func sendUnnamed(_ text: String, _ types: [UInt32]) -> Bool {
    let connection = connection
    return parameters.withPointers { count, values, lengths, formats in
      PQsendQueryParams(connection, text, count, types, values, lengths, formats, 1) == 1
    }
  }

  /// A statement's text with the parameters encoded before as literals.
  ///
  /// - Throws: where a literal might be read otherwise than it is meant.
  func inlined(_ sql: SQL) throws(PostgresError) -> InlinedSQL {
    // Without parameters the text is the server's alone to read: ROLLBACK must get through whatever is set.
    for (setting, wanted) in [("standard_conforming_strings", "on"), ("client_encoding", "UTF8")]
    where !sql.binds.isEmpty {
      let value = self.setting(setting)
      guard value == wanted else {
        throw PostgresError(
          .unsupported,
          "\(setting) is \(value ?? "not known"); statement cache mode simple needs it to be \(wanted)")
      }
    }
    return try InlinedSQL(sql, parameters.literals(sql.binds))
  }

  /// Runs one statement that has no parameters and whose rows nobody reads.
  mutating func sendPlain(_ text: String) -> Bool {
    PQsendQueryParams(connection, text, 0, nil, nil, nil, nil, 1) == 1
  }

  /// Runs a text of any number of statements; not in pipeline mode.
  mutating func sendScript(_ text: String) -> Bool { PQsendQuery(connection, text) == 1 }

  /// Ends a segment of the pipeline: an error before it does not reach what follows.
  mutating func sync() -> Bool { keel_libpq_sync(connection) == 1 }

  /// Whether what is sent may wait for ``flush()``: libpq before 17 writes to the socket at the end of each segment.
  static let canCork = keel_libpq_can_cork()

  /// Has the server send what it has answered when it comes to this place, and not wait until there is more. It would in the
  /// end, so it does not matter when that fails.
  mutating func requestFlush() { _ = PQsendFlushRequest(connection) }

  /// Writes what is buffered.
  mutating func flush() -> FlushOutcome {
    switch PQflush(connection) {
    case 0: .done
    case 1: .blocked
    default: .failed
    }
  }

  // MARK: Receiving

  /// Takes what the socket has; false when the connection is lost.
  mutating func consumeInput() -> Bool { PQconsumeInput(connection) == 1 }

  /// There is more to take, though the socket may have nothing: a record of TLS holds up to 16 KB, and libpq takes as much of it
  /// as it has room for.
  var hasDeciphered: Bool { keel_libpq_has_deciphered(connection) }

  /// libpq has found that the connection is lost.
  var isBroken: Bool { PQstatus(connection) == CONNECTION_BAD }

  /// Whether the next result is not there yet.
  var isBusy: Bool { PQisBusy(connection) == 1 }

  /// - Parameters:
  ///   - inBinary: values that came as text are turned into their binary form.
  ///   - waits: the result is kept until others have come.
  mutating func nextResult(inBinary: Bool, waits: Bool) -> Received {
    guard let result = PQgetResult(connection) else { return .end }
    switch PQresultStatus(result) {
    case PGRES_PIPELINE_SYNC:
      PQclear(result)
      return .sync
    case _ where keel_libpq_is_chunk(result):
      return .rows(ResultHandle(result, parameters.types, inBinary: inBinary, waits: false))
    default: return .result(ResultHandle(result, parameters.types, inBinary: inBinary, waits: waits))
    }
  }

  /// Whether the rows of an answer can come several at a time: libpq before 17 hands them out one by one or all at once.
  static let hasChunks = keel_libpq_has_chunks()

  /// Has the rows of the statement that is answered next come so many at a time, or one by one without ``hasChunks``. False when
  /// it is not its turn yet.
  mutating func setChunks(of rows: Int) -> Bool { keel_libpq_set_chunks(connection, Int32(clamping: rows)) == 1 }

  /// What another session told this one with NOTIFY.
  mutating func nextNotification() -> PostgresNotification? {
    guard let notify = PQnotifies(connection) else { return nil }
    defer { PQfreemem(notify) }
    return PostgresNotification(
      channel: String(cString: notify.pointee.relname), payload: String(cString: notify.pointee.extra),
      processID: notify.pointee.be_pid)
  }

  // MARK: COPY

  enum CopyData { case data, nothing, end }

  /// Appends a piece of what the server copies out, which is a row.
  mutating func takeCopyData(into bytes: inout [UInt8], isWanted: Bool) -> CopyData {
    var piece: UnsafeMutablePointer<CChar>?
    let length = PQgetCopyData(connection, &piece, 1)
    guard length >= 0 else { return .end }
    guard length > 0, let piece else { return .nothing }
    defer { PQfreemem(piece) }
    if isWanted { bytes.append(contentsOf: UnsafeRawBufferPointer(start: piece, count: Int(length))) }
    return .data
  }

  /// Queues data to be copied in. False when the connection is lost.
  mutating func putCopyData(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { bytes in
      var rest = bytes[...]
      // In pieces, since libpq counts in 32 bits.
      while !rest.isEmpty {
        let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 20))
        guard PQputCopyData(connection, piece.bindMemory(to: CChar.self).baseAddress, Int32(piece.count)) == 1 else {
          return false
        }
        rest = rest.dropFirst(piece.count)
      }
      return true
    }
  }

  /// Ends the data; with a reason, the server undoes the COPY.
  mutating func endCopy(_ reason: String?) -> Bool { PQputCopyEnd(connection, reason) == 1 }

  enum FlushOutcome { case done, blocked, failed }

  enum Received {
    /// Some rows of a statement whose rows are handed over as they come.
    case rows(ResultHandle)
    /// A result of a statement, good or bad.
    case result(ResultHandle)
    /// No more results of this statement; outside pipeline mode, of the whole text.
    case end
    /// The end of a segment of the pipeline.
    case sync
  }
}

/// Where a connection stands in respect of transactions.
enum TransactionStatus: Sendable {
  /// No transaction.
  case idle
  /// In a transaction.
  case open
  /// In a transaction that failed and can only be rolled back.
  case failed
  /// A statement is under way, or the connection is bad.
  case unknown

  /// Whether a transaction is open, failed or not.
  var isInTransaction: Bool { self == .open || self == .failed }
}

/// What became of a transaction.
enum TransactionOutcome: Sendable {
  /// It was committed, or prepared to be.
  case kept
  /// It was rolled back.
  case undone
}
