import Synchronization

/// The level of a family of loggers, adjustable while the process runs.
///
/// A change is seen by every logger that shares the control, at its next entry, on every thread.
public final class LogLevelControl: Sendable {
  private static let off = UInt8.max

  private let threshold: Atomic<UInt8>
  private let isFixed: Bool

  /// Makes a control that lets entries of this level and above pass.
  public convenience init(_ level: Logger.Level) {
    self.init(threshold: level.severity, isFixed: false)
  }

  private init(threshold: UInt8, isFixed: Bool) {
    self.threshold = Atomic(threshold)
    self.isFixed = isFixed
  }

  /// Lets nothing pass, whatever is set: a library's silent default must stay silent for everyone who shares it.
  static let alwaysOff = LogLevelControl(threshold: off, isFixed: true)

  /// The lowest level that passes, or nil when everything is dropped.
  public var level: Logger.Level? {
    Logger.Level(severity: threshold.load(ordering: .relaxed))
  }

  /// Lets entries of this level and above pass from now on; nil drops everything.
  public func set(_ level: Logger.Level?) {
    guard !isFixed else { return }
    threshold.store(level?.severity ?? Self.off, ordering: .relaxed)
  }

  func allows(_ level: Logger.Level) -> Bool {
    level.severity >= threshold.load(ordering: .relaxed)
  }
}
