/// What a configuration source holds for a setting, before it has the setting's type.
public enum ConfigurationValue: Sendable, Hashable {
  /// Nothing: `key:`, `key: ~` or `key: null` in a file.
  case null
  /// Text, from a scalar in a file, an environment variable or a flag.
  case text(String)
  /// A sequence in a file.
  case list([ConfigurationValue])
  /// A mapping in a file.
  case section

  /// The text, or an error that says what was expected instead of what there is.
  public func text(expecting kind: String) throws(SettingValueError) -> String {
    switch self {
    case .text(let text): return text
    case .null: throw SettingValueError("expected \(kind), found no value")
    case .list: throw SettingValueError("expected \(kind), found a list")
    case .section: throw SettingValueError("expected \(kind), found a section with keys of its own")
    }
  }
}
