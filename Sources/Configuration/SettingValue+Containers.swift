extension Optional: SettingValue where Wrapped: SettingValue {
  /// What the value is when there is one.
  public static var kind: String { Wrapped.kind }
  /// Whether the value must not be shown.
  public static var isSecret: Bool { Wrapped.isSecret }

  /// Reads `null` as nil and anything else as a value.
  public static func parse(_ value: ConfigurationValue) throws(SettingValueError) -> Wrapped? {
    if value == .null { return nil }
    return try Wrapped.parse(value)
  }

  /// The value's text, or `null`.
  public var settingText: String { map(\.settingText) ?? "null" }
}

extension Array: SettingValue where Element: SettingValue {
  /// A list.
  public static var kind: String { "a list, each \(Element.kind)" }
  /// Whether the elements must not be shown.
  public static var isSecret: Bool { Element.isSecret }

  /// Reads a sequence, or text with commas between elements (the way of flags and environment variables).
  public static func parse(_ value: ConfigurationValue) throws(SettingValueError) -> [Element] {
    let values: [ConfigurationValue]
    switch value {
    case .null: return []
    case .list(let elements): values = elements
    case .section: throw SettingValueError("expected \(kind), found a section with keys of its own")
    case .text(let text):
      values = text.split(separator: ",", omittingEmptySubsequences: true).map { .text($0.trimmingSpaces()) }
    }
    var elements: [Element] = []
    for (index, value) in values.enumerated() {
      do {
        elements.append(try Element.parse(value))
      } catch {
        throw SettingValueError("element \(index + 1): \(error)")
      }
    }
    return elements
  }

  /// The elements with commas between them.
  public var settingText: String { map(\.settingText).joined(separator: ", ") }
}

extension Substring {
  /// The text without spaces and tabs at its ends.
  fileprivate func trimmingSpaces() -> String {
    func isSpace(_ character: Character) -> Bool { character == " " || character == "\t" }
    let start = drop(while: isSpace)
    guard let last = start.lastIndex(where: { !isSpace($0) }) else { return "" }
    return String(start[...last])
  }
}
