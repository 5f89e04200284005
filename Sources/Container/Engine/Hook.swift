/// Work at start and work at stop that belong together.
///
/// Append one to an injected ``Lifecycle``; ``Provide/onStart(timeout:_:file:line:)`` and
/// ``Provide/onStop(timeout:_:file:line:)`` make them too. The stop half runs only if the start half (if any) succeeded.
public struct Hook: Sendable {
  /// The work of one half.
  public typealias Action = @Sendable () async throws -> Void

  /// What the hook is called in events and errors, beside the value it belongs to.
  public var name: String?

  /// Runs at start, after everything the value depends on has started.
  public var onStart: Action?

  /// Runs at stop, after everything that depends on the value has stopped.
  public var onStop: Action?

  /// How long the start half may take; `nil` for the app's default.
  public var startTimeout: Duration?

  /// How long the stop half may take; `nil` for the app's default.
  public var stopTimeout: Duration?

  var startSite: Site?
  var stopSite: Site?

  /// A hook of two halves, either of which may be missing.
  public init(
    _ name: String? = nil, startTimeout: Duration? = nil, stopTimeout: Duration? = nil, onStart: Action? = nil,
    onStop: Action? = nil, file: StaticString = #fileID, line: UInt = #line
  ) {
    self.name = name
    self.onStart = onStart
    self.onStop = onStop
    self.startTimeout = startTimeout
    self.stopTimeout = stopTimeout
    startSite = Site(fileID: file, line: line)
    stopSite = startSite
  }
}

extension [Hook] {
  /// Those to be stopped when the start half at `index` has failed: the ones before it, and stop halves that stand alone.
  func toStop(afterFailureOf index: Int) -> [Hook] {
    prefix(index) + dropFirst(index + 1).filter { $0.onStart == nil }
  }
}
