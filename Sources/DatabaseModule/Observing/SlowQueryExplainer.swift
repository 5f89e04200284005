internal import Postgres
internal import StructuredLogging
internal import Synchronization

/// Asks the server how it runs a query that was slow, and logs the plan: a tracer that hands candidates to a task.
///
/// Only what reads is explained (a SELECT, by its first word), never executed (no ANALYZE), in a read-only transaction
/// with a time-out, at most once a minute. Parameters are sent as they were, for plans depend on them; none is logged,
/// and plans are logged without the values in their conditions unless parameters are logged in full and none is sensitive.
final class SlowQueryExplainer: QueryTracer {
  static let interval = Duration.seconds(60)
  static let name = "Explain"

  private let threshold: Duration
  private let showsValues: Bool
  private let logger: Logger
  private let candidates: AsyncStream<QueryTrace>
  private let channel: AsyncStream<QueryTrace>.Continuation
  private let last = Mutex<ContinuousClock.Instant?>(nil)

  init(threshold: Duration, showsValues: Bool, logger: Logger) {
    self.threshold = threshold
    self.showsValues = showsValues
    self.logger = logger
    (candidates, channel) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  func record(_ event: TraceEvent) {
    guard case .queryEnded(let trace, let duration, .success) = event, duration >= threshold,
      trace.operation == .query || trace.operation == .stream, trace.name != Self.name, Self.reads(trace.sql.text),
      isDue(.now)
    else { return }
    channel.yield(trace)
  }

  /// Whether one may be explained now; if so, it counts as the last.
  func isDue(_ now: ContinuousClock.Instant) -> Bool {
    last.withLock { last in
      if let last, now - last < Self.interval { return false }
      last = now
      return true
    }
  }

  /// Whether a statement only reads, as far as its text tells: it begins with SELECT, and locks no rows.
  static func reads(_ text: String) -> Bool {
    let words = text.split { !($0.isLetter || $0 == "_") }.map { $0.uppercased() }
    guard words.first == "SELECT", let start = text.firstIndex(where: { !$0.isWhitespace && $0 != "(" }),
      text[start] == "S" || text[start] == "s"
    else { return false }
    // SELECT … INTO makes a table, FOR UPDATE and FOR SHARE lock.
    return !words.contains("INTO")
      && !zip(words, words.dropFirst()).contains { $0 == "FOR" && ["UPDATE", "NO", "SHARE", "KEY"].contains($1) }
  }

  /// Explains what comes, until cancelled.
  func run(_ pool: PostgresPool) async {
    for await trace in candidates {
      do {
        let plan = try await explain(trace.sql, pool)
        var metadata: LogMetadata = ["plan": .array(plan.map { .string($0) })]
        if let name = trace.name { metadata["name"] = .string(name) }
        logger.warning("plan of a slow query", metadata)
      } catch {
        logger.debug("a slow query could not be explained", ["error": .describing(error)])
      }
    }
  }

  private func explain(_ sql: SQL, _ pool: PostgresPool) async throws -> [String] {
    let lines = try await pool.transaction(TransactionOptions(isReadOnly: true)) { transaction in
      try await transaction.execute("SET LOCAL statement_timeout = '1s'", name: Self.name)
      return try await transaction.all("EXPLAIN (COSTS, VERBOSE FALSE) \(sql)", as: String.self, name: Self.name)
    }
    return showsValues(of: sql) ? lines : lines.map(Self.withoutValues)
  }

  /// Whether the plan of a statement may be logged as it is: the server puts the parameters into its conditions.
  func showsValues(of sql: SQL) -> Bool { showsValues && !sql.isSensitive }

  /// The line of a plan with `'…'` for each quoted value and `?` for each number, but for the planner's own figures.
  static func withoutValues(_ line: String) -> String {
    let figures = line.ranges(of: "  (cost=").last?.lowerBound ?? line.endIndex
    return masked(line[..<figures]) + line[figures...]
  }

  private static func masked(_ line: Substring) -> String {
    var result = ""
    var isQuoted = false
    var wasWord = false
    // By scalars: a mark that combines with a quotation mark makes another character of it.
    for scalar in line.unicodeScalars {
      if scalar == "'" {
        if !isQuoted { result += "'…'" }
        isQuoted.toggle()
        wasWord = false
      } else if !isQuoted {
        let isDigit = ("0"..."9").contains(scalar)
        if isDigit, !wasWord {
          if result.last != "?" { result.append("?") }
        } else {
          result.unicodeScalars.append(scalar)
          wasWord = scalar.properties.isAlphabetic || scalar == "_" || (isDigit && wasWord)
        }
      }
    }
    return result
  }
}
