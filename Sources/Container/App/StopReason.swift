/// Why an app stopped.
public enum StopReason: Sendable, Hashable, CustomStringConvertible {
  /// ``App/stop()``, ``App/requestStop(_:)`` or ``AppControl/requestStop(_:)`` was called, with this to say.
  case requested(String?)
  /// The process was sent a signal.
  case signal(Int32)
  /// The task that ran the app was cancelled.
  case cancelled
  /// The start failed.
  case startFailed
  /// A ``Run`` failed, or ended and was said to end the app; its name.
  case runEnded(String)

  /// A few words.
  public var description: String {
    switch self {
    case .requested(let why): why.map { "requested: \($0)" } ?? "requested"
    case .signal(let number): "signal \(SignalName.of(number))"
    case .cancelled: "cancelled"
    case .startFailed: "start failed"
    case .runEnded(let name): "\(name) ended"
    }
  }
}
