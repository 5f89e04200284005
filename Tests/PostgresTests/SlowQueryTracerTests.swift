import FoundationEssentials
import StructuredLogging
import Testing

@testable import Postgres

@Suite struct SlowQueryTracerTests {
  private func log(
    _ sql: SQL, _ mode: SlowQueryTracer.ParameterMode = .full, took: Duration = .milliseconds(100),
    level: Logger.Level = .debug, outcome: Result<Int, any Error> = .success(3)
  ) -> LogEntry? {
    let output = RecordingLogOutput()
    let logger = Logger(label: "test", level: level, output: output)
    let tracer = SlowQueryTracer(threshold: .milliseconds(100), parameters: mode, logger: logger)
    let trace = QueryTrace.started(tracer, .query, sql, "GetUser", 42)
    tracer.record(.queryEnded(trace, duration: took, outcome))
    return output.entries.first
  }

  @Test func `a query at the threshold is a warning with name, SQL, duration, rows and parameters`() throws {
    let entry = try #require(log("SELECT \(7), \("x"), \(Int?.none)"))
    #expect(entry.level == .warning)
    #expect(entry.message == "slow query")
    #expect(entry.metadata["name"] == "GetUser")
    #expect(entry.metadata["sql"] == "SELECT $1, $2, $3")
    #expect(entry.metadata["duration"] == .duration(.milliseconds(100)))
    #expect(entry.metadata["rows"] == 3)
    #expect(entry.metadata["parameters"] == ["7", "x", "NULL"])
  }

  @Test func `a query below the threshold is for debugging only`() throws {
    let entry = try #require(log("SELECT 1", took: .milliseconds(99)))
    #expect(entry.level == .debug)
    #expect(log("SELECT 1", took: .milliseconds(99), level: .info) == nil)
  }

  @Test func `a quick query that fails is told at the default level, one that is cancelled is not`() throws {
    let error = PostgresError(.closed, "closed")
    let entry = try #require(log("SELECT 1", took: .zero, level: .info, outcome: .failure(error)))
    #expect(entry.level == .info && entry.message == "query failed" && entry.metadata["error"] == "closed")
    #expect(log("SELECT 1", took: .zero, level: .info, outcome: .failure(CancellationError())) == nil)
  }

  @Test func `a conflict that is tried again is for debugging only, and says so`() throws {
    let output = RecordingLogOutput()
    let tracer = SlowQueryTracer(logger: Logger(label: "test", level: .debug, output: output))
    let trace = QueryTrace.started(tracer, .query, "UPDATE t SET n = 1", "Set", 42, isRunAgain: true)
    for state in [SQLState.serializationFailure, .deadlockDetected, .uniqueViolation] {
      var error = PostgresError(.server, "no")
      error.sqlState = state
      trace.end(.failure(error))
    }
    #expect(output.entries.map(\.level) == [.debug, .debug, .info])
    let again = "query failed, its transaction is run again"
    #expect(output.entries.map { "\($0.message)" } == [again, again, "query failed"])
  }

  @Test func `a statement that fails of a batch of separate ones is told by itself`() throws {
    let output = RecordingLogOutput()
    let tracer = SlowQueryTracer(logger: Logger(label: "test", level: .info, output: output))
    let trace = QueryTrace.started(tracer, .batch, "SELECT 1;\nSELECT 1 / 0", "Both", 42)
    trace.tellFailed(PostgresError(.closed, "closed").of("SELECT 1 / 0", nil))
    let entry = try #require(output.entries.first)
    #expect(entry.level == .info && entry.message == "query of a batch failed")
    #expect(entry.metadata["sql"] == "SELECT 1 / 0" && entry.metadata["error"] == "closed")
  }

  @Test func `a query that still runs is a warning with its SQL and the parameters as configured`() throws {
    let output = RecordingLogOutput()
    let tracer = SlowQueryTracer(parameters: .full, logger: Logger(label: "test", output: output))
    let trace = QueryTrace.started(tracer, .query, "SELECT \(7), \(Sensitive("hunter2"))", "Report", 42)
    tracer.reportRunning(trace, for: .seconds(1))
    let entry = try #require(output.entries.first)
    #expect(entry.level == .warning && entry.message == "query still running")
    #expect(
      entry.metadata["parameters"] == ["7", "<REDACTED>"] && entry.metadata["duration"] == .duration(.seconds(1)))
    #expect(entry.metadata["rows"] == nil)
  }

  @Test(arguments: SlowQueryTracer.ParameterMode.allCases)
  func `a sensitive value is in no log, optional or in company of others`(mode: SlowQueryTracer.ParameterMode) throws {
    let entry = try #require(log("SELECT \(Sensitive("hunter2")), \(Optional(Sensitive("hunter2"))), \(1)", mode))
    #expect(!"\(entry)".contains("hunter2"))
    if mode == .full { #expect(entry.metadata["parameters"] == ["<REDACTED>", "<REDACTED>", "1"]) }
    if mode == .none { #expect(entry.metadata["parameters"] == nil) }
  }

  @Test func `fingerprints tell equal values from others and cannot be read`() throws {
    let entry = try #require(log("SELECT \("apple"), \("apple"), \("pear")", .fingerprint))
    guard case .array(let values) = entry.metadata["parameters"] else {
      Issue.record("no parameters")
      return
    }
    #expect(values[0] == values[1])
    #expect(values[0] != values[2])
    #expect(!"\(entry)".contains("apple"))
  }

  @Test func `a failed query is logged by its SQLSTATE, not by its message`() throws {
    var error = PostgresError(.server, "duplicate key value violates unique constraint")
    error.sqlState = .uniqueViolation
    let entry = try #require(log("INSERT", outcome: .failure(error)))
    #expect(entry.metadata["error"] == "23505")
  }

  @Test func `a long parameter is cut`() throws {
    let entry = try #require(log("SELECT \(String(repeating: "x", count: 10_000))"))
    #expect("\(entry.metadata)".count < 1000)
  }

  @Test func `a statement of megabytes and ten thousand parameters make a line of bounded length`() throws {
    var text = SQL.StringInterpolation(literalCapacity: 0, interpolationCount: 10_000)
    text.appendLiteral("INSERT INTO things VALUES ")
    for number in 1...10_000 {
      text.appendLiteral(number == 1 ? "(" : "), (")
      text.appendInterpolation(number)
    }
    let sql = SQL(stringInterpolation: text)
    let entry = try #require(log(sql))
    #expect("\(entry.metadata)".count < 20_000)
    #expect("\(entry.metadata)".contains("10000 parameters"))
    guard case .string(let shown) = entry.metadata["sql"] else {
      Issue.record("no statement")
      return
    }
    #expect(shown.hasPrefix("INSERT INTO things VALUES ($1), ($2)"))
    #expect(shown.hasSuffix("… (\(sql.text.utf8.count) bytes)"))
  }

  @Test func `of a long array the first elements are shown, and sensitive ones in it are not`() throws {
    let numbers = Array(1...1_000_000)
    let entry = try #require(log("SELECT \(numbers), \([Sensitive("hunter2"), Sensitive("hunter3")])"))
    guard case .array(let values) = entry.metadata["parameters"], case .string(let text) = values.first else {
      Issue.record("no parameters")
      return
    }
    #expect(text.hasPrefix("[1, 2, 3, ") && text.utf8.count < 300)
    #expect(values.last == "[<REDACTED>, <REDACTED>]")
  }
}
