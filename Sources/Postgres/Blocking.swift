internal import Dispatch
internal import Synchronization

/// Threads that may block: libpq connects and cancels in the caller's thread.
let blockingQueue = DispatchQueue(label: "keel.postgres.blocking", attributes: .concurrent)

/// Runs `body` on a thread that may block. It is asked to give up when the task is cancelled.
func offLoop<Result: Sendable>(
  _ body: @escaping @Sendable (_ isCancelled: () -> Bool) throws(PostgresError) -> Result
) async throws -> Result {
  let isCancelled = CancellationFlag()
  return try await withTaskCancellationHandler {
    try await withCheckedThrowingContinuation { continuation in
      blockingQueue.async {
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
