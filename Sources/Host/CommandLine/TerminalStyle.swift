internal import Glibc

/// How text looks where it goes: coloured on a terminal whose user wants it, else plain.
struct TerminalStyle: Sendable {
  enum Color: String {
    case red = "31"
    case green = "32"
    case yellow = "33"
    case dim = "2"
    case bold = "1"
  }

  let isColored: Bool

  /// For what is written to `descriptor`. `NO_COLOR` with any value turns colours off (no-color.org).
  static func of(_ descriptor: Int32) -> TerminalStyle {
    if let noColor = getenv("NO_COLOR"), noColor.pointee != 0 { return TerminalStyle(isColored: false) }
    return TerminalStyle(isColored: hasEscapes(descriptor))
  }

  /// Whether it is a terminal that does what control sequences say.
  static func hasEscapes(_ descriptor: Int32) -> Bool {
    guard isatty(descriptor) == 1, let terminal = getenv("TERM") else { return false }
    return strcmp(terminal, "dumb") != 0
  }

  func callAsFunction(_ text: String, _ color: Color) -> String {
    isColored ? "\u{1B}[\(color.rawValue)m\(text)\u{1B}[0m" : text
  }
}
