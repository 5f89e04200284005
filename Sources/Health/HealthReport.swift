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
    /// How many answers in a row were failures. One that is owed counts each time it is looked for.
    public let failures: Int
    /// How many it takes for the check to count as failing.
    public let failureThreshold: Int
    /// Whether enough answers in a row were failures.
    public let isFailing: Bool

    /// `ok`, `failing`, or `suspect` for a failure that is not yet enough.
    public var status: String { isFailing ? "failing" : failure == nil ? "ok" : "suspect" }
  }

  /// The checks' answers, in the order of the checks.
  public let entries: [Entry]
  /// Why the process is unready whatever the checks say: it starts or stops.
  public let obstacle: String?

  /// Whether the process can do its work.
  public var isReady: Bool { obstacle == nil && !entries.contains { $0.isFailing && $0.isCritical } }

  /// For machines:
  /// `{"checks":{"database":{"critical":true,"duration_ms":1.5,"error":"…","failures":3,"status":"failing"}},"status":"unready"}`
  public var json: String {
    let checks = entries.map { entry in
      (
        entry.name,
        Body.Check(
          critical: entry.isCritical, duration_ms: (entry.duration / .microseconds(1)).rounded() / 1000,
          error: entry.failure, failures: entry.failures > 0 ? entry.failures : nil,
          failure_threshold: entry.failureThreshold > 1 ? entry.failureThreshold : nil, status: entry.status)
      )
    }
    // The monitor gives each check a name of its own; a report made elsewhere keeps the first of two.
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
      let failures: Int?
      let failure_threshold: Int?
      let status: String
    }
    let checks: [String: Check]
    let reason: String?
    let status: String
  }
}
