/// A type that a ``Setting`` can have.
///
/// Conforming types: `Int`, `Double`, `Bool`, `String`, `Duration`, ``ListenAddress``, ``Secret``, optionals and arrays of
/// them, and enums with string raw values and all cases known: `enum Mode: String, CaseIterable, SettingValue`.
public protocol SettingValue: Sendable {
  /// What a value is, to complete "expected …": `a whole number`.
  static var kind: String { get }

  /// Whether values must never be shown.
  static var isSecret: Bool { get }

  /// Reads a value.
  ///
  /// - Throws: What is wrong with it and how to write it right.
  static func parse(_ value: ConfigurationValue) throws(SettingValueError) -> Self

  /// The value as a person would write it; `parse` reads it back.
  var settingText: String { get }
}

extension SettingValue {
  /// False.
  public static var isSecret: Bool { false }
}
