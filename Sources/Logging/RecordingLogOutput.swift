import Synchronization

/// Keeps entries in memory, for tests.
///
/// ```swift
/// let recording = RecordingLogOutput()
/// let logger = Logger(label: "test", level: .trace, output: recording)
/// …
/// #expect(recording.messages == ["order placed"])
/// ```
public final class RecordingLogOutput: LogOutput {
  private let recorded = Mutex<[LogEntry]>([])

  /// Makes an output without entries.
  public init() {}

  /// Keeps the entry.
  public func write(_ entry: LogEntry) {
    recorded.withLock { $0.append(entry) }
  }

  /// What was logged, in order.
  public var entries: [LogEntry] {
    recorded.withLock { $0 }
  }

  /// The messages of what was logged, in order.
  public var messages: [String] {
    entries.map(\.message)
  }

  /// The first entry with this message, if any.
  public func entry(_ message: String) -> LogEntry? {
    recorded.withLock { entries in entries.first { $0.message == message } }
  }

  /// Forgets all entries.
  public func clear() {
    recorded.withLock { $0.removeAll() }
  }
}
