/// What went wrong with an app: what failed, on which element, what to do.
///
/// Compare by ``code``; show ``description`` to people. The errors of an invalid graph come all at once, in ``related``.
public struct ContainerError: Error, Sendable {
  /// What kind of error it is.
  public let code: Code

  /// What failed and on what, in one line.
  public let message: String

  /// Further lines: who asked, what is similar, what to do.
  public var details: [String]

  /// The element that the error is about.
  public var origin: Origin?

  /// The error that a constructor, a hook or a `Run` threw.
  public var cause: (any Error)?

  /// Errors that belong to this one: each fault of an invalid graph; all that failed beside the first, and in the roll-back.
  public var related: [ContainerError]

  init(
    _ code: Code, _ message: String, details: [String] = [], origin: Origin? = nil, cause: (any Error)? = nil,
    related: [ContainerError] = []
  ) {
    self.code = code
    self.message = message
    self.details = details
    self.origin = origin
    self.cause = cause
    self.related = related
  }

  /// Whether this error, or one that belongs to it, is of this kind.
  public func contains(_ code: Code) -> Bool {
    self.code == code || related.contains { $0.contains(code) }
  }
}

extension ContainerError: CustomStringConvertible {
  /// The whole error for a terminal: message, details, cause, and the errors that belong to it.
  public var description: String { lines.joined(separator: "\n") }

  private var lines: [String] {
    var lines = [message] + details.map { "  " + $0 }
    if let cause {
      let text = String(describing: cause).split(separator: "\n", omittingEmptySubsequences: false)
      lines.append("  cause: \(text.first ?? "")")
      lines += text.dropFirst().map { "    " + $0 }
    }
    for (index, error) in related.enumerated() {
      let number = "\(index + 1). "
      let margin = String(repeating: " ", count: number.count)
      lines += error.lines.enumerated().map { "  " + ($0.offset == 0 ? number : margin) + $0.element }
    }
    return lines
  }
}
