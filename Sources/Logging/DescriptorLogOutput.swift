/// Writes entries to an open file descriptor, a line each.
///
/// A descriptor that is full or broken costs lines, which ``droppedLines`` counts, and never the process: a broken pipe
/// raises no signal here, and a full one is waited for a tenth of a second at most, once until it takes something again.
public struct DescriptorLogOutput: LogOutput {
  private let writer: LineWriter
  private let format: LogFormat
  private let text: TextLogFormatter

  /// Makes an output.
  ///
  /// - Parameters:
  ///   - descriptor: Open for as long as the output is used; not closed by it.
  ///   - format: How entries are written.
  ///   - usesColor: Whether the text format marks levels and keys with terminal colours.
  public init(descriptor: Int32, format: LogFormat, usesColor: Bool = false) {
    self.init(writer: LineWriter(descriptor: descriptor), format: format, usesColor: usesColor)
  }

  init(writer: LineWriter, format: LogFormat, usesColor: Bool) {
    self.writer = writer
    self.format = format
    text = TextLogFormatter(usesColor: usesColor)
  }

  /// How many lines could not be written, in whole or in part.
  public var droppedLines: Int {
    writer.droppedLines
  }

  /// Writes the entry as one line.
  public func write(_ entry: LogEntry) {
    switch format {
    case .text: writer.write(text.line(for: entry))
    case .json: writer.write(JSONLogFormatter().line(for: entry))
    }
  }
}
