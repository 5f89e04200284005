/// What a metric is: its name, type, help and label names.
///
/// Checked when it is registered, so that collectors can keep theirs as constants.
public final class MetricDescriptor: Sendable {
  /// The name as it stands in the text format: `http_requests_total`.
  public let name: String
  /// What the metric measures.
  public let type: MetricType
  /// What the metric means, in a sentence.
  public let help: String
  /// The names of its labels, in the order in which values are given.
  public let labelNames: [String]
  /// The base unit that the name ends with (`seconds`, `bytes` …), if it does.
  public let unit: String?

  let nameBytes: [UInt8]
  /// The name in OpenMetrics, which leaves `_total` and `_info` to the series.
  let familyName: String
  let familyNameBytes: [UInt8]
  /// HELP and TYPE lines, made once.
  let textHeader: [UInt8]
  /// HELP, TYPE and UNIT lines, made once.
  let openMetricsHeader: [UInt8]

  /// Describes a metric.
  ///
  /// - Parameters:
  ///   - name: In snake case, with the base unit at its end (`_seconds`, `_bytes`); a counter ends with `_total`.
  ///   - type: What the metric measures.
  ///   - help: What the metric means, in a sentence.
  ///   - labels: The names of its labels.
  public init(_ name: String, _ type: MetricType, help: String, labels: [String] = []) {
    self.name = name
    self.type = type
    self.help = help
    labelNames = labels
    unit = MetricLint.unit(of: name, type)
    nameBytes = Array(name.utf8)
    let suffix = type == .counter ? "_total" : type == .info ? "_info" : ""
    familyName = name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
    familyNameBytes = Array(familyName.utf8)
    textHeader = Self.header(name, type.textName, unit: nil) { $0.write(escapedHelp: help) }
    openMetricsHeader = Self.header(familyName, type.openMetricsName, unit: unit) { $0.write(escapedLabelValue: help) }
  }

  private static func header(
    _ name: String, _ type: StaticString, unit: String?, help: (inout ByteWriter) -> Void
  ) -> [UInt8] {
    var header = ByteWriter()
    header.write(utf8: "# HELP \(name) ")
    help(&header)
    header.write(utf8: "\n# TYPE \(name) \(type)\n")
    if let unit { header.write(utf8: "# UNIT \(name) \(unit)\n") }
    return header.bytes
  }

  /// Whether samples of both may stand in one family.
  func isSame(as other: MetricDescriptor) -> Bool {
    self === other
      || (name == other.name && type == other.type && help == other.help && labelNames == other.labelNames)
  }
}
