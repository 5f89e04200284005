import Synchronization

/// Carries a client from one thread to the next; only one of them uses it at a time.
final class ClientBox: Sendable {
  private let client: Mutex<TestClient?>

  init(_ client: sending TestClient) { self.client = Mutex(client) }

  /// Lets go of the client, which closes its socket.
  func close() { client.withLock { $0 = nil } }
}
