public import PrometheusMetrics

/// A page of metrics, read back for tests.
///
/// ```swift
/// let page = try await registry.page()
/// #expect(page.value("http_requests_total", ["method": "GET"]) == 3)
/// #expect(page.family("http_requests_total")?.type == "counter")
/// ```
public struct ExpositionPage: Sendable {
  /// One line of the page.
  public struct Sample: Sendable, Hashable {
    /// The name, with its suffix: `http_request_duration_seconds_count`.
    public var name: String
    /// The labels, with `le` and `quantile`.
    public var labels: [String: String]
    /// The value.
    public var value: Double
    /// One observation behind it, which only OpenMetrics tells.
    public var exemplar: Exemplar?
  }

  /// An observation told in full.
  public struct Exemplar: Sendable, Hashable {
    /// What tells it, such as `trace_id`.
    public var labels: [String: String]
    /// What was observed.
    public var value: Double
    /// When, in seconds since 1970.
    public var timestamp: Double?
  }

  /// The lines that belong to one metric.
  public struct Family: Sendable, Hashable {
    /// The name of the metric.
    public var name: String
    /// The type, as the page spells it.
    public var type: String?
    /// The help text.
    public var help: String?
    /// The unit, which only OpenMetrics tells.
    public var unit: String?
    /// The samples, in the order of the page.
    public var samples: [Sample] = []
  }

  /// The metrics, in the order of the page.
  public let families: [Family]

  /// Reads a page.
  ///
  /// In OpenMetrics a family is called as its TYPE line says, without `_total` and `_info`; samples keep their whole names.
  ///
  /// - Throws: What breaks the format, with its line: bad syntax, a family in two places, a series twice, a histogram
  ///   whose buckets fall or whose count differs; in OpenMetrics also a suffix that does not fit the type, a unit that the
  ///   name does not end with, an exemplar where none may stand, a page that does not end with `# EOF`.
  public init(_ bytes: [UInt8], format: ExpositionFormat = .text) throws(ExpositionPageError) {
    var parser = ExpositionParser(format)
    families = try parser.parse(bytes)
  }

  /// Every sample of the page.
  public var samples: [Sample] {
    families.flatMap(\.samples)
  }

  /// The metric of this name.
  public func family(_ name: String) -> Family? {
    families.first { $0.name == name }
  }

  /// The value of the sample with this name and exactly these labels.
  public func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
    samples.first { $0.name == name && $0.labels == labels }?.value
  }

  /// The sum of all samples of this name that have these labels among theirs; nil when there is none.
  public func sum(_ name: String, where labels: [String: String] = [:]) -> Double? {
    let matching = samples.filter { sample in
      sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value }
    }
    return matching.isEmpty ? nil : matching.reduce(0) { $0 + $1.value }
  }
}

extension MetricsRegistry {
  /// Renders the registry's page and reads it back.
  ///
  /// - Throws: What breaks the format.
  public func page(_ format: ExpositionFormat = .text) async throws(ExpositionPageError) -> ExpositionPage {
    try ExpositionPage(await render(format), format: format)
  }
}
