/// The five characters by which PostgreSQL classes an error. The names are those of the manual's appendix A.
public struct SQLState: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The five characters, such as `23505`.
  public let rawValue: String

  /// From the five characters.
  public init(rawValue: String) { self.rawValue = rawValue }

  private init(_ code: String) { rawValue = code }

  /// The first two characters: the kind of trouble (`23` is an integrity constraint, `08` the connection).
  public var classCode: String { String(rawValue.prefix(2)) }

  /// The five characters.
  public var description: String { rawValue }

  // Class 08: connection exception.
  /// 08006.
  public static let connectionFailure = SQLState("08006")
  // Class 0A: feature not supported.
  /// 0A000; also what a prepared statement gives when its result columns have changed.
  public static let featureNotSupported = SQLState("0A000")
  // Class 22: data exception.
  /// 22001.
  public static let stringDataRightTruncation = SQLState("22001")
  /// 22003.
  public static let numericValueOutOfRange = SQLState("22003")
  /// 22012.
  public static let divisionByZero = SQLState("22012")
  /// 22P02.
  public static let invalidTextRepresentation = SQLState("22P02")
  // Class 23: integrity constraint violation.
  /// 23502.
  public static let notNullViolation = SQLState("23502")
  /// 23503.
  public static let foreignKeyViolation = SQLState("23503")
  /// 23505.
  public static let uniqueViolation = SQLState("23505")
  /// 23514.
  public static let checkViolation = SQLState("23514")
  /// 23P01.
  public static let exclusionViolation = SQLState("23P01")
  // Class 25: invalid transaction state.
  /// 25006; also what a server gives that has become a standby.
  public static let readOnlySQLTransaction = SQLState("25006")
  /// 25P01: there is no transaction to do this in.
  public static let noActiveSQLTransaction = SQLState("25P01")
  /// 25P02.
  public static let inFailedSQLTransaction = SQLState("25P02")
  // Class 26: invalid statement name.
  /// 26000.
  public static let invalidSQLStatementName = SQLState("26000")
  // Class 28: invalid authorization.
  /// 28000.
  public static let invalidAuthorizationSpecification = SQLState("28000")
  /// 28P01.
  public static let invalidPassword = SQLState("28P01")
  // Class 3D: invalid catalog name.
  /// 3D000: no such database.
  public static let invalidCatalogName = SQLState("3D000")
  // Class 3B: savepoint exception.
  /// 3B001: no such savepoint.
  public static let invalidSavepoint = SQLState("3B001")
  // Class 40: transaction rollback.
  /// 40001.
  public static let serializationFailure = SQLState("40001")
  /// 40P01.
  public static let deadlockDetected = SQLState("40P01")
  // Class 42: syntax error or access rule violation.
  /// 42601.
  public static let syntaxError = SQLState("42601")
  /// 42501.
  public static let insufficientPrivilege = SQLState("42501")
  /// 42883.
  public static let undefinedFunction = SQLState("42883")
  /// 42703.
  public static let undefinedColumn = SQLState("42703")
  /// 42P01.
  public static let undefinedTable = SQLState("42P01")
  /// 42P04.
  public static let duplicateDatabase = SQLState("42P04")
  /// 42P05.
  public static let duplicatePreparedStatement = SQLState("42P05")
  /// 42P07.
  public static let duplicateTable = SQLState("42P07")
  /// 42804.
  public static let datatypeMismatch = SQLState("42804")
  /// 42P18: nothing says of what type a parameter is.
  public static let indeterminateDatatype = SQLState("42P18")
  // Class 53: insufficient resources.
  /// 53100.
  public static let diskFull = SQLState("53100")
  /// 53300.
  public static let tooManyConnections = SQLState("53300")
  // Class 55: object not in prerequisite state.
  /// 55000; also of a database that takes no connections (`ALLOW_CONNECTIONS` is false, or a DROP of it was interrupted).
  public static let objectNotInPrerequisiteState = SQLState("55000")
  /// 55P03: `lock_timeout` passed, or NOWAIT found a lock.
  public static let lockNotAvailable = SQLState("55P03")
  // Class 57: operator intervention.
  /// 57014.
  public static let queryCanceled = SQLState("57014")
  /// 57P01: the server is shut down, or `pg_terminate_backend` was called.
  public static let adminShutdown = SQLState("57P01")
  /// 57P02.
  public static let crashShutdown = SQLState("57P02")
  /// 57P03: the server is starting up or shutting down.
  public static let cannotConnectNow = SQLState("57P03")

  /// Whether the same transaction, run again, may well succeed.
  var isRetryable: Bool { self == .serializationFailure || self == .deadlockDetected }

  /// Whether it may come of the types that parameters are sent as.
  var isOfTypes: Bool { [.undefinedFunction, .datatypeMismatch, .indeterminateDatatype].contains(self) }

  /// Whether waiting and connecting again cannot help: who connects is wrong, or to what, not when.
  var isPermanentForConnecting: Bool {
    ["28", "3D"].contains(classCode) || self == .insufficientPrivilege || self == .objectNotInPrerequisiteState
  }

  /// Whether the transaction or the savepoint that a statement is about is not there.
  var isOfMissingTransaction: Bool { self == .noActiveSQLTransaction || self == .invalidSavepoint }

  /// Whether a connection that the server has ended with this was ended for what it did, or did not do: a conflict with what a
  /// standby replays, and the time-outs of idle transactions, whole transactions and idle sessions. It says nothing of others.
  var isOfOneSession: Bool {
    self == .serializationFailure || ["25P03", "25P04", "57P05"].contains(rawValue)
  }

  /// Whether every connection made so far is suspect: the server went away. Not class 08: a statement that raises that, by
  /// postgres_fdw or dblink, has lost another server, and who loses this one is told so by libpq.
  var isFailover: Bool { [.adminShutdown, .crashShutdown, .cannotConnectNow].contains(self) }
}
