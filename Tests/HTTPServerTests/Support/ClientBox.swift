import Synchronization

/// Carries a client from one thread to the next; only one of them uses it at a time.
final class ClientBox: Sendable {
  private let client: Mutex<TestClient?>

  init(_ client: sending TestClient) { self.client = Mutex(client) }

  /// Does something with the client, unless it was let go of.
  func use(_ body: (TestClient) -> Void) {
    client.withLock { client in if let client { body(client) } }
  }

  /// Lets go of the client, which closes its socket.
  func close() { client.withLock { $0 = nil } }
}
