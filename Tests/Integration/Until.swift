import Testing

/// Asks again and again until the condition holds; fails the test when it has not after a minute.
func until(_ condition: () async throws -> Bool, sourceLocation: SourceLocation = #_sourceLocation) async throws {
  let deadline = ContinuousClock.now.advanced(by: .seconds(60))
  while try await !condition() {
    try #require(ContinuousClock.now < deadline, "the condition did not come true", sourceLocation: sourceLocation)
    try await Task.sleep(for: .milliseconds(2))
  }
}
