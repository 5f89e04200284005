internal import MonotonicTime
internal import Postgres
internal import ResourcePool
internal import StructuredLogging

/// Looks at the database every second: for queries that run long, and for tasks that wait for connections.
struct DatabaseWatch: Sendable {
  let running: RunningQueries
  let tracer: SlowQueryTracer
  let logger: Logger

  /// How many holders are named in a log line.
  private static let namedHolders = 5

  /// Until cancelled.
  ///
  /// - Parameter interval: How long between two looks.
  func run(_ pool: PostgresPool, interval: Duration) async throws {
    var watch = PoolWatch()
    while true {
      try await Task.sleep(for: interval)
      for (trace, elapsed) in running.newlyLong(.now) { tracer.reportRunning(trace, for: elapsed) }
      let stat = pool.stat()
      let isOut = pool.outage != nil
      if let change = watch.look(
        waiting: stat.waiting, givenUp: stat.canceledAcquireCount, isOut: isOut, at: .now)
      {
        tell(change, stat, pool.holders())
      }
    }
  }

  func tell(_ change: PoolWatch.Change, _ stat: PoolStatistics, _ holders: [LeaseHolder]) {
    switch change {
    case .starved(let waiting, let givenUp):
      logger.warning(
        "tasks wait for connections",
        [
          "waiting": .integer(waiting), "given_up": .integer(givenUp), "in_use": .integer(stat.acquired),
          "max": .integer(stat.max),
          "held_by": .array(holders.prefix(Self.namedHolders).map { .string("\($0)") }),
        ])
    case .recovered(let time): logger.notice("no task waits for a connection any more", ["after": .duration(time)])
    }
  }
}
