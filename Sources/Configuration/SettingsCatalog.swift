/// The settings of one module, by the module's name.
///
/// The host collects the catalogues of all modules: a key in the file that none of them declares is a mistake.
public struct SettingsCatalog: Sendable {
  /// Who declares the settings, such as `database`.
  public let name: String
  /// The settings in the order they are shown.
  public let settings: [AnySetting]

  /// Makes a catalogue of settings.
  public init<each Value>(_ name: String, _ setting: repeat Setting<each Value>) {
    var settings: [AnySetting] = []
    repeat settings.append(AnySetting(each setting))
    self.init(name, settings)
  }

  /// Makes a catalogue of settings whose types are already forgotten.
  public init(_ name: String, _ settings: [AnySetting]) {
    self.name = name
    self.settings = settings
  }
}
