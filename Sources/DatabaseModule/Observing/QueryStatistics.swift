public import Postgres
internal import Synchronization

/// What queries have cost since the start, by name: a tracer that adds up.
///
/// A query without a name counts under its first word, such as `unnamed SELECT`. The first 500 names are kept apart, the
/// rest counts as `other`: names made of data must not grow without end.
public final class QueryStatistics: QueryTracer {
  /// The queries of one name.
  public struct Line: Sendable, Hashable {
    /// The name.
    public let name: String
    /// How many have ended.
    public internal(set) var count = 0
    /// How many of them failed.
    public internal(set) var failures = 0
    /// The time of all of them together.
    public internal(set) var total = Duration.zero
    /// The time of the longest.
    public internal(set) var longest = Duration.zero
    /// The rows they returned or changed.
    public internal(set) var rows = 0

    /// The time of one.
    public var mean: Duration { count == 0 ? .zero : total / count }

    init(_ name: String) { self.name = name }
  }

  private static let limit = 500

  private let lines = Mutex<[String: Line]>([:])

  /// Nothing has run yet.
  public init() {}

  /// Adds a query that has ended.
  public func record(_ event: TraceEvent) {
    guard case .queryEnded(let trace, let duration, let outcome) = event else { return }
    let name = trace.metricName
    lines.withLock { lines in
      let key = lines[name] != nil || lines.count < Self.limit ? name : "other"
      var line = lines[key] ?? Line(key)
      line.count += 1
      line.total += duration
      line.longest = max(line.longest, duration)
      switch outcome {
      case .success(let rows): line.rows += rows
      case .failure: line.failures += 1
      }
      lines[key] = line
    }
  }

  /// The names that took the most time altogether, the dearest first.
  public func dearest(_ count: Int) -> [Line] {
    Array(sorted { ($0.total, $1.name) > ($1.total, $0.name) }.prefix(count))
  }

  /// The names with the slowest queries on average, the slowest first.
  public func slowest(_ count: Int) -> [Line] {
    Array(sorted { ($0.mean, $1.name) > ($1.mean, $0.name) }.prefix(count))
  }

  private func sorted(_ areInOrder: (Line, Line) -> Bool) -> [Line] {
    lines.withLock { Array($0.values) }.sorted(by: areInOrder)
  }
}
