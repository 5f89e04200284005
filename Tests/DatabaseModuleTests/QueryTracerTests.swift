import MetricsTesting
import MonotonicTime
import Postgres
import PrometheusMetrics
import StructuredLogging
import Testing

@testable import DatabaseModule
@testable import Postgres

@Suite struct QueryTracerTests {
  struct Trouble: Error {}

  private func trace(
    _ sql: SQL, _ name: String? = nil, _ operation: QueryTrace.Operation = .query, _ process: Int32 = 1
  ) -> QueryTrace {
    QueryTrace.started(TracerChain([]), operation, sql, name, process)
  }

  @Test func `queries are counted by operation and name, failures by class`() async throws {
    let registry = MetricsRegistry()
    let metrics = try QueryMetrics(registry)
    metrics.record(.queryEnded(trace("SELECT 1", "GetUser"), duration: .milliseconds(3), .success(1)))
    metrics.record(.queryEnded(trace("SELECT 1", "GetUser"), duration: .milliseconds(3), .success(1)))
    metrics.record(.queryEnded(trace("COPY t FROM STDIN", "Load", .copyIn), duration: .seconds(1), .success(9)))
    metrics.record(.queryEnded(trace("SELECT 1"), duration: .zero, .failure(CancellationError())))
    metrics.record(.queryEnded(trace("SELECT 1"), duration: .zero, .failure(Trouble())))
    metrics.record(.queryEnded(trace("SELECT 1"), duration: .zero, .failure(PostgresError(.closed, "closed"))))
    var duplicate = PostgresError(.server, "duplicate key")
    duplicate.sqlState = .uniqueViolation
    metrics.record(.queryEnded(trace("SELECT 1"), duration: .zero, .failure(duplicate)))
    duplicate.sqlState = .divisionByZero
    metrics.record(.statementFailed(trace("SELECT 1 / 0", nil, .batch), duplicate))
    metrics.record(.released(processID: 1, isSound: true, held: .seconds(2)))
    metrics.record(.connectEnded(duration: .milliseconds(4), .success(1)))
    // Nobody wanted it any more, which is no fault of the server's.
    metrics.record(.connectEnded(duration: .milliseconds(4), .failure(CancellationError())))
    metrics.record(.prepared(trace("SELECT 1")))
    let page = try ExpositionPage(await registry.render(.text))
    #expect(page.value("db_query_duration_seconds_count", ["operation": "query", "name": "GetUser"]) == 2)
    #expect(page.value("db_query_duration_seconds_count", ["operation": "copyIn", "name": "Load"]) == 1)
    #expect(page.value("db_query_duration_seconds_count", ["operation": "query", "name": "unnamed SELECT"]) == 4)
    for kind in ["cancelled", "other", "closed", "23", "22"] {
      #expect(page.value("db_query_errors_total", ["sqlstate_class": kind]) == 1)
    }
    #expect(page.value("db_pool_hold_seconds_sum", [:]) == 2)
    for (outcome, count) in ["made": 1, "failed": 0, "cancelled": 1] {
      #expect(page.value("db_connect_duration_seconds_count", ["outcome": outcome]) == Double(count))
    }
    #expect(page.value("db_prepared_statements_total", [:]) == 1)
  }

  @Test func `errors and failed connects are zero before the first, so that it has a rate`() async throws {
    let registry = MetricsRegistry()
    _ = try QueryMetrics(registry)
    let page = try ExpositionPage(await registry.render(.text))
    #expect(page.value("db_query_errors_total", ["sqlstate_class": "57"]) == 0)
    #expect(page.value("db_connect_duration_seconds_count", ["outcome": "failed"]) == 0)
  }

  @Test(arguments: [
    ("SELECT 1", "unnamed SELECT"), ("  \n(select 1)", "unnamed SELECT"), ("insert into t", "unnamed INSERT"),
    ("", "unnamed"), ("$1", "unnamed"), ("supercalifragilistic_and_more", "unnamed SUPERCALIFRAGILI"),
  ])
  func `a query without a name is called by its first word`(text: String, name: String) {
    #expect(trace(SQL(unchecked: text)).metricName == name)
  }

  @Test func `statistics add up by name and keep names made of data within bounds`() {
    let statistics = QueryStatistics()
    for milliseconds in [10, 30] {
      statistics.record(.queryEnded(trace("SELECT", "A"), duration: .milliseconds(milliseconds), .success(2)))
    }
    statistics.record(.queryEnded(trace("SELECT", "B"), duration: .milliseconds(25), .failure(Trouble())))
    #expect(statistics.dearest(1).map(\.name) == ["A"] && statistics.slowest(1).map(\.name) == ["B"])
    let line = statistics.dearest(1)[0]
    #expect(line.count == 2 && line.rows == 4 && line.longest == .milliseconds(30) && line.mean == .milliseconds(20))
    #expect(statistics.slowest(1)[0].failures == 1)
    for index in 0..<1000 {
      statistics.record(.queryEnded(trace("SELECT", "name-\(index)"), duration: .zero, .success(0)))
    }
    #expect(statistics.dearest(2000).count == 501)
  }

