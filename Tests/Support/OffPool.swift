internal import Glibc

/// Runs something that blocks on a thread of its own, off the cooperative pool.
public func offPool<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
  try await withCheckedThrowingContinuation { continuation in
    let box = Unmanaged.passRetained(ThreadBody { continuation.resume(with: Swift.Result { try body() }) })
    var thread = pthread_t()
    let status = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, box.toOpaque())
    if status == 0 {
      pthread_detach(thread)
    } else {
      box.release()
      continuation.resume(throwing: NoThread(status: status))
    }
  }
}

private struct NoThread: Error {
  let status: Int32
}

private final class ThreadBody: Sendable {
  let run: @Sendable () -> Void
  init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}
