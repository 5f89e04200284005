/// Writes entries as lines that a human reads.
struct TextLogFormatter {
  let usesColor: Bool

  func line(for entry: LogEntry) -> [UInt8] {
    var line = LineBuffer()
    style("\u{1b}[2m", &line)
    entry.timestamp.append(to: &line)
    style("\u{1b}[0m", &line)
    line.append(" ")
    style(entry.level.color, &line)
    line.append(entry.level.column)
    style("\u{1b}[0m", &line)
    line.append(" ")
    if !entry.label.isEmpty {
      line.append(escaped: entry.label, quotes: false)
      line.append(": ")
    }
    line.append(escaped: entry.message, quotes: false)
    append(entry.metadata, prefix: "", to: &line)
    line.append("\n")
    return line.bytes
  }

  private func append(_ metadata: LogMetadata, prefix: String, to line: inout LineBuffer) {
    for (key, value) in metadata {
      let path = prefix.isEmpty ? key : "\(prefix).\(key)"
      if case .dictionary(let inner) = value, !inner.isEmpty {
        append(inner, prefix: path, to: &line)
        continue
      }
      line.append(" ")
      style("\u{1b}[36m", &line)
      Self.append(word: path, to: &line)
      style("\u{1b}[0m", &line)
      line.append("=")
      Self.append(value, to: &line)
    }
  }

  private func style(_ code: StaticString, _ line: inout LineBuffer) {
    if usesColor { line.append(code) }
  }

  static func append(_ value: LogValue, to line: inout LineBuffer) {
    switch value {
    case .string(let text): append(word: text, to: &line)
    case .integer(let number): line.append(utf8: String(number))
    case .double(let number): line.append(utf8: number.description)
    case .bool(let flag): line.append(flag ? "true" : "false")
    case .duration(let duration): line.append(utf8: duration.logText)
    case .array(let values):
      line.append("[")
      for (index, element) in values.enumerated() {
        if index > 0 { line.append(",") }
        append(element, to: &line)
      }
      line.append("]")
    case .dictionary(let pairs):
      line.append("{")
      for (index, pair) in pairs.enumerated() {
        if index > 0 { line.append(",") }
        append(word: pair.key, to: &line)
        line.append("=")
        append(pair.value, to: &line)
      }
      line.append("}")
    }
  }

  /// Adds text as it is when it reads as one word, else quoted.
  private static func append(word text: String, to line: inout LineBuffer) {
    if !text.isEmpty, text.utf8.allSatisfy(\.isPlain) {
      line.append(utf8: text)
    } else {
      line.append("\"")
      line.append(escaped: text, quotes: true)
      line.append("\"")
    }
  }
}

extension UInt8 {
  /// Whether the byte may stand in an unquoted value. 0xC2 and 0xE2 may begin a control and are left to the escaper.
  fileprivate var isPlain: Bool {
    switch self {
    case 0...0x20, 0x7F, 0xC2, 0xE2: false
    case UInt8(ascii: "\""), UInt8(ascii: "="), UInt8(ascii: "\\"), UInt8(ascii: ","): false
    case UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}"): false
    default: true
    }
  }
}

extension Logger.Level {
  /// The name in capitals, all of one width.
  fileprivate var column: StaticString {
    switch self {
    case .trace: "TRACE   "
    case .debug: "DEBUG   "
    case .info: "INFO    "
    case .notice: "NOTICE  "
    case .warning: "WARNING "
    case .error: "ERROR   "
    case .critical: "CRITICAL"
    }
  }

  fileprivate var color: StaticString {
    switch self {
    case .trace, .debug: "\u{1b}[2m"
    case .info: "\u{1b}[32m"
    case .notice: "\u{1b}[34m"
    case .warning: "\u{1b}[33m"
    case .error, .critical: "\u{1b}[1;31m"
    }
  }
}
