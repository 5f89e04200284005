extension Logger {
  /// How much an entry matters; each level includes those after it.
  public enum Level: String, Sendable, CaseIterable, Comparable, Codable {
    /// The finest detail.
    case trace
    /// For somebody who develops or debugs.
    case debug
    /// Ordinary operation.
    case info
    /// Ordinary, yet an operator should see it.
    case notice
    /// Something went wrong and was dealt with.
    case warning
    /// An operation failed.
    case error
    /// A human is needed at once.
    case critical

    /// The position in the order of levels, from 0.
    var severity: UInt8 {
      switch self {
      case .trace: 0
      case .debug: 1
      case .info: 2
      case .notice: 3
      case .warning: 4
      case .error: 5
      case .critical: 6
      }
    }

    init?(severity: UInt8) {
      switch severity {
      case 0: self = .trace
      case 1: self = .debug
      case 2: self = .info
      case 3: self = .notice
      case 4: self = .warning
      case 5: self = .error
      case 6: self = .critical
      default: return nil
      }
    }

    /// Orders levels by how much they matter: `trace` is the least.
    public static func < (left: Self, right: Self) -> Bool {
      left.severity < right.severity
    }
  }
}
