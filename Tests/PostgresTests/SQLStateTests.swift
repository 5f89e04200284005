import Testing

@testable import Postgres

@Suite struct SQLStateTests {
  @Test func `names stand for the codes of the manual's appendix A`() {
    let codes: [(SQLState, String)] = [
      (.connectionFailure, "08006"), (.featureNotSupported, "0A000"), (.stringDataRightTruncation, "22001"),
      (.numericValueOutOfRange, "22003"), (.divisionByZero, "22012"), (.invalidTextRepresentation, "22P02"),
      (.notNullViolation, "23502"), (.foreignKeyViolation, "23503"), (.uniqueViolation, "23505"),
      (.checkViolation, "23514"), (.exclusionViolation, "23P01"), (.readOnlySQLTransaction, "25006"),
      (.inFailedSQLTransaction, "25P02"), (.invalidSQLStatementName, "26000"), (.invalidPassword, "28P01"),
      (.invalidCatalogName, "3D000"), (.serializationFailure, "40001"), (.deadlockDetected, "40P01"),
      (.syntaxError, "42601"), (.insufficientPrivilege, "42501"), (.undefinedFunction, "42883"),
      (.undefinedColumn, "42703"), (.undefinedTable, "42P01"), (.duplicateDatabase, "42P04"),
      (.duplicatePreparedStatement, "42P05"), (.duplicateTable, "42P07"), (.diskFull, "53100"),
      (.tooManyConnections, "53300"), (.lockNotAvailable, "55P03"), (.queryCanceled, "57014"),
      (.adminShutdown, "57P01"), (.crashShutdown, "57P02"), (.cannotConnectNow, "57P03"),
    ]
    for (state, code) in codes { #expect(state.rawValue == code && "\(state)" == code) }
  }

  @Test func `the class is the first two characters`() {
    #expect(SQLState.uniqueViolation.classCode == "23")
    #expect(SQLState(rawValue: "").classCode == "")
  }

  @Test func `only what may succeed when it is run again is retryable`() {
    #expect(SQLState.serializationFailure.isRetryable && SQLState.deadlockDetected.isRetryable)
    for state in [SQLState.uniqueViolation, .queryCanceled, .adminShutdown] { #expect(!state.isRetryable) }
  }

  @Test func `a wrong password and a database that is closed last, a full server does not`() {
    let lasting = [
      SQLState.invalidPassword, .invalidAuthorizationSpecification, .invalidCatalogName,
      // A database that takes no connections.
      SQLState(rawValue: "55000"),
    ]
    for state in lasting {
      #expect(state.isPermanentForConnecting)
    }
    for state in [SQLState.tooManyConnections, .cannotConnectNow, .connectionFailure] {
      #expect(!state.isPermanentForConnecting)
    }
  }

  @Test func `a server that goes away casts suspicion on its connections, a cancelled query does not`() {
    for code in ["57P01", "57P02", "57P03"] { #expect(SQLState(rawValue: code).isFailover) }
    for state in [SQLState.queryCanceled, .connectionFailure, .uniqueViolation, .tooManyConnections] {
      #expect(!state.isFailover)
    }
  }
}
