extension App {
  /// Starts the app, waits for its end, and stops it: for `main()`.
  ///
  /// SIGTERM and SIGINT end it gracefully, also during the start; the second signal ends the process at once, with 128 + its
  /// number. A failed `Run`, ``requestStop(_:)`` and cancelling the task end it too.
  ///
  /// - Parameter onReady: Called once everything has started.
  /// - Returns: Why the app stopped, when it did so in order.
  /// - Throws: What the start, a `Run` or the stop failed with.
  @discardableResult
  public func run(onReady: (@Sendable () async -> Void)? = nil) async throws(ContainerError) -> StopReason {
    let engine = engine
    let signals = SignalTrap.shared.subscribe { engine.requestStop(.signal($0)) }
    defer { signals.cancel() }
    do {
      try await engine.start()
    } catch {
      // Asked to stop while starting, and did: that is a good end unless the roll-back failed.
      guard error.code == .startCancelled, error.related.isEmpty, let reason = engine.stopReason else { throw error }
      return reason
    }
    await onReady?()
    await withTaskCancellationHandler {
      await engine.wait(for: .stop)
    } onCancel: {
      engine.requestStop(.cancelled)
    }
    try await engine.stopped()
    return engine.stopReason ?? .requested(nil)
  }
}
