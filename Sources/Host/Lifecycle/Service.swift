internal import Container
internal import EventLoop
internal import Synchronization

/// The process as a service manager sees it. Does nothing where there is none.
final class Service: Sendable {
  private let notifier: ServiceNotifier?
  /// Between the start and the stop. A manager that hears of readiness at other times takes it for that of the start.
  private let isReady = Mutex(false)

  init(_ notifier: ServiceNotifier?) { self.notifier = notifier }

  func ready() {
    isReady.withLock { isReady in
      isReady = true
      notifier?.ready("ready")
    }
  }

  func stopping(_ reason: String) {
    isReady.withLock { isReady in
      isReady = false
      notifier?.stopping("stopping: \(reason)")
    }
  }

  func reload(_ reload: Reload) {
    isReady.withLock { isReady in if isReady { notifier?.reloading() } }
    reload.perform()
    isReady.withLock { isReady in if isReady { notifier?.ready("ready") } }
  }

  /// Says twice an interval that the process is alive. While the app runs that takes an answer of the event loop: one
  /// that hangs is what the watchdog is for.
  ///
  /// - Returns: What says so, until it is cancelled.
  func watch(_ app: App) -> Task<Void, Never>? {
    guard let notifier, let interval = notifier.watchdogInterval else { return nil }
    return Task {
      while (try? await Task.sleep(for: interval / 2)) != nil {
        if app.state == .running, let loop = try? await app.get(EventLoop.self) {
          await Task(executorPreference: loop) {}.value
        }
        notifier.alive()
      }
    }
  }
}