  @Test func `a query that runs for long is found once, one that has ended not at all`() {
    let running = RunningQueries(patience: .seconds(1))
    let (slow, quick) = (trace("SELECT 1", "Slow", .query, 1), trace("SELECT 1", "Quick", .query, 2))
    running.record(.queryStarted(slow))
    running.record(.queryStarted(quick))
    #expect(running.newlyLong(slow.start + .milliseconds(900)).isEmpty)
    running.record(.queryEnded(quick, duration: .zero, .success(1)))
    let later = slow.start + .seconds(2)
    #expect(running.newlyLong(later).map(\.trace.name) == ["Slow"])
    #expect(running.newlyLong(later).isEmpty)
    running.record(.queryEnded(slow, duration: .seconds(3), .success(1)))
    #expect(running.count == 0)
  }

  @Test(arguments: [
    ("SELECT * FROM t WHERE a = $1", true), ("  (select 1) UNION (select 2)", true),
    ("SELECT * FROM t FOR UPDATE", false), ("SELECT * FROM t FOR NO KEY UPDATE", false),
    ("SELECT * INTO t2 FROM t", false), ("WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x", false),
    ("DELETE FROM t", false), ("-- SELECT\nDELETE FROM t", false), ("EXPLAIN ANALYZE DELETE FROM t", false),
    ("", false),
  ])
  func `only what reads is explained`(text: String, reads: Bool) {
    #expect(SlowQueryExplainer.reads(text) == reads)
  }

  @Test func `plans are asked for once a minute at most`() {
    let explainer = SlowQueryExplainer(threshold: .zero, showsValues: true, logger: .none)
    let start = ContinuousClock.now
    #expect(explainer.isDue(start) && !explainer.isDue(start.advanced(by: .seconds(59))))
    #expect(explainer.isDue(start.advanced(by: .seconds(60))))
  }

  @Test(arguments: [
    ("  Filter: (email = 'a@b.c'::text)", "  Filter: (email = '…'::text)"),
    ("  Index Cond: ((id = 4711) AND (t1.x2 > 3.5))", "  Index Cond: ((id = ?) AND (t1.x2 > ?.?))"),
    ("Seq Scan on t  (cost=0.00..1.01 rows=1 width=4)", "Seq Scan on t  (cost=0.00..1.01 rows=1 width=4)"),
    ("  Order By: (place <-> '(1,2)'::point)", "  Order By: (place <-> '…'::point)"),
    ("  Run Condition: (row_number() OVER (?) <= 10)", "  Run Condition: (row_number() OVER (?) <= ?)"),
    (
      "Function Scan on f(7)  (cost=0.25..10.25 rows=1000 width=4)",
      "Function Scan on f(?)  (cost=0.25..10.25 rows=1000 width=4)"
    ),
    ("  Filter: (name = 'it''s'::text)", "  Filter: (name = '…''…'::text)"),
    ("  Filter: (name = '\u{301}hunter2'::text)", "  Filter: (name = '…'::text)"),
  ])
  func `a plan without values keeps its costs`(line: String, expected: String) {
    #expect(SlowQueryExplainer.withoutValues([line]) == [expected])
  }

  @Test(arguments: [
    (
      ["  Filter: ((body = 'one", "two  (cost=3)", "hunter2'::text) AND (id = 5))", "Limit  (cost=0.00..1.01 rows=1)"],
      ["  Filter: ((body = '…'", "", "::text) AND (id = ?))", "Limit  (cost=0.00..1.01 rows=1)"]
    ),
    (["  Filter: (body = 'x  (cost=hunter2'::text)"], ["  Filter: (body = '…'::text)"]),
    (["  Filter: (\"o'clock\" = 'hunter2'::text)"], ["  Filter: (\"o'clock\" = '…'::text)"]),
  ])
  func `a value stays hidden over line breaks, before a name's quotation mark, and if it looks like costs`(
    lines: [String], expected: [String]
  ) {
    #expect(SlowQueryExplainer.withoutValues(lines) == expected)
  }

  @Test func `the plan of a statement with a sensitive value hides all values, whatever the setting`() {
    let explainer = SlowQueryExplainer(threshold: .zero, showsValues: true, logger: .none)
    #expect(explainer.showsValues(of: "SELECT \(1)"))
    #expect(!explainer.showsValues(of: "SELECT \(1), \(Sensitive("hunter2"))"))
  }
}
