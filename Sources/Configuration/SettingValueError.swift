/// What is wrong with the text of a setting, without saying where: the configuration adds that.
public struct SettingValueError: Error, Sendable, Hashable, CustomStringConvertible {
  /// A sentence fragment such as `expected a whole number, found 'many'`.
  public let description: String

  /// Makes an error with its words.
  public init(_ description: String) {
    self.description = description
  }
}
