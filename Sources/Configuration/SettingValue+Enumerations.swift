extension SettingValue where Self: RawRepresentable & CaseIterable, RawValue == String {
  /// The cases: `one of 'text', 'json'`.
  public static var kind: String { Enumeration.kind(of: Self.self) }

  /// Reads the name of a case.
  public static func parse(_ value: ConfigurationValue) throws(SettingValueError) -> Self {
    try Enumeration.parse(value)
  }

  /// The name of the case.
  public var settingText: String { rawValue }
}

/// How enums are read, whether or not they conform to `SettingValue`.
enum Enumeration {
  static func kind<E: RawRepresentable & CaseIterable>(of type: E.Type) -> String where E.RawValue == String {
    "one of " + E.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
  }

  static func parse<E: RawRepresentable & CaseIterable>(
    _ value: ConfigurationValue
  ) throws(SettingValueError) -> E where E.RawValue == String {
    let text = try value.text(expecting: kind(of: E.self))
    if let found = E(rawValue: text) { return found }
    // `LOG_LEVEL=DEBUG` is what many are used to.
    if let found = E.allCases.first(where: { $0.rawValue.lowercased() == text.lowercased() }) { return found }
    let hint = Suggestion.nearest(to: text, among: E.allCases.map(\.rawValue)).map { " (did you mean '\($0)'?)" } ?? ""
    throw SettingValueError("expected \(kind(of: E.self)), found '\(text)'\(hint)")
  }
}
