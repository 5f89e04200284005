internal import EventLoop

/// What went wrong between the program and PostgreSQL.
///
/// ``description`` is fit for a log or a page: it holds no parameter value and no password. ``debugDescription`` adds
/// what the server says in its detail, which may quote values of rows.
public struct PostgresError: Error, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  /// What kind of failure this is.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private enum Value: String {
      case server, connectionFailed, connectionLost, closed, cancelled, noRows, tooManyRows, decoding, encoding
      case invalidConnectionString, transactionAborted, outcomeUnknown, timedOut, unsupported, busy
    }
    private let value: Value
    /// The server refused a statement; ``PostgresError/sqlState`` says why.
    public static let server = Code(value: .server)
    /// No connection could be made.
    public static let connectionFailed = Code(value: .connectionFailed)
    /// The connection broke while it was used.
    public static let connectionLost = Code(value: .connectionLost)
    /// The connection was closed before.
    public static let closed = Code(value: .closed)
    /// Connecting was cancelled.
    public static let cancelled = Code(value: .cancelled)
    /// One row was asked for and there was none.
    public static let noRows = Code(value: .noRows)
    /// One row was asked for and there were more.
    public static let tooManyRows = Code(value: .tooManyRows)
    /// A column's value does not fit the Swift type it was asked as.
    public static let decoding = Code(value: .decoding)
    /// A parameter has no representation in PostgreSQL.
    public static let encoding = Code(value: .encoding)
    /// The connection string is malformed.
    public static let invalidConnectionString = Code(value: .invalidConnectionString)
    /// COMMIT was answered with a rollback: a statement had failed, and its error was not passed on. Also where the
    /// closure has rolled back by itself, and of a batch that left a transaction open.
    public static let transactionAborted = Code(value: .transactionAborted)
    /// The connection broke during COMMIT: the transaction may or may not have happened.
    public static let outcomeUnknown = Code(value: .outcomeUnknown)
    /// The server did not answer in time.
    public static let timedOut = Code(value: .timedOut)
    /// The connection is handing over the rows of a stream or the data of a COPY, and takes nothing else until then.
    public static let busy = Code(value: .busy)
    /// The driver does not do this, or not this way.
    public static let unsupported = Code(value: .unsupported)

    /// The code's name.
    public var description: String { value.rawValue }
  }

  /// What kind of failure this is.
  public var code: Code { facts.code }
  /// What happened, in one sentence.
  public var message: String { facts.message }
  /// The server's class of error, where the server spoke.
  public internal(set) var sqlState: SQLState? {
    get { facts.sqlState }
    set { facts.sqlState = newValue }
  }
  /// The server's further explanation. May hold values of rows.
  public internal(set) var detail: String? {
    get { facts.detail }
    set { facts.detail = newValue }
  }
  /// The server's advice.
  public internal(set) var hint: String? {
    get { facts.hint }
    set { facts.hint = newValue }
  }
  /// Where in the SQL the error is: the first character is 1.
  public internal(set) var position: Int? {
    get { facts.position }
    set { facts.position = newValue }
  }
  /// Which statement of a script failed, from 0. An error of syntax is found before the first is run: it has 0 and a
  /// ``position``.
  public internal(set) var statementIndex: Int? {
    get { facts.statementIndex }
    set { facts.statementIndex = newValue }
  }
  /// The call stack of functions in the server.
  public internal(set) var context: String? {
    get { facts.context }
    set { facts.context = newValue }
  }
  /// The line of the data of a COPY that the error is about; the first is 1. In binary data, the row.
  public internal(set) var line: Int? {
    get { facts.line }
    set { facts.line = newValue }
  }
  /// The schema the error is about.
  public internal(set) var schema: String? {
    get { facts.schema }
    set { facts.schema = newValue }
  }
  /// The table the error is about.
  public internal(set) var table: String? {
    get { facts.table }
    set { facts.table = newValue }
  }
  /// The column the error is about.
  public internal(set) var column: String? {
    get { facts.column }
    set { facts.column = newValue }
  }
  /// The constraint that was violated.
  public internal(set) var constraint: String? {
    get { facts.constraint }
    set { facts.constraint = newValue }
  }
  /// The query's name, where it was given one.
  public internal(set) var queryName: String? {
    get { facts.queryName }
    set { facts.queryName = newValue }
  }
  /// Where in the program the query was made, as `Shop/Orders.swift:42`.
  public internal(set) var origin: String? {
    get { facts.origin }
    set { facts.origin = newValue }
  }
  /// The query's text.
  public internal(set) var sql: String? {
    get { facts.sql }
    set { facts.sql = newValue }
  }
  /// As what the parameters were sent, where the error may come of that.
  var parameterTypes: [String] {
    get { facts.parameterTypes }
    set { facts.parameterTypes = newValue }
  }
  /// A prepared statement no longer fits its tables. Told by the reporting function, since the message is translated.
  var isStalePlan: Bool {
    get { facts.isStalePlan }
    set { facts.isStalePlan = newValue }
  }
  /// A prepared statement is not there, or no longer fits: it can be prepared again. A trigger may raise the same codes,
  /// at COMMIT even, where sending again would succeed at nothing; hence the function here too.
  var isLostStatement: Bool {
    get { facts.isLostStatement }
    set { facts.isLostStatement = newValue }
  }
  /// A parameter is of this type, which the connection knows nothing of yet. Nothing was sent.
  var unknownType: PostgresType? {
    get { facts.unknownType }
    set { facts.unknownType = newValue }
  }
  /// Of an error of connecting: waiting and connecting again cannot help.
  var isPermanent: Bool {
    get { facts.isPermanent }
    set { facts.isPermanent = newValue }
  }

  /// All that is known, elsewhere: an error is a word wide, for it stands beside every query that does not fail.
  private var facts: Facts {
    get { box.facts }
    set { box = Box(newValue) }
  }
  private var box: Box

  private struct Facts: Sendable {
    let code: Code
    let message: String
    var sqlState: SQLState?
    var detail: String?
    var hint: String?
    var position: Int?
    var statementIndex: Int?
    var context: String?
    var line: Int?
    var schema: String?
    var table: String?
    var column: String?
    var constraint: String?
    var queryName: String?
    var origin: String?
    var sql: String?
    var parameterTypes: [String] = []
    var isStalePlan = false
    var isLostStatement = false
    var unknownType: PostgresType?
    var isPermanent = false
  }

  private final class Box: Sendable {
    let facts: Facts

    init(_ facts: Facts) { self.facts = facts }
  }

  init(_ code: Code, _ message: String) { box = Box(Facts(code: code, message: message)) }

  /// Whether the same transaction, run again, may well succeed: a serialization failure or a deadlock.
  public var isRetryable: Bool { sqlState?.isRetryable == true }

  /// The message with the query's name, or else its place in the program, and the place in the SQL that it is about. Holds
  /// no value of a parameter or row.
  public var description: String {
    var text = queryName.map { "query \($0): " } ?? origin.map { "query at \($0): " } ?? ""
    // Errors of data, and those that functions raise, quote the value they are about.
    text += shownMessage
    if let sqlState { text += " (SQLSTATE \(sqlState))" }
    if let line { text += " at line \(line) of the data" + (column.map { ", column \($0)" } ?? "") }
    if let constraint { text += " [constraint \(constraint)]" }
    if let hint { text += "; hint: \(hint)" }
    if let parameterHint { text += "; \(parameterHint)" }
    if let sql, let position { text += "\n" + SourcePosition(position, in: sql).caret }
    return text
  }

  /// The server only knows that the types do not fit, not that nobody wrote them.
  private var parameterHint: String? {
    guard !parameterTypes.isEmpty else { return nil }
    let shown = parameterTypes.prefix(10).enumerated().map { "$\($0 + 1) as \($1)" }.joined(separator: ", ")
    let advice =
      isListInIN
      ? "a list is an array, compared with = ANY($1) or <> ALL($1) and not with IN"
      : "write a cast such as $1::int where another type is meant"
    return "the parameters are sent: \(shown)\(parameterTypes.count > 10 ? " …" : ""); \(advice)"
  }

  /// Whether it is about an `IN ($1)` with an array for the list that other drivers make of it.
  private var isListInIN: Bool {
    guard let sql, let position, parameterTypes.contains(where: { $0.hasSuffix("[]") }) else { return false }
    let words = sql.unicodeScalars.dropFirst(position - 1).prefix(7)
    return ["IN (", "IN(", "NOT IN"].contains { String(String.UnicodeScalarView(words)).uppercased().hasPrefix($0) }
  }

  private var shownMessage: String {
    switch sqlState?.classCode {
    case "22", "P0": message.withoutQuotes
    // What is looked up as the statement runs (a regclass, a tsquery, a setting) comes of values; names that the
    // statement itself has stand in its text.
    case "42", "58":
      sql.map { sql in message.quotations.allSatisfy { sql.contains($0) } } ?? true ? message : message.withoutQuotes
    default: message
    }
  }

  /// Everything known, values in the server's detail included.
  public var debugDescription: String {
    var text = description
    if shownMessage != message { text += "\nmessage: \(message)" }
    if let detail { text += "\ndetail: \(detail)" }
    if let context { text += "\ncontext: \(context)" }
    if queryName != nil, let origin { text += "\nat: \(origin)" }
    if let sql, position == nil { text += "\nquery: \(sql)" }
    return text
  }
}

