/// Where an app is in its life.
public enum AppState: String, Sendable, Hashable, CaseIterable {
  /// Composed; nothing has run.
  case built
  /// Building and starting values.
  case starting
  /// Everything has started.
  case running
  /// Stopping, or rolling back a start that failed or was cancelled.
  case stopping
  /// Everything that had started has stopped. An app does not start twice.
  case stopped
}
