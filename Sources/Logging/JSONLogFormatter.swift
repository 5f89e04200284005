/// Writes entries as JSON, one object a line.
struct JSONLogFormatter {
  func line(for entry: LogEntry) -> [UInt8] {
    var line = LineBuffer()
    line.append("{\"time\":\"")
    entry.timestamp.append(to: &line)
    line.append("\",\"level\":")
    append(entry.level.rawValue, to: &line)
    line.append(",\"label\":")
    append(entry.label, to: &line)
    line.append(",\"message\":")
    append(entry.message, to: &line)
    for (key, value) in entry.metadata {
      line.append(",")
      // The four fixed members keep their meaning: a pair of the same name moves aside.
      switch Self.name(key, value) {
      case "time", "level", "label", "message": append("metadata.\(key)", to: &line)
      case let name: append(name, to: &line)
      }
      line.append(":")
      append(value, to: &line)
    }
    line.append("}\n")
    return line.bytes
  }

  /// A number says its unit: a duration under `took` is `took_seconds`.
  private static func name(_ key: String, _ value: LogValue) -> String {
    guard case .duration = value, !key.hasSuffix("_seconds") else { return key }
    return key + "_seconds"
  }

  private func append(_ value: LogValue, to line: inout LineBuffer) {
    switch value {
    case .string(let text): append(text, to: &line)
    case .integer(let number): line.append(utf8: String(number))
    case .double(let number) where number.isFinite: line.append(utf8: number.description)
    case .double(let number): append(number.description, to: &line)
    case .bool(let flag): line.append(flag ? "true" : "false")
    case .duration(let duration): line.append(utf8: duration.secondsText)
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
        append(Self.name(pair.key, pair.value), to: &line)
        line.append(":")
        append(pair.value, to: &line)
      }
      line.append("}")
    }
  }

  private func append(_ text: String, to line: inout LineBuffer) {
    line.append("\"")
    line.append(escaped: text, quotes: true)
    line.append("\"")
  }
}
