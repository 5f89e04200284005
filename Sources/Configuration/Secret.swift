/// A value that never prints: a password, a token, a database URL.
///
/// Descriptions, `dump`, mirrors and encoders show `<REDACTED>`; only ``reveal()`` gives the value, so that each place
/// that does can be found by its name.
public struct Secret<Value: Sendable>: Sendable {
  private let value: Value

  /// Hides a value.
  public init(_ value: Value) {
    self.value = value
  }

  /// The value itself. Hand it on to where it is used; do not log, store or show it.
  public func reveal() -> Value {
    value
  }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// `<REDACTED>`.
  public var description: String { "<REDACTED>" }
  /// `<REDACTED>`.
  public var debugDescription: String { description }
  /// A mirror without children.
  public var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}

extension Secret: Equatable where Value: Equatable {}
extension Secret: Hashable where Value: Hashable {}

extension Secret: Encodable {
  /// Encodes `<REDACTED>` in place of the value.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

extension Secret: Decodable where Value: Decodable {
  /// Decodes the value.
  public init(from decoder: any Decoder) throws {
    self.init(try decoder.singleValueContainer().decode(Value.self))
  }
}

extension Secret: SettingValue where Value: SettingValue {
  /// What the hidden value is.
  public static var kind: String { Value.kind }
  /// True.
  public static var isSecret: Bool { true }

  /// Reads the value. The error says what was expected and never what was found.
  public static func parse(_ value: ConfigurationValue) throws(SettingValueError) -> Self {
    do {
      return Secret(try Value.parse(value))
    } catch {
      throw SettingValueError("expected \(Value.kind) (the value is secret and not shown)")
    }
  }

  /// `<REDACTED>`.
  public var settingText: String { description }
}
