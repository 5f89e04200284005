/// A value in the metadata of a log entry. Literals of every kind make one.
public enum LogValue: Sendable, Hashable {
  /// Text.
  case string(String)
  /// A whole number.
  case integer(Int64)
  /// A number with a fraction.
  case double(Double)
  /// A truth value.
  case bool(Bool)
  /// A span of time: `took=12.5ms` in text, `"took_seconds":0.0125` in JSON.
  case duration(Duration)
  /// Values in order.
  case array([LogValue])
  /// Values by key: `key.inner=value` in text, an object in JSON.
  case dictionary(LogMetadata)

  /// The text of anything, such as an error.
  public static func describing(_ value: some Any) -> LogValue {
    .string(String(describing: value))
  }

  /// A whole number of any width; one that `Int64` cannot hold becomes its text.
  public static func integer(_ value: some BinaryInteger) -> LogValue {
    guard let exact = Int64(exactly: value) else { return .string(String(value)) }
    return .integer(exact)
  }
}

extension LogValue: ExpressibleByStringInterpolation {
  /// Makes a string value.
  public init(stringLiteral value: String) { self = .string(value) }
}

extension LogValue: ExpressibleByIntegerLiteral {
  /// Makes an integer value.
  public init(integerLiteral value: Int64) { self = .integer(value) }
}

extension LogValue: ExpressibleByFloatLiteral {
  /// Makes a double value.
  public init(floatLiteral value: Double) { self = .double(value) }
}

extension LogValue: ExpressibleByBooleanLiteral {
  /// Makes a truth value.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension LogValue: ExpressibleByArrayLiteral {
  /// Makes an array value.
  public init(arrayLiteral elements: LogValue...) { self = .array(elements) }
}

extension LogValue: ExpressibleByDictionaryLiteral {
  /// Makes a dictionary value.
  public init(dictionaryLiteral elements: (String, LogValue)...) {
    var metadata = LogMetadata()
    for (key, value) in elements { metadata[key] = value }
    self = .dictionary(metadata)
  }
}

extension LogValue: CustomStringConvertible {
  /// The value as the text format writes it.
  public var description: String {
    if case .string(let text) = self { return text }
    var line = LineBuffer()
    TextLogFormatter.append(self, to: &line)
    return String(decoding: line.bytes, as: UTF8.self)
  }
}
