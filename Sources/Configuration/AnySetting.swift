/// A setting without its type, for lists of settings.
public struct AnySetting: Sendable {
  /// The keys from the root of the file, with dots between them.
  public let path: String
  /// What the setting does, in a sentence.
  public let summary: String
  /// What a value is: `a whole number`.
  public let kind: String
  /// Whether values must never be shown.
  public let isSecret: Bool
  /// The name of the command-line flag, without dashes in front.
  public let flag: String
  /// The name of the environment variable.
  public let environmentName: String
  /// The default as a person would write it; `null` for none.
  public let defaultText: String
  /// Whether there is no default, so that somebody has to set it.
  public let isRequired: Bool

  private let read: @Sendable (ConfigurationValue) throws(SettingValueError) -> String

  /// Forgets the type of a setting.
  public init<Value>(_ setting: Setting<Value>) {
    path = setting.path
    summary = setting.summary
    kind = setting.kind
    isSecret = setting.isSecret
    flag = setting.flag
    environmentName = setting.environmentName
    defaultText = setting.defaultValue.map(setting.render) ?? "null"
    isRequired = setting.defaultValue == nil
    read = { (value) throws(SettingValueError) in setting.render(try setting.parse(value)) }
  }

  /// The value as a person would write it, masked when it is secret.
  func text(of value: ConfigurationValue) throws(SettingValueError) -> String {
    try read(value)
  }
}
