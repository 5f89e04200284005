/// One thing that happened, as an output receives it.
public struct LogEntry: Sendable, Hashable {
  /// When it happened.
  public var timestamp: LogTimestamp
  /// How much it matters.
  public var level: Logger.Level
  /// The label of the logger.
  public var label: String
  /// What happened, constant text.
  public var message: String
  /// The data: the logger's pairs, then those of the call.
  public var metadata: LogMetadata

  /// Makes an entry.
  public init(
    timestamp: LogTimestamp, level: Logger.Level, label: String, message: String, metadata: LogMetadata = [:]
  ) {
    self.timestamp = timestamp
    self.level = level
    self.label = label
    self.message = message
    self.metadata = metadata
  }
}
