internal import CLibpq

/// Owns a `PGcancel`.
///
/// Unchecked: a `PGcancel` is a copy of address, process and key that never changes; libpq allows its use from any thread.
final class CancelHandle: @unchecked Sendable {
  private let handle: OpaquePointer

  init(_ handle: OpaquePointer) { self.handle = handle }

  deinit { PQfreeCancel(handle) }

  /// Asks the server to cancel what the connection runs, over a connection of its own. Blocks until the server has
  /// passed the request on: call it on a thread that may.
  func send() {
    var message = [CChar](repeating: 0, count: 256)
    // A failure changes nothing for the caller: the query goes on, and the request is repeated while it does.
    _ = PQcancel(handle, &message, Int32(message.count))
  }
}
