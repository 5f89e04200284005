extension App {
  /// Starts the app, waits for its end, and stops it: for `main()`.
  ///
  /// SIGTERM and SIGINT end it gracefully, also during the start; the second signal ends the process at once, with 128 + its
  /// number. Before this is called they do what they do to any process: it ends, and nothing has started that had to be stopped.
  /// A failed `Run`, ``requestStop(_:)`` and cancelling the task end it too.
  ///
  /// - Parameters:
  ///   - onReady: Called once everything has started.
  ///   - beforeStop: Called when a running app is asked to stop from outside, by a signal or by cancelling the task, while
  ///     everything still runs: time to turn work away and finish what is under way. The stop waits for it. Not called
  ///     when the app stops by itself, for a `Run` has failed or ``requestStop(_:)`` was called.
  /// - Returns: Why the app stopped, when it did so in order.
  /// - Throws: What the start, a `Run` or the stop failed with.
  @discardableResult
  public func run(
    onReady: (@Sendable () async -> Void)? = nil, beforeStop: (@Sendable (StopReason) async -> Void)? = nil
  ) async throws(ContainerError) -> StopReason {
    let engine = engine
    let hadNotBegun = engine.current == .built
    let (wishes, wish) = AsyncStream.makeStream(of: StopReason?.self, bufferingPolicy: .bufferingOldest(1))
    let signals = SignalTrap.ending.subscribe { signal in
      if beforeStop != nil, engine.current == .running {
        wish.yield(.signal(signal))
      } else {
        engine.requestStop(.signal(signal))
      }
    }
    defer { signals.cancel() }
    do {
      try await engine.start()
    } catch {
      // Asked to stop while starting, and did: that is a good end unless the roll-back failed.
      if error.code == .startCancelled, error.related.isEmpty, let reason = engine.stopReason { return reason }
      // So it is when the signal came before the start had begun, and there was nothing to call off.
      if hadNotBegun, error.code == .invalidState, let reason = engine.stopReason, case .signal = reason {
        return reason
      }
      throw error
    }
    await onReady?()
    if let beforeStop, let reason = await engine.firstWish(wishes, wish) {
      await beforeStop(reason)
      engine.requestStop(reason)
    }
    await withTaskCancellationHandler {
      await engine.wait(for: .stop)
    } onCancel: {
      engine.requestStop(.cancelled)
    }
    try await engine.stopped()
    return engine.stopReason ?? .requested(nil)
  }
}

extension Engine {
  /// What somebody outside wishes, or nil once the app stops by itself.
  fileprivate func firstWish(
    _ wishes: AsyncStream<StopReason?>, _ wish: AsyncStream<StopReason?>.Continuation
  ) async -> StopReason? {
    let watching = Task {
      for await state in states() where state != .running { break }
      wish.yield(nil)
    }
    defer { watching.cancel() }
    for await reason in wishes { return reason }
    // The stream ends early for a task that is cancelled.
    return .cancelled
  }
}
