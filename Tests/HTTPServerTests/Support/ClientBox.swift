import Synchronization

/// Carries a client from one thread to the next; only one of them uses it at a time.
final class ClientBox: Sendable {
  private let client: Mutex<TestClient?>

  init(_ client: sending TestClient) { self.client = Mutex(client) }

  /// Does something with the client, unless it was let go of.
  @discardableResult
  func use<Result: Sendable>(_ body: (TestClient) throws -> Result) rethrows -> Result? {
    try client.withLock { client in if let client { try body(client) } else { nil } }
  }

  /// Lets go of the client, which closes its socket.
  func close() { client.withLock { $0 = nil } }
}
