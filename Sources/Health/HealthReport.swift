internal import FoundationEssentials

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
  /// `{"checks":{"database":{"critical":true,"duration_ms":1.5,"error":"…","status":"failing"}},"status":"unready"}`
  public var json: String {
    let checks = entries.map { entry in
      let milliseconds = (entry.duration / .microseconds(1)).rounded() / 1000
      let status = entry.failure == nil ? "ok" : "failing"
      return (
        entry.name,
        Body.Check(critical: entry.isCritical, duration_ms: milliseconds, error: entry.failure, status: status)
      )
    }
    let body = Body(
      checks: Dictionary(checks, uniquingKeysWith: { first, _ in first }), reason: obstacle,
      status: isReady ? "ready" : "unready")
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Strings, booleans and finite numbers always encode.
    return (try? encoder.encode(body)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }

  private struct Body: Encodable {
    struct Check: Encodable {
      let critical: Bool
      let duration_ms: Double
      let error: String?
      let status: String
    }
    let checks: [String: Check]
    let reason: String?
    let status: String
  }
}
