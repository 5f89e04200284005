/// A setting with the value that holds and where it came from: a row of `config show`.
public struct EffectiveSetting: Sendable {
  /// The setting.
  public let setting: AnySetting
  /// The value as a person would write it; `<REDACTED>` when it is secret.
  public let value: String
  /// Where the value came from.
  public let source: ConfigurationSource
}
