import Synchronization

/// Tells a ``Run`` that the app is stopping, before its task is cancelled: ask for it as a parameter.
public final class ShutdownSignal: Sendable {
  private struct State {
    var isRequested = false
    var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    var nextID = 0
  }

  private let state = Mutex(State())
  private let clock: AppClock

  init(_ clock: AppClock) { self.clock = clock }

  /// Whether the app is stopping.
  public var isRequested: Bool { state.withLock { $0.isRequested } }

  /// Waits until the app is stopping, or the task is cancelled.
  public func wait() async {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        // A cancellation that came before is seen here, one that comes later finds the waiter.
        let isOver = state.withLock { state in
          if state.isRequested || Task.isCancelled { return true }
          state.waiters[id] = continuation
          return false
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
    }
  }

  /// Pauses for so long, or until the app is stopping: what a loop does between its rounds.
  ///
  /// ```swift
  /// while !shutdown.isRequested {
  ///   try await queue.handleAll()
  ///   try await shutdown.sleep(for: .seconds(30))
  /// }
  /// ```
  ///
  /// `Task.sleep` in its place would last until the ``Run/grace(_:)`` is over and the task is cancelled.
  ///
  /// - Throws: `CancellationError` if the task is cancelled.
  public func sleep(for duration: Duration) async throws {
    await withTaskGroup { [clock] group in
      group.addTask { try? await clock.sleep(clock.now() + duration) }
      group.addTask { await self.wait() }
      await group.next()
      group.cancelAll()
    }
    try Task.checkCancellation()
  }

  func raise() {
    let waiters = state.withLock { state in
      state.isRequested = true
      defer { state.waiters = [:] }
      return state.waiters.values.map { $0 }
    }
    for waiter in waiters { waiter.resume() }
  }
}

extension ShutdownSignal: Injectable {
  static var requirement: Requirement { Requirement(key: Key(ShutdownSignal.self), access: .shutdownSignal) }

  static func inject(_ injector: Injector, _ index: Int) throws -> ShutdownSignal { injector.engine.shutdownSignal }
}
