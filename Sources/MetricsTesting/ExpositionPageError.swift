/// A line that breaks the exposition format.
public struct ExpositionPageError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The line, from 1.
  public let line: Int
  /// What is wrong with it.
  public let message: String

  /// `line 3: …`.
  public var description: String { "line \(line): \(message)" }
}
