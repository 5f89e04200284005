/// How an output writes entries.
public enum LogFormat: String, Sendable, CaseIterable, Codable {
  /// A line that a human reads: `2026-01-31T12:00:00.000Z INFO     shop: order placed id=42`.
  case text
  /// One JSON object a line, for a collector: `{"time":…,"level":"info","label":"shop","message":…,"id":42}`.
  ///
  /// A metadata key that would clash with one of the four fixed members gets the prefix `metadata.`.
  case json
}
