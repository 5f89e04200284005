internal import Postgres
internal import PrometheusMetrics

/// Queries, connects, waits and leases as metrics: a tracer that counts.
struct QueryMetrics: QueryTracer {
  private let queries: HistogramFamily
  private let errors: CounterFamily
  private let waits: HistogramFamily
  private let holds: Histogram
  private let connects: HistogramFamily
  private let prepared: Counter

  init(_ registry: MetricsRegistry) throws(MetricsError) {
    queries = try registry.histogram(
      "db_query_duration_seconds", help: "Time that queries took, by kind of call and name.",
      labels: ["operation", "name"], buckets: Self.buckets)
    errors = try registry.counter(
      "db_query_errors_total",
      help: "Queries that failed, by the class of their SQLSTATE, or what went wrong outside the server.",
      labels: ["sqlstate_class"])
    waits = try registry.histogram(
      "db_pool_acquire_wait_seconds", help: "Time that acquires waited, those that were given up included.",
      labels: ["outcome"], buckets: Self.buckets)
    holds = try registry.histogram(
      "db_pool_hold_seconds", help: "Time that connections were lent to one holder alone.", buckets: Self.buckets)
    connects = try registry.histogram(
      "db_connect_duration_seconds", help: "Time that making connections took.", labels: ["outcome"],
      buckets: Self.buckets)
    prepared = try registry.counter("db_prepared_statements_total", help: "Statements that were prepared.")
    // A series that begins with its first event has no rate for it: those that alerts wait for are there from the start.
    for kind in ["08", "22", "23", "40", "42", "53", "57", "cancelled"] { _ = errors.with(kind) }
    for outcome in ["made", "failed", "cancelled"] { _ = connects.with(outcome) }
    for outcome in ["lent", "failed", "cancelled"] { _ = waits.with(outcome) }
  }

  /// From an index look-up on this machine to a report that somebody waits for.
  private static let buckets: HistogramBuckets = [
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
  ]

  func record(_ event: TraceEvent) {
    switch event {
    case .queryStarted: break
    case .queryEnded(let trace, let duration, let outcome):
      queries.with(trace.operation.rawValue, trace.metricName).observe(duration)
      if case .failure(let error) = outcome { errors.with(Self.kind(of: error)).increment() }
    case .statementFailed(_, let error): errors.with(Self.kind(of: error)).increment()
    case .connectEnded(let duration, let outcome):
      switch outcome {
      case .success: connects.with("made").observe(duration)
      case .failure(let error): connects.with(Self.outcome(of: error)).observe(duration)
      }
    case .acquireEnded(_, let duration, let error):
      waits.with(error.map(Self.outcome) ?? "lent").observe(duration)
    case .released(_, _, let held): holds.observe(held)
    case .prepared: prepared.increment()
    }
  }

  /// Of what did not come about: a failure, or nobody waited for it any more.
  private static func outcome(of error: any Error) -> String { error is CancellationError ? "cancelled" : "failed" }

  /// Two characters of SQL's own, such as `23` for violated constraints; else the kind of our own error.
  static func kind(of error: any Error) -> String {
    switch error {
    case let error as PostgresError: error.sqlState.map { String($0.rawValue.prefix(2)) } ?? "\(error.code)"
    case is CancellationError: "cancelled"
    default: "other"
    }
  }
}
