internal import MonotonicTime
internal import Postgres
internal import Synchronization

/// The queries that run now: a tracer that finds those that run for long, each once.
final class RunningQueries: QueryTracer {
  private struct Entry {
    let trace: QueryTrace
    var isReported = false
  }

  private let patience: Duration
  private let entries = Mutex<[QueryTrace.ID: Entry]>([:])

  /// - Parameter patience: A query that runs for as long is to be reported.
  init(patience: Duration) { self.patience = patience }

  func record(_ event: TraceEvent) {
    switch event {
    case .queryStarted(let trace):
      entries.withLock { $0[trace.id] = Entry(trace: trace) }
    case .queryEnded(let trace, _, _):
      // What it held is let go of outside the lock.
      _ = entries.withLock { $0.removeValue(forKey: trace.id) }
    case .statementFailed, .connectEnded, .acquireEnded, .released, .prepared: break
    }
  }

  /// Those that have become long since this was asked last, the longest first.
  func newlyLong(_ now: MonotonicInstant) -> [(trace: QueryTrace, elapsed: Duration)] {
    entries.withLock { entries in
      let long = entries.values.filter { !$0.isReported && now - $0.trace.start >= patience }.map(\.trace)
      for trace in long { entries[trace.id]?.isReported = true }
      return long.sorted { $0.start < $1.start }.map { ($0, now - $0.start) }
    }
  }

  var count: Int { entries.withLock { $0.count } }
}
