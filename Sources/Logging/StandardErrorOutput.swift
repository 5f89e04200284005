#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Writes entries to standard error, a line each.
///
/// Lines of several threads, and of several outputs, never mix. Text is coloured when standard error is a terminal
/// and the environment has no `NO_COLOR`.
public struct StandardErrorOutput: LogOutput {
  private let output: DescriptorLogOutput

  /// Makes an output in a format.
  public init(format: LogFormat) {
    output = DescriptorLogOutput(
      writer: .standardError, format: format, usesColor: Self.terminalWantsColor(STDERR_FILENO))
  }

  /// Writes the entry as one line.
  public func write(_ entry: LogEntry) {
    output.write(entry)
  }

  /// How many lines of the process standard error did not take, in whole or in part.
  public static var droppedLines: Int { LineWriter.standardError.droppedLines }

  /// Writes text for people between the log's lines. What a full or broken standard error does not take is lost.
  package static func write(_ text: String) { LineWriter.standardError.write(Array(text.utf8)) }

  private static func terminalWantsColor(_ descriptor: Int32) -> Bool {
    guard isatty(descriptor) == 1 else { return false }
    if let noColor = getenv("NO_COLOR"), noColor.pointee != 0 { return false }
    guard let terminal = getenv("TERM") else { return false }
    return strcmp(terminal, "dumb") != 0
  }
}
