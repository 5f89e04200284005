import Testing

@testable import Postgres

@Suite struct TransactionRetryTests {
  private var conflict: PostgresError {
    PostgresError(server: ServerMessage(severity: "ERROR", sqlState: "40001", message: "lost"))
  }

  @Test func `pauses grow, differ, and stay below half a second`() throws {
    for attempt in 1..<10 {
      let base = Duration.milliseconds(5) * (1 << min(attempt, 6))
      for _ in 0..<100 {
        let pause = try #require(TransactionRetry.serialization.pause(after: attempt, conflict))
        #expect(pause >= base / 2 && pause <= base * 3 / 2 && pause < .milliseconds(500))
      }
    }
    #expect(TransactionRetry.serialization.pause(after: 10, conflict) == nil)
    #expect(TransactionRetry.never.pause(after: 1, conflict) == nil)
    #expect(TransactionRetry.serialization.pause(after: 1, CancellationError()) == nil)
  }
}
