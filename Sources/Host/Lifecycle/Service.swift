internal import Container
internal import EventLoop

/// The process as a service manager sees it. Does nothing where there is none.
struct Service: Sendable {
  private let notifier: ServiceNotifier?

  init(_ notifier: ServiceNotifier?) { self.notifier = notifier }

  func ready() { notifier?.ready("ready") }

  func stopping(_ reason: String) { notifier?.stopping("stopping: \(reason)") }

  func reload(_ reload: Reload) {
    notifier?.reloading()
    reload.perform()
    notifier?.ready("ready")
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
