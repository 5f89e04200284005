/// The conventions for metrics, as rules that hold at registration.
enum MetricLint {
  /// Units that names may end with, as Prometheus recommends.
  private static let baseUnits: Set<String> = [
    "seconds", "bytes", "ratio", "meters", "grams", "joules", "volts", "amperes", "celsius",
  ]

  /// Units that have a base unit to use instead.
  private static let otherUnits: [String: String] = [
    "milliseconds": "seconds", "microseconds": "seconds", "nanoseconds": "seconds", "minutes": "seconds",
    "hours": "seconds", "days": "seconds", "ms": "seconds", "us": "seconds", "ns": "seconds", "sec": "seconds",
    "secs": "seconds", "millis": "seconds", "duration": "seconds", "bits": "bytes", "kilobytes": "bytes",
    "megabytes": "bytes", "gigabytes": "bytes", "kb": "bytes", "mb": "bytes", "gb": "bytes", "kib": "bytes",
    "mib": "bytes", "gib": "bytes", "percent": "ratio", "percentage": "ratio", "kelvin": "celsius",
    "fahrenheit": "celsius", "kilometers": "meters", "millimeters": "meters", "kilograms": "grams",
  ]

  private static let typeWords: Set<Substring> = ["counter", "gauge", "histogram", "summary"]

  /// The base unit at the end of a name.
  static func unit(of name: String, _ type: MetricType) -> String? {
    // A state has no unit, nor has a fact.
    guard type != .stateSet, type != .info else { return nil }
    // The empty words too: `wait_seconds_` does not end with a unit, and Prometheus would refuse the page.
    var words = name.split(separator: "_", omittingEmptySubsequences: false)
    if type == .counter, words.last == "total" { words.removeLast() }
    guard words.count > 1, let last = words.last.map(String.init), baseUnits.contains(last) else { return nil }
    return last
  }

  static func check(_ descriptor: MetricDescriptor) throws(MetricsError) {
    let name = descriptor.name
    guard isWellFormed(name) else {
      throw MetricsError(
        .invalidName, name, "a name is snake_case: lower-case letters, digits and '_', a letter first")
    }
    try checkSuffixes(descriptor)
    try checkUnit(descriptor)
    guard descriptor.help.contains(where: { !$0.isWhitespace }) else {
      throw MetricsError(.invalidHelp, name, "help is missing: say in a sentence what is measured")
    }
    try checkLabels(descriptor)
  }

  static func check(_ buckets: HistogramBuckets, of name: String) throws(MetricsError) {
    guard !buckets.bounds.isEmpty else {
      throw MetricsError(.invalidBuckets, name, "a histogram needs at least one bound")
    }
    if let fault = fault(in: buckets) { throw MetricsError(.invalidBuckets, name, fault) }
  }

  /// What is wrong with the bounds, if something is. None at all are fine: there is always `+Inf`.
  static func fault(in buckets: HistogramBuckets) -> String? {
    let bounds = buckets.bounds
    for (index, bound) in bounds.enumerated() {
      guard bound.isFinite else { return "the bound \(bound) is not a number" }
      guard index == 0 || bound > bounds[index - 1] else {
        return "bounds must rise: \(bound) follows \(bounds[index - 1])"
      }
    }
    return nil
  }

  static func check(quantiles: [Double], of name: String) throws(MetricsError) {
    if let fault = fault(in: quantiles) { throw MetricsError(.invalidQuantiles, name, fault) }
  }

  /// What is wrong with the quantiles of a summary, if something is.
  static func fault(in quantiles: [Double]) -> String? {
    for (index, share) in quantiles.enumerated() {
      guard (0...1).contains(share), !quantiles[..<index].contains(share) else {
        return "a quantile is a share from 0 to 1, each once, found \(share)"
      }
    }
    return nil
  }

  private static func checkSuffixes(_ descriptor: MetricDescriptor) throws(MetricsError) {
    let (name, type) = (descriptor.name, descriptor.type)
    func fail(_ message: String) -> MetricsError { MetricsError(.invalidName, name, message) }
    if (type == .counter) != name.hasSuffix("_total") {
      throw type == .counter
        ? fail("the name of a counter ends with '_total': '\(name)_total'")
        : fail("'_total' is for counters; this is a \(type.openMetricsName)")
    }
    if (type == .info) != name.hasSuffix("_info") {
      throw type == .info ? fail("the name of an info ends with '_info'") : fail("'_info' is for infos")
    }
    for suffix in ["_count", "_sum", "_bucket", "_created"] where name.hasSuffix(suffix) {
      throw fail("the suffix '\(suffix)' is reserved for the series of histograms and summaries")
    }
    if let word = name.split(separator: "_").first(where: { typeWords.contains($0) }) {
      throw fail("leave the type out of the name: '\(word)' is said by TYPE")
    }
  }

  private static func checkUnit(_ descriptor: MetricDescriptor) throws(MetricsError) {
    var words = descriptor.name.split(separator: "_").map(String.init)
    if words.last == "total" { words.removeLast() }
    guard words.count > 1, let last = words.last, let base = otherUnits[last] else { return }
    throw MetricsError(.invalidName, descriptor.name, "use the base unit '\(base)' in place of '\(last)'")
  }

  private static func checkLabels(_ descriptor: MetricDescriptor) throws(MetricsError) {
    var seen: Set<String> = []
    for label in descriptor.labelNames {
      func fail(_ message: String) -> MetricsError { MetricsError(.invalidLabel, descriptor.name, message) }
      guard isWellFormed(label) else {
        throw fail("the label '\(label)' is not snake_case: lower-case letters, digits and '_', a letter first")
      }
      if label == "le", descriptor.type == .histogram { throw fail("the label 'le' is the histogram's own") }
      if label == "quantile", descriptor.type == .summary { throw fail("the label 'quantile' is the summary's own") }
      guard seen.insert(label).inserted else { throw fail("the label '\(label)' stands twice") }
    }
    if descriptor.type == .stateSet, !seen.contains(descriptor.name) {
      throw MetricsError(.invalidLabel, descriptor.name, "the states of a state set are a label of its own name")
    }
  }

  static func isWellFormed(_ name: String) -> Bool {
    name.utf8.first.map(isLetter) == true
      && name.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_") }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
  }
}
