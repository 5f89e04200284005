internal import Dispatch
internal import Synchronization

/// Runs `body` on a thread that may block: libpq connects and cancels in the caller's thread.
///
/// Each call has a serial queue of its own, which has a thread at once. Those of a concurrent queue share as many as
/// there are cores until they have blocked for a second, and a cancel would wait behind connects to a dead server.
func onBlockingThread(_ body: @escaping @Sendable () -> Void) {
  DispatchQueue(label: "keel.postgres.blocking").async(execute: body)
}

/// Runs `body` on a thread that may block, and returns what it does. It is asked to give up when the task is cancelled.
func offLoop<Result: Sendable>(
  _ body: @escaping @Sendable (_ isCancelled: () -> Bool) throws(PostgresError) -> Result
) async throws -> Result {
  let isCancelled = CancellationFlag()
  return try await withTaskCancellationHandler {
    try await withCheckedThrowingContinuation { continuation in
      onBlockingThread {
        do throws(PostgresError) {
          continuation.resume(returning: try body { isCancelled.isSet })
        } catch {
          continuation.resume(throwing: error.code == .cancelled ? CancellationError() : error)
        }
      }
    }
  } onCancel: {
    isCancelled.set()
  }
}

private final class CancellationFlag: Sendable {
  private let flag = Atomic(false)
  var isSet: Bool { flag.load(ordering: .relaxed) }
  func set() { flag.store(true, ordering: .relaxed) }
}
