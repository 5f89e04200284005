extension ExpositionFormat {
  /// The format to answer with, by the Accept header of a request.
  ///
  /// OpenMetrics when the header names it in a version that we write and likes it no less than text; else text, which
  /// everybody reads, even when the header rules it out.
  public static func negotiate(accept: String?) -> ExpositionFormat {
    guard let accept else { return .text }
    var openMetrics = 0.0
    // Of the ranges that match text, the most specific one speaks for it (RFC 9110, 12.5.1).
    var text = (specificity: 0, quality: 0.0)
    for range in accept.split(separator: ",").map(MediaRange.init) {
      switch range.type {
      case "application/openmetrics-text":
        if range.version == nil || range.version == "1.0.0" { openMetrics = max(openMetrics, range.quality) }
      case "text/plain":
        guard range.version == nil || range.version == "0.0.4" else { continue }
        text = prefer(text, (range.version == nil ? 3 : 4, range.quality))
      case "text/*": text = prefer(text, (2, range.quality))
      case "*/*": text = prefer(text, (1, range.quality))
      default: continue
      }
    }
    return openMetrics > 0 && openMetrics >= text.quality ? .openMetrics : .text
  }

  private static func prefer(_ old: (Int, Double), _ new: (Int, Double)) -> (Int, Double) {
    old.0 == new.0 ? (old.0, max(old.1, new.1)) : old.0 > new.0 ? old : new
  }
}

/// One alternative of an Accept header.
private struct MediaRange {
  var type: String
  var version: String?
  var quality = 1.0

  init(_ text: Substring) {
    let parts = text.split(separator: ";").map(Self.trimmed)
    type = parts.first.map { $0.lowercased() } ?? ""
    for parameter in parts.dropFirst() {
      let pair = parameter.split(separator: "=", maxSplits: 1).map(Self.trimmed)
      guard pair.count == 2 else { continue }
      switch pair[0].lowercased() {
      case "q": quality = Self.quality(pair[1])
      case "version": version = String(pair[1].filter { $0 != "\"" })
      default: continue
      }
    }
  }

  /// 0 to 1; what is not a quality makes the range count for nothing.
  private static func quality(_ text: Substring) -> Double {
    guard let value = Double(text), (0...1).contains(value) else { return 0 }
    return value
  }

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text.drop { $0 == " " || $0 == "\t" }
    while text.last == " " || text.last == "\t" { text.removeLast() }
    return text
  }
}