extension PostgresError {
  static let busy = PostgresError(
    .busy,
    "the connection is in the middle of a stream or a COPY; end that first, or use another connection "
      + "(the pool, not the transaction or the connection that streams)")

  static let emptyQuery = PostgresError(.unsupported, "the query is empty")

  static let strayTransaction = PostgresError(
    .connectionLost,
    "another task's statement began a transaction that nobody would have ended, so the connection was closed; the pool's "
      + "transaction(_:) has one for itself")

  static let endlessBatch = PostgresError(
    .transactionAborted,
    "the batch began a transaction and did not end it, so that it was rolled back; in a batch that is together, with what "
      + "stands before it. Leave BEGIN out, or use transaction(_:)")

  static let undoneAtCommit = PostgresError(
    .transactionAborted,
    "the transaction was rolled back at COMMIT, because one of its statements had failed and the error was "
      + "not passed on; let it throw, or run the statement in a nested transaction")

  static func undoneByItself(andBegunAgain: Bool) -> PostgresError {
    PostgresError(
      .transactionAborted,
      "the transaction was rolled back by a statement of its own closure: a ROLLBACK, or a COMMIT or PREPARE TRANSACTION "
        + "after a statement had failed; "
        + (andBegunAgain ? "what it did in the transaction that it began after that is undone too; " : "")
        + "to roll back, throw an error")
  }

