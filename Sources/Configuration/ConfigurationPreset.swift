/// Defaults that suit a place where programs run, such as Kubernetes: stronger than the settings' own, weaker than
/// what anybody sets.
public struct ConfigurationPreset: Sendable {
  /// What `config show` calls it.
  public let name: String
  /// The values by the paths of their settings, as a person would write them.
  public let values: [String: String]

  /// Makes a preset.
  public init(_ name: String, _ values: [String: String]) {
    self.name = name
    self.values = values
  }
}
