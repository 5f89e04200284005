internal import PrometheusMetrics

/// Reads the text format and OpenMetrics strictly.
struct ExpositionParser {
  private let isOpenMetrics: Bool
  private var hasEnded = false
  private var families: [ExpositionPage.Family] = []
  private var finished: Set<String> = []
  private var series: Set<ExpositionPage.Sample> = []
  private var lineNumber = 0

  init(_ format: ExpositionFormat) {
    isOpenMetrics = format == .openMetrics
  }

  mutating func parse(_ bytes: [UInt8]) throws(ExpositionPageError) -> [ExpositionPage.Family] {
    guard bytes.isEmpty || bytes.last == UInt8(ascii: "\n") else { throw error("the page does not end with a newline") }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw error("the page is not UTF-8") }
    // What follows the last newline is no line.
    for line in text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
      lineNumber += 1
      let line = String(line)
      if line.isEmpty {
        if isOpenMetrics { throw error("OpenMetrics has no empty lines") }
        continue
      }
      guard !hasEnded else { throw error("something follows # EOF") }
      if line.hasPrefix("#") { try comment(line) } else { try sample(line) }
    }
    if isOpenMetrics, !hasEnded { throw error("the page does not end with # EOF") }
    for family in families where family.type == "histogram" { try checkHistogram(family) }
    return families
  }

  private func error(_ message: String) -> ExpositionPageError {
    ExpositionPageError(line: lineNumber, message: message)
  }

  private mutating func comment(_ line: String) throws(ExpositionPageError) {
    if isOpenMetrics, line == "# EOF" {
      hasEnded = true
      return
    }
    let parts = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
    guard parts.count >= 3, ["HELP", "TYPE"].contains(parts[1]) || isOpenMetrics && parts[1] == "UNIT" else {
      if isOpenMetrics { throw error("OpenMetrics has no such comment: '\(line)'") }
      return
    }
    let rest = parts.count > 3 ? parts[3] : ""
    if families.last?.name != parts[2] { try begin(parts[2]) }
    let last = families.count - 1
    guard families[last].samples.isEmpty else { throw error("\(parts[1]) of '\(parts[2])' follows its samples") }
    if parts[1] == "HELP" {
      guard families[last].help == nil else { throw error("HELP of '\(parts[2])' stands twice") }
      families[last].help = unescaped(rest)
    } else if parts[1] == "UNIT" {
      guard families[last].unit == nil else { throw error("UNIT of '\(parts[2])' stands twice") }
      guard rest.isEmpty || parts[2].hasSuffix("_" + rest) else {
        throw error("'\(parts[2])' does not end with its unit '\(rest)'")
      }
      families[last].unit = rest
    } else {
      guard families[last].type == nil else { throw error("TYPE of '\(parts[2])' stands twice") }
      guard types.contains(rest) else {
        throw error("'\(rest)' is not a type")
      }
      families[last].type = rest
    }
  }

  private var types: [String] {
    ["counter", "gauge", "histogram", "summary"]
      + (isOpenMetrics ? ["info", "stateset", "gaugehistogram", "unknown"] : ["untyped"])
  }

  private mutating func begin(_ name: String) throws(ExpositionPageError) {
    guard finished.insert(name).inserted else { throw error("the metric '\(name)' stands in two places") }
    families.append(ExpositionPage.Family(name: name))
  }

  private mutating func sample(_ line: String) throws(ExpositionPageError) {
    var scanner = LineScanner(line)
    let name = scanner.word { $0 == "_" || $0 == ":" || $0.isASCII && ($0.isLetter || $0.isNumber) }
    guard name.first?.isNumber == false else { throw error("a sample begins with a name, found '\(line)'") }
    var sample = ExpositionPage.Sample(name: name, labels: [:], value: 0)
    if scanner.skip("{") { sample.labels = try labels(&scanner) }
    guard scanner.skip(" ") else { throw error("a blank stands before the value, found '\(line)'") }
    let text = scanner.word { $0 != " " }
    guard let value = Self.number(text) else { throw error("'\(text)' is not a number") }
    let exemplar = isOpenMetrics && scanner.skip(" ") ? try exemplar(&scanner, of: name) : nil
    guard scanner.isAtEnd else { throw error("something follows the value: '\(line)'") }
    guard series.insert(sample).inserted else { throw error("the series '\(line)' stands twice") }
    sample.value = value
    sample.exemplar = exemplar
    let owner = families.last.flatMap { owns($0, name) ? $0.name : nil }
    if owner == nil {
      if isOpenMetrics, let last = families.last, name.hasPrefix(last.name + "_"), last.samples.isEmpty {
        throw error("'\(name)' has no suffix of a \(last.type ?? "unknown")")
      }
      try begin(name)
    }
    families[families.count - 1].samples.append(sample)
  }

  /// What follows a value in OpenMetrics: ` # {labels} value timestamp`.
  private func exemplar(
    _ scanner: inout LineScanner, of name: String
  ) throws(ExpositionPageError) -> ExpositionPage.Exemplar {
    guard scanner.skip("#"), scanner.skip(" "), scanner.skip("{") else {
      throw error("an exemplar is # {labels} value")
    }
    guard name.hasSuffix("_total") || name.hasSuffix("_bucket") else { throw error("'\(name)' may have no exemplar") }
    var exemplar = ExpositionPage.Exemplar(labels: try labels(&scanner), value: 0)
    let length = exemplar.labels.reduce(0) { $0 + $1.key.unicodeScalars.count + $1.value.unicodeScalars.count }
    guard length <= 128 else { throw error("the labels of an exemplar have 128 characters at most") }
    guard scanner.skip(" "), let value = Self.number(scanner.word { $0 != " " }) else {
      throw error("an exemplar has a value")
    }
    exemplar.value = value
    if scanner.skip(" ") {
      guard let time = Self.number(scanner.word { $0 != " " }) else {
        throw error("the time of an exemplar is a number")
      }
      exemplar.timestamp = time
    }
    return exemplar
  }

  /// Whether a sample of this name belongs to the family.
  private func owns(_ family: ExpositionPage.Family, _ name: String) -> Bool {
    isOpenMetrics ? Self.ownsInOpenMetrics(family, name) : Self.ownsInText(family, name)
  }

  private static func ownsInOpenMetrics(_ family: ExpositionPage.Family, _ name: String) -> Bool {
    let suffixes =
      switch family.type {
      case "counter": ["_total", "_created"]
      case "histogram": ["_bucket", "_sum", "_count", "_created"]
      case "gaugehistogram": ["_bucket", "_gsum", "_gcount"]
      case "summary": ["", "_sum", "_count", "_created"]
      case "info": ["_info"]
      default: [""]
      }
    return suffixes.contains { name == family.name + $0 }
  }

  private static func ownsInText(_ family: ExpositionPage.Family, _ name: String) -> Bool {
    switch family.type {
    case "histogram": ["_bucket", "_sum", "_count"].contains { name == family.name + $0 }
    case "summary": ["", "_sum", "_count"].contains { name == family.name + $0 }
    default: name == family.name
    }
  }

  private func labels(_ scanner: inout LineScanner) throws(ExpositionPageError) -> [String: String] {
    var labels: [String: String] = [:]
    while !scanner.skip("}") {
      if !labels.isEmpty, !scanner.skip(",") { throw error("a comma stands between labels") }
      let name = scanner.word { $0 == "_" || $0.isASCII && ($0.isLetter || $0.isNumber) }
      guard name.first?.isNumber == false, scanner.skip("="), scanner.skip("\"") else {
        throw error("a label is name=\"value\"")
      }
      guard let value = scanner.quoted() else { throw error("the value of '\(name)' does not end or escapes wrongly") }
      guard labels.updateValue(value, forKey: name) == nil else { throw error("the label '\(name)' stands twice") }
    }
    return labels
  }

  private static func number(_ text: String) -> Double? {
    switch text {
    case "+Inf": .infinity
    case "-Inf": -.infinity
    case "NaN": .nan
    default: text.allSatisfy { "+-.eE0123456789".contains($0) } ? Double(text) : nil
    }
  }

  private func unescaped(_ help: String) -> String {
    var scanner = LineScanner(help)
    return scanner.remaining() ?? help
  }

  private func checkHistogram(_ family: ExpositionPage.Family) throws(ExpositionPageError) {
    func fail(_ message: String) -> ExpositionPageError {
      ExpositionPageError(line: lineNumber, message: "histogram '\(family.name)': \(message)")
    }
    var groups: [[String: String]: [ExpositionPage.Sample]] = [:]
    for sample in family.samples {
      var labels = sample.labels
      labels["le"] = nil
      groups[labels, default: []].append(sample)
    }
    for samples in groups.values {
      // Of a sum that may fall OpenMetrics wants neither sum nor count.
      let hasSum = !isOpenMetrics || samples.contains { $0.name == "\(family.name)_sum" }
      let buckets = samples.filter { $0.name == "\(family.name)_bucket" }
      let bounds = buckets.map { Self.number($0.labels["le"] ?? "") ?? .nan }
      guard bounds.last == .infinity else { throw fail("its last bucket is not +Inf") }
      for index in buckets.indices.dropFirst() {
        guard bounds[index] > bounds[index - 1] else { throw fail("its bounds do not rise") }
        guard buckets[index].value >= buckets[index - 1].value else { throw fail("its buckets fall") }
      }
      guard hasSum else { continue }
      guard samples.contains(where: { $0.name == "\(family.name)_sum" }) else { throw fail("it has no sum") }
      guard samples.first(where: { $0.name == "\(family.name)_count" })?.value == buckets.last?.value else {
        throw fail("its count differs from its last bucket")
      }
    }
  }
}