  /// A savepoint that is not to be had, or is gone.
  static func ended(_ outcome: TransactionOutcome, _ sql: SQL, _ cause: PostgresError) -> PostgresError {
    let advice =
      "leave COMMIT, ROLLBACK and the savepoints of nested transactions to them: return to keep what a closure did, throw to "
      + "undo it"
    var error =
      if cause.sqlState == .noActiveSQLTransaction {
        switch outcome {
        case .kept:
          PostgresError(
            .unsupported,
            "a statement of the closure has committed the whole transaction, so that none is left to nest in; \(advice)"
          )
        case .undone:
          PostgresError(
            .transactionAborted,
            "a statement of the closure has rolled the whole transaction back, so that none is left to nest in; \(advice)"
          )
        }
      } else {
        PostgresError(
          .transactionAborted,
          "a statement of the closure has ended the transaction or a savepoint around it, so that the nested transaction's own "
            + "is gone and the transaction is rolled back; \(advice)")
      }
    error.sqlState = cause.sqlState
    return error
  }

  static func givenUp(_ reason: String) -> PostgresError {
    PostgresError(.connectionLost, "connection given up: \(reason)")
  }

  static let transactionIsOver = PostgresError(
    .unsupported,
    "the transaction has ended: its closure has returned; await in the closure what it sends, and use the pool after it"
  )

  static let leaseIsOver = PostgresError(
    .unsupported,
    "the connection was lent to a closure that has returned, and is somebody else's; await in the closure what it sends, and "
      + "use the pool after it")

  static let copyIsOver = PostgresError(.unsupported, "the COPY is over: its writer takes no more data")

