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
    return showsValues(of: sql) ? lines : Self.withoutValues(lines)
  }

  /// Whether the plan of a statement may be logged as it is: the server puts the parameters into its conditions.
  func showsValues(of sql: SQL) -> Bool { showsValues && !sql.isSensitive }

  /// The lines of a plan with `'…'` for each quoted value and `?` for each number, but for the planner's own figures.
  static func withoutValues(_ lines: [String]) -> [String] {
    // What ends the value, or the name in double quotes, that the line is in: both may have line breaks.
    var quote: Unicode.Scalar?
    return lines.map { masked($0.unicodeScalars[...], &quote) }
  }

  /// By scalars: a mark that combines with a quotation mark makes another character of it.
  private static func masked(_ line: Substring.UnicodeScalarView, _ quote: inout Unicode.Scalar?) -> String {
    var result = ""
    var wasWord = false
    var rest = line
    while let scalar = rest.first {
      if quote == nil, rest.starts(with: "  (cost=".unicodeScalars) { return result + String(rest) }
      rest.removeFirst()
      switch (quote, scalar) {
      case ("'", "'"), ("\"", "\""):
        if scalar == "\"" { result.unicodeScalars.append(scalar) }
        quote = nil
        wasWord = false
      case ("'", _): break
      case ("\"", _): result.unicodeScalars.append(scalar)
      case (_, "'"):
        result += "'…'"
        quote = scalar
      case (_, "\""):
        result.unicodeScalars.append(scalar)
        quote = scalar
      case (_, "0"..."9") where !wasWord: if result.last != "?" { result.append("?") }
      case (_, _):
        result.unicodeScalars.append(scalar)
        wasWord = scalar.properties.isAlphabetic || scalar == "_" || (("0"..."9").contains(scalar) && wasWord)
      }
    }
    return result
  }
}
