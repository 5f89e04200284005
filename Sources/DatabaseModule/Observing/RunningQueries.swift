internal import MonotonicTime
internal import Postgres
internal import Synchronization

/// The queries that run now: a tracer that finds those that run for long, each once.
final class RunningQueries: QueryTracer {
  /// Two queries of one connection do not begin at the same instant.
  private struct Key: Hashable {
    let processID: Int32
    let start: MonotonicInstant
  }

  private struct Entry {
    let trace: QueryTrace
    var isReported = false
  }

  private let patience: Duration
  private let entries = Mutex<[Key: Entry]>([:])

  /// - Parameter patience: A query that runs for as long is to be reported.
  init(patience: Duration) { self.patience = patience }

  func record(_ event: TraceEvent) {
    switch event {
    case .queryStarted(let trace):
      entries.withLock { $0[Key(processID: trace.processID, start: trace.start)] = Entry(trace: trace) }
    case .queryEnded(let trace, _, _):
      // What it held is let go of outside the lock.
      _ = entries.withLock { $0.removeValue(forKey: Key(processID: trace.processID, start: trace.start)) }
    case .connectEnded, .acquireEnded, .released, .prepared: break
    }
  }

  /// Those that have become long since this was asked last, the longest first.
  func newlyLong(_ now: MonotonicInstant) -> [(trace: QueryTrace, elapsed: Duration)] {
    entries.withLock { entries in
      entries.keys.filter { key in
        guard let entry = entries[key], !entry.isReported, now - key.start >= patience else { return false }
        entries[key]?.isReported = true
        return true
      }
      .sorted { $0.start < $1.start }
      .compactMap { key in entries[key].map { ($0.trace, now - key.start) } }
    }
  }

  var count: Int { entries.withLock { $0.count } }
}