  init(server message: ServerMessage) {
    self.init(.server, message.message)
    sqlState = message.sqlState.map(SQLState.init)
    detail = message.detail
    hint = message.hint
    position = message.position
    context = message.context
    schema = message.schema
    table = message.table
    column = message.column
    constraint = message.constraint
    readCopyContext()
    isStalePlan =
      message.sqlState == SQLState.featureNotSupported.rawValue && message.function == "RevalidateCachedQuery"
    isLostStatement = isStalePlan || (context == nil && message.isOfPreparedStatement)
  }

  /// The context of an error in a COPY is its only trace of where: `COPY t, line 3, column a: "x"`, its words
  /// translated. Line and column are taken from it, the quoted value is not.
  private mutating func readCopyContext() {
    guard let first = context?.split(separator: "\n").first, first.hasPrefix("COPY ") else { return }
    var parts = first.split(separator: ", ", maxSplits: 2).dropFirst().makeIterator()
    guard let place = parts.next() else { return }
    let head = place.prefix { $0 != ":" }
    guard let number = head.split(separator: " ").last.flatMap({ Int($0) }) else { return }
    line = number
    guard head.count == place.count, column == nil, let field = parts.next(),
      let space = field.firstIndex(of: " ")
    else { return }
    column = String(field[field.index(after: space)...].prefix { $0 != ":" })
  }

  /// What failed at each of several hosts; the last one's SQLSTATE. It is permanent where that of each is: one that is down may
  /// be the one that is wanted.
  init(failures: [PostgresError]) {
    guard failures.count > 1 else {
      self = failures.first ?? PostgresError(.connectionFailed, "there is no host to connect to")
      return
    }
    self.init(.connectionFailed, failures.map(\.message).joined(separator: "; "))
    sqlState = failures.last?.sqlState
    isPermanent = failures.allSatisfy(\.isPermanent)
  }

  /// From libpq's verbose message of a failed connect: `FATAL:  28P01: password authentication failed …`. Severity and
  /// text may be translated; the SQLSTATE between them is not.
  init(connectFailure text: String, _ options: ConnectOptions) {
    var state: SQLState?
    // Each attempt begins with the server that it was made at: those that pg_hba.conf has no entry for, and what has no SQLSTATE.
    var (refusing, speechless): ([Substring], [Substring]) = ([], [])
    let lines = text.split(separator: "\n").filter { !$0.hasPrefix("LOCATION:") }.map { line in
      guard let marker = line.firstRange(of: ":  ") else {
        speechless.append(line)
        return String(line)
      }
      let code = line[marker.upperBound...].prefix { $0 != ":" }
      guard code.count == 5, code.allSatisfy({ $0.isASCII && ($0.isNumber || $0.isUppercase) }) else {
        return String(line)
      }
      // Where sslmode lets libpq try again without TLS, or with it: that pg_hba.conf has no entry for one way says less than what
      // became of the other.
      let found = SQLState(rawValue: String(code))
      if state == nil || found != .invalidAuthorizationSpecification { state = found }
      let severity = line[..<marker.lowerBound].lastIndex(of: " ").map { line.index(after: $0) } ?? line.startIndex
      if found == .invalidAuthorizationSpecification { refusing.append(line[..<severity]) }
      return String(line[..<severity] + line[code.endIndex...].dropFirst(2))
    }
    self.init(.connectionFailed, "cannot connect to \(options): \(lines.map(\.trimmed).joined(separator: "; "))")
    sqlState = state
    // Where the other way to the same server just broke, that one may be the one it takes.
    let mayBeTaken = refusing.contains { server in speechless.contains { $0.hasPrefix(server) } }
    isPermanent =
      state?.isPermanentForConnecting == true && !(state == .invalidAuthorizationSpecification && mayBeTaken)
    if let advice = DescriptorLimit.advice(for: text) {
      hint = advice
      return
    }
    // All that libpq passes on of what OpenSSL knows.
    if text.contains("certificate verify failed") {
      hint =
        "the server's certificate has expired or is not valid yet, is revoked (sslcrl), or is of none of the authorities in "
        + "\(options["sslrootcert"] ?? "~/.postgresql/root.crt")"
    } else if text.contains("alert certificate required") {
      hint =
        "the server wants a certificate of the client, and none was sent: say with sslcert and sslkey where it and its key are; "
        + "looked for was \(options["sslcert"] ?? "~/.postgresql/postgresql.crt")"
    } else if text.contains(" alert "), text.contains("certificate") || text.contains("unknown ca") {
      hint =
        "the server does not take the client's certificate, \(options["sslcert"] ?? "~/.postgresql/postgresql.crt")"
    }
  }

