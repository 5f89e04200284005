extension String: SettingValue {
  /// Text.
  public static var kind: String { "text" }

  /// Takes any text as it is.
  public static func parse(_ value: ConfigurationValue) throws(SettingValueError) -> String {
    try value.text(expecting: kind)
  }

  /// The text itself.
  public var settingText: String { self }
}

extension Int: SettingValue {
  /// A whole number.
  public static var kind: String { "a whole number" }

  /// Reads decimal digits with an optional sign.
  public static func parse(_ value: ConfigurationValue) throws(SettingValueError) -> Int {
    let text = try value.text(expecting: kind)
    guard let number = Int(text) else {
      let digits = text.hasPrefix("-") || text.hasPrefix("+") ? text.dropFirst() : text[...]
      let isTooLarge = !digits.isEmpty && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
      throw SettingValueError(
        isTooLarge ? "'\(text)' is outside \(Int.min)…\(Int.max)" : "expected \(kind), found '\(text)'")
    }
    return number
  }

  /// The digits.
  public var settingText: String { description }
}

extension Double: SettingValue {
  /// A number.
  public static var kind: String { "a number" }

  /// Reads a finite decimal number.
  public static func parse(_ value: ConfigurationValue) throws(SettingValueError) -> Double {
    let text = try value.text(expecting: kind)
    guard let number = Double(text), number.isFinite else {
      throw SettingValueError("expected \(kind), found '\(text)'")
    }
    return number
  }

  /// The shortest digits that read back as the same number.
  public var settingText: String { description }
}

extension Bool: SettingValue {
  /// A truth value.
  public static var kind: String { "true or false" }

  /// Reads `true` or `false`; the other words for them differ between YAML's versions.
  public static func parse(_ value: ConfigurationValue) throws(SettingValueError) -> Bool {
    let text = try value.text(expecting: kind)
    switch text.lowercased() {
    case "true": return true
    case "false": return false
    default: throw SettingValueError("expected \(kind), found '\(text)'")
    }
  }

  /// `true` or `false`.
  public var settingText: String { description }
}
