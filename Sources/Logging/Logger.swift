/// Writes structured log entries: a constant message, a level, and data as key-value metadata.
///
/// A logger is a value. Copies made by ``with(_:_:)`` carry further metadata and share the level and the output, so
/// that ``levelControl`` raises or lowers them all at once, while the process runs.
///
/// ## Usage
///
/// ```swift
/// let logger = Logger(label: "shop", level: .info).with("module", "orders")
/// logger.info("order placed", ["id": 42, "total": 19.9])
/// // 2026-01-31T12:00:00.000Z INFO     shop: order placed module=orders id=42 total=19.9
/// ```
///
/// Neither the message nor the metadata is evaluated when the level is off, so both may be costly to make.
public struct Logger: Sendable {
  /// What the entries are about, such as `keel.pool`.
  public let label: String
  /// The level shared by this logger and every copy made from it.
  public let levelControl: LogLevelControl
  /// What this logger adds to each entry.
  public private(set) var metadata: LogMetadata
  private let output: any LogOutput

  /// Makes a logger.
  ///
  /// - Parameters:
  ///   - label: What the entries are about, such as the name of the application.
  ///   - level: Entries below this level are dropped. Adjustable later through ``levelControl``.
  ///   - output: Where entries go.
  public init(label: String, level: Level = .info, output: some LogOutput = StandardErrorOutput(format: .text)) {
    self.init(label: label, levelControl: LogLevelControl(level), metadata: [:], output: output)
  }

  /// Makes a logger whose level is controlled from elsewhere.
  public init(label: String, levelControl: LogLevelControl, output: some LogOutput) {
    self.init(label: label, levelControl: levelControl, metadata: [:], output: output)
  }

  private init(label: String, levelControl: LogLevelControl, metadata: LogMetadata, output: any LogOutput) {
    self.label = label
    self.levelControl = levelControl
    self.metadata = metadata
    self.output = output
  }

  /// A logger that drops everything and cannot be turned on: the default argument of libraries.
  public static let none = Logger(label: "", levelControl: .alwaysOff, metadata: [:], output: DiscardingLogOutput())

  /// Returns a logger that adds one pair to each entry, replacing the value of an existing key.
  public func with(_ key: String, _ value: LogValue) -> Logger {
    var copy = self
    copy.metadata[key] = value
    return copy
  }

  /// Returns a logger that adds these pairs to each entry, replacing the values of existing keys.
  public func with(_ metadata: LogMetadata) -> Logger {
    var copy = self
    copy.metadata.merge(metadata)
    return copy
  }

  /// Returns a logger with another label that shares level, output and metadata.
  public func labelled(_ label: String) -> Logger {
    Logger(label: label, levelControl: levelControl, metadata: metadata, output: output)
  }

  /// Whether an entry of this level would be written now.
  public func isEnabled(_ level: Level) -> Bool {
    levelControl.allows(level)
  }

  /// Writes an entry at a level chosen at run time.
  public func log(
    _ level: Level, _ message: @autoclosure () -> String, _ metadata: @autoclosure () -> LogMetadata = [:]
  ) {
    guard levelControl.allows(level) else { return }
    var all = self.metadata
    all.merge(metadata())
    output.write(LogEntry(timestamp: .now(), level: level, label: label, message: message(), metadata: all))
  }
}

extension Logger {
  /// Writes an entry of the finest detail, for following one value through the code.
  public func trace(_ message: @autoclosure () -> String, _ metadata: @autoclosure () -> LogMetadata = [:]) {
    log(.trace, message(), metadata())
  }

  /// Writes an entry that helps somebody who develops or debugs.
  public func debug(_ message: @autoclosure () -> String, _ metadata: @autoclosure () -> LogMetadata = [:]) {
    log(.debug, message(), metadata())
  }

  /// Writes an entry about ordinary operation.
  public func info(_ message: @autoclosure () -> String, _ metadata: @autoclosure () -> LogMetadata = [:]) {
    log(.info, message(), metadata())
  }

  /// Writes an entry about something ordinary that an operator should see.
  public func notice(_ message: @autoclosure () -> String, _ metadata: @autoclosure () -> LogMetadata = [:]) {
    log(.notice, message(), metadata())
  }

  /// Writes an entry about something that went wrong and was dealt with.
  public func warning(_ message: @autoclosure () -> String, _ metadata: @autoclosure () -> LogMetadata = [:]) {
    log(.warning, message(), metadata())
  }

  /// Writes an entry about an operation that failed.
  public func error(_ message: @autoclosure () -> String, _ metadata: @autoclosure () -> LogMetadata = [:]) {
    log(.error, message(), metadata())
  }

  /// Writes an entry about a failure that needs a human at once.
  public func critical(_ message: @autoclosure () -> String, _ metadata: @autoclosure () -> LogMetadata = [:]) {
    log(.critical, message(), metadata())
  }
}