  /// libpq quotes the piece it stumbles over, which may be a part of the password: the quote is left out.
  init(malformedConnectionString text: String) {
    self.init(
      .invalidConnectionString,
      "malformed connection string: \(text.withoutQuotes.trimmed); expected postgres://user:password@host:port/database or "
        + "host=… dbname=… pairs, with special characters of a URL percent-encoded (@ is %40, / is %2F)")
  }

  /// The same error, told whose it is.
  func of(_ caller: QueryCaller?) -> PostgresError {
    var error = self
    error.queryName = caller?.name
    error.origin = caller?.origin
    return error
  }

  /// The same error, told which query it belongs to.
  func of(_ sql: String, _ caller: QueryCaller?) -> PostgresError {
    var error = of(caller)
    error.sql = sql
    return error
  }

  /// The same error, told which query it belongs to.
  func of(_ sql: SQL, _ caller: QueryCaller) -> PostgresError {
    var error = of(sql.text, caller)
    if sqlState?.isOfTypes == true { error.parameterTypes = sql.parameterTypes }
    return error
  }
}

/// A place in a text, for people: line, column, and the line with a caret under the place.
public struct SourcePosition: Sendable, Equatable {
  /// The first line is 1.
  public let line: Int
  /// The first character of a line is 1.
  public let column: Int
  private let text: String

  /// - Parameters:
  ///   - position: as PostgreSQL counts: characters, the first is 1.
  ///   - source: the whole text.
  public init(_ position: Int, in source: String) {
    let before = source.unicodeScalars.prefix(max(0, position - 1))
    let lineStart = before.lastIndex(of: "\n").map { source.unicodeScalars.index(after: $0) } ?? source.startIndex
    line = 1 + before.count { $0 == "\n" }
    column = 1 + source.unicodeScalars.distance(from: lineStart, to: before.endIndex)
    text = String(source.unicodeScalars[lineStart...].prefix { $0 != "\n" })
  }

  /// The line, and under it a caret.
  public var caret: String {
    // Tabs stay tabs, so that the caret stands under its place however wide they are shown.
    let indent = text.unicodeScalars.prefix(column - 1).map { $0 == "\t" ? "\t" : " " }.joined()
    return "\(text)\n\(indent)^"
  }
}

extension String {
  /// With all from the first quotation mark to the last left out: what is quoted may have marks in it, and the server's
  /// language its own.
  var withoutQuotes: String {
    // By scalars: a mark that combines with a quotation mark makes another character of it.
    guard let first = unicodeScalars.firstIndex(where: Self.isQuotationMark),
      let last = unicodeScalars.lastIndex(where: Self.isQuotationMark), first < last
    else { return self }
    return String(unicodeScalars[...first]) + "…" + String(unicodeScalars[last...])
  }

  /// What stands between one quotation mark and the next.
  var quotations: [Substring] {
    let parts = unicodeScalars.split(omittingEmptySubsequences: false, whereSeparator: Self.isQuotationMark)
    return parts.indices.filter { !$0.isMultiple(of: 2) }.map { Substring(parts[$0]) }
  }

  private static func isQuotationMark(_ scalar: Unicode.Scalar) -> Bool {
    "\"«»„“”「」『』".unicodeScalars.contains(scalar)
  }

  /// Without white space at both ends.
  var trimmed: String {
    var slice = self[...]
    while slice.first?.isWhitespace == true { slice.removeFirst() }
    while slice.last?.isWhitespace == true { slice.removeLast() }
    return String(slice)
  }
}

extension ServerMessage {
  /// The server, or a pooler that names no function, has no prepared statement of that name, or has one already.
  fileprivate var isOfPreparedStatement: Bool {
    switch sqlState {
    case SQLState.invalidSQLStatementName.rawValue: [nil, "FetchPreparedStatement"].contains(function)
    case SQLState.duplicatePreparedStatement.rawValue: [nil, "StorePreparedStatement"].contains(function)
    default: false
    }
  }
}
