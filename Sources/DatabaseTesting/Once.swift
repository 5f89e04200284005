internal import Synchronization

/// A value that the first to ask has made and that all others share; so is the error when it cannot be made.
///
/// Made in a task of its own: the cancellation of one who asks must not take it from the others.
final class Once<Value: Sendable>: Sendable {
  private let task = Mutex<Task<Value, any Error>?>(nil)
  private let make: @Sendable () async throws -> Value

  init(_ make: @escaping @Sendable () async throws -> Value) { self.make = make }

  func value() async throws -> Value {
    let task = task.withLock { task in
      if let task { return task }
      let new = Task.detached { [make] in try await make() }
      task = new
      return new
    }
    return try await task.value
  }
}
