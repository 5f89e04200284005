/// What all checks answered.
public struct HealthReport: Sendable {
  /// What one check answered.
  public struct Entry: Sendable {
    /// What was checked.
    public let name: String
    /// Whether the process is unready while the check fails.
    public let isCritical: Bool
    /// What is wrong; nil when nothing is.
    public let failure: String?
    /// How long the answer took.
    public let duration: Duration
  }

  /// The checks' answers, in the order of the checks.
  public let entries: [Entry]
  /// Why the process is unready whatever the checks say: it starts or stops.
  public let obstacle: String?

  /// Whether the process can do its work.
  public var isReady: Bool { obstacle == nil && entries.allSatisfy { $0.failure == nil || !$0.isCritical } }

  /// For machines:
  /// `{"status":"unready","checks":{"database":{"status":"failing","error":"…","critical":true,"duration_ms":1.5}}}`
  public var json: String {
    var members = ["\"status\":\(quoted(isReady ? "ready" : "unready"))"]
    if let obstacle { members.append("\"reason\":\(quoted(obstacle))") }
    let checks = entries.map { entry in
      var parts = ["\"status\":\(quoted(entry.failure == nil ? "ok" : "failing"))"]
      if let failure = entry.failure { parts.append("\"error\":\(quoted(failure))") }
      parts.append("\"critical\":\(entry.isCritical)")
      parts.append("\"duration_ms\":\((entry.duration / .microseconds(1)).rounded() / 1000)")
      return "\(quoted(entry.name)):{\(parts.joined(separator: ","))}"
    }
    members.append("\"checks\":{\(checks.joined(separator: ","))}")
    return "{\(members.joined(separator: ","))}"
  }

  private func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      case "\n": result += "\\n"
      case "\u{0}"..<" ": result += "\\u" + String(scalar.value + 0x10000, radix: 16).dropFirst()
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
