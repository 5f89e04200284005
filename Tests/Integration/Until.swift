import Postgres
import ResourcePool
import Testing

/// Asks again and again until the condition holds; fails the test when it has not after a minute.
func until(_ condition: () async throws -> Bool, sourceLocation: SourceLocation = #_sourceLocation) async throws {
  let deadline = ContinuousClock.now.advanced(by: .seconds(60))
  while try await !condition() {
    try #require(ContinuousClock.now < deadline, "the condition did not come true", sourceLocation: sourceLocation)
    try await Task.sleep(for: .milliseconds(2))
  }
}

/// The error of what is given too little time. More and more of it while the pool had no connection by then: a busy machine
/// may take that long to make one.
func lateness(
  sourceLocation: SourceLocation = #_sourceLocation, _ body: (Duration) async throws -> Void
) async -> PostgresError? {
  var limit = Duration.milliseconds(50)
  while true {
    let error = await #expect(throws: (any Error).self, sourceLocation: sourceLocation) { try await body(limit) }
    guard (error as? PoolError)?.code == .acquireTimeout, limit < .seconds(60) else { return error as? PostgresError }
    limit *= 4
  }
}