/// Walks over the characters of a line. Works on scalars: a combining mark must not hide a quote.
private struct LineScanner {
  private var rest: Substring.UnicodeScalarView

  init(_ text: String) {
    rest = text[...].unicodeScalars
  }

  var isAtEnd: Bool { rest.isEmpty }

  mutating func skip(_ scalar: Unicode.Scalar) -> Bool {
    guard rest.first == scalar else { return false }
    rest.removeFirst()
    return true
  }

  mutating func word(_ belongs: (Character) -> Bool) -> String {
    let word = rest.prefix { belongs(Character($0)) }
    rest.removeFirst(word.count)
    return String(word)
  }

  /// The text up to an unescaped quote; nil when there is none or an escape is unknown.
  mutating func quoted() -> String? {
    text(until: "\"")
  }

  /// The text up to the end, in which a quote may stand as it is; nil when an escape is unknown.
  mutating func remaining() -> String? {
    text(until: nil)
  }

  private mutating func text(until end: Unicode.Scalar?) -> String? {
    var text = String.UnicodeScalarView()
    while let scalar = rest.popFirst() {
      if scalar == end { return String(text) }
      guard scalar == "\\" else {
        text.append(scalar)
        continue
      }
      switch rest.popFirst() {
      case "\\": text.append("\\")
      case "n": text.append("\n")
      case "\"": text.append("\"")
      default: return nil
      }
    }
    return end == nil ? String(text) : nil
  }
}
