/// What ``App/validate()`` found that is worth knowing though nothing is wrong.
public struct ValidationReport: Sendable, CustomStringConvertible {
  /// Providers that no `Invoke`, `Run` or eager provider reaches, and that are therefore not built.
  public let unused: [Origin]

  /// Further remarks, one line each.
  public let notes: [String]

  /// One line for each.
  public var description: String {
    (unused.map { "unused: \($0)" } + notes).joined(separator: "\n")
  }
}
