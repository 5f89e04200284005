/// Runs `body`, and cancels it when it takes longer.
///
/// - Throws: ``PostgresError`` of code ``PostgresError/Code/timedOut``, or what `body` throws.
func withTimeout(_ timeout: Duration, _ body: @escaping @Sendable () async throws -> Void) async throws {
  try await withThrowingTaskGroup(of: Bool.self) { group in
    group.addTask {
      try await body()
      return true
    }
    group.addTask {
      try await Task.sleep(for: timeout)
      return false
    }
    defer { group.cancelAll() }
    guard try await group.next() == true else {
      throw PostgresError(.timedOut, "no answer from the server within \(timeout)")
    }
  }
}
