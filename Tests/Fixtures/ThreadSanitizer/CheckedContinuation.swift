// Where a continuation is resumed before its task has suspended, the runtime, which is not instrumented, lets the task go on without
// a word to the thread sanitizer, and all that was written before the resume is taken for a race. This takes the continuation's place
// in the copy of the package that `scripts/check-tsan` builds, and passes through a lock on both sides.
import Synchronization

struct CheckedContinuation<T, E: Error>: Sendable {
  fileprivate final class Order: Sendable {
    private let lock = Mutex(())
    func pass() { lock.withLock { _ in } }
  }

  fileprivate let continuation: _Concurrency.CheckedContinuation<T, E>
  fileprivate let order: Order

  func resume(returning value: sending T) {
    order.pass()
    continuation.resume(returning: value)
  }

  func resume(throwing error: E) {
    order.pass()
    continuation.resume(throwing: error)
  }

  func resume() where T == Void { resume(returning: ()) }

  func resume<Failure: Error>(with result: sending Result<T, Failure>) where E == any Error {
    switch result {
    case .success(let value): resume(returning: value)
    case .failure(let error): resume(throwing: error)
    }
  }
}

func withCheckedContinuation<T>(
  isolation: isolated (any Actor)? = #isolation, _ body: (CheckedContinuation<T, Never>) -> Void
) async -> sending T {
  let order = CheckedContinuation<T, Never>.Order()
  defer { order.pass() }
  return await _Concurrency.withCheckedContinuation { body(CheckedContinuation(continuation: $0, order: order)) }
}

func withCheckedThrowingContinuation<T>(
  isolation: isolated (any Actor)? = #isolation, _ body: (CheckedContinuation<T, any Error>) -> Void
) async throws -> sending T {
  let order = CheckedContinuation<T, any Error>.Order()
  defer { order.pass() }
  return try await _Concurrency.withCheckedThrowingContinuation {
    body(CheckedContinuation(continuation: $0, order: order))
  }
}
