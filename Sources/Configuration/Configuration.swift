/// The values of settings, from flags, environment, file, preset and defaults, in this order of precedence.
///
/// ## Usage
///
/// ```swift
/// let file = try ConfigurationFile.load(path: "keel.yaml")
/// let configuration = Configuration(environment: ProcessInfo.processInfo.environment, file: file)
/// try configuration.check(MailSettings.catalog)
/// let timeout = try configuration(MailSettings.timeout)
/// ```
public struct Configuration: Sendable {
  let flags: [String: String]
  let environment: [String: String]
  let file: ConfigurationFile?
  private(set) var preset: ConfigurationPreset?
  /// What files hold that the environment names, by the variables that could hold it themselves.
  var files: [String: String] = [:]

  /// Gathers the sources.
  ///
  /// - Parameters:
  ///   - flags: Values given on the command line, by the path of their setting.
  ///   - environment: Environment variables. Unknown ones are ignored, empty ones count as not set.
  ///   - file: The configuration file, if there is one.
  public init(flags: [String: String] = [:], environment: [String: String] = [:], file: ConfigurationFile? = nil) {
    self.flags = flags
    self.environment = environment
    self.file = file
  }

  /// Returns the configuration with other defaults for some settings.
  public func with(_ preset: ConfigurationPreset?) -> Configuration {
    var copy = self
    copy.preset = preset
    return copy
  }

  /// The value of a setting.
  ///
  /// - Throws: A fault that names flag, variable or place in the file, when the value there cannot be read, and what to set
  ///   when a required one is not set.
  public func value<Value>(_ setting: Setting<Value>) throws(ConfigurationError) -> Value {
    if let faults = file?.faults.filter({ $0.path == setting.path }), let error = ConfigurationError(faults) {
      throw error
    }
    guard let (raw, source) = raw(setting.path, setting.flag, setting.environmentName) else {
      guard let value = setting.defaultValue else {
        throw ConfigurationError(ConfigurationFault(missing: AnySetting(setting)))
      }
      return value
    }
    do {
      return try setting.parse(raw)
    } catch {
      throw ConfigurationError(ConfigurationFault(setting.path, at: source, error))
    }
  }

  /// The value of a setting: `try configuration(DatabaseSettings.url)`.
  ///
  /// - Throws: As ``value(_:)`` does.
  public func callAsFunction<Value>(_ setting: Setting<Value>) throws(ConfigurationError) -> Value {
    try value(setting)
  }

  /// Where the value of a setting comes from.
  public func source<Value>(of setting: Setting<Value>) -> ConfigurationSource {
    raw(setting.path, setting.flag, setting.environmentName)?.source ?? .default
  }

  /// All settings of the catalogues with their values, secrets masked.
  ///
  /// - Throws: When a value cannot be read: all such faults.
  public func effective(_ catalogs: [SettingsCatalog]) throws(ConfigurationError) -> [EffectiveSetting] {
    var rows: [EffectiveSetting] = []
    var faults: [ConfigurationFault] = []
    for setting in catalogs.flatMap(\.settings) {
      guard let (raw, source) = raw(setting.path, setting.flag, setting.environmentName) else {
        rows.append(EffectiveSetting(setting: setting, value: setting.defaultText, source: .default))
        continue
      }
      do {
        rows.append(EffectiveSetting(setting: setting, value: try setting.text(of: raw), source: source))
      } catch {
        faults.append(ConfigurationFault(setting.path, at: source, error))
      }
    }
    if let error = ConfigurationError(faults) { throw error }
    return rows
  }

  /// The settings whose values differ from those of another configuration: secrets as they are written, the others as
  /// they are read, where `60s` is `1m`.
  ///
  /// - Throws: When a value cannot be read.
  package func changes(
    since other: Configuration, _ catalogs: [SettingsCatalog]
  ) throws(ConfigurationError) -> [AnySetting] {
    let rows = zip(try effective(catalogs), try other.effective(catalogs))
    return rows.filter { new, old in
      guard new.setting.isSecret else { return new.value != old.value }
      return rawValue(new.setting) != other.rawValue(new.setting)
    }.map { $0.0.setting }
  }

  /// Whether a source other than the defaults has a value for it.
  func sets(_ setting: AnySetting) -> Bool { rawValue(setting) != nil }

  private func rawValue(_ setting: AnySetting) -> ConfigurationValue? {
    raw(setting.path, setting.flag, setting.environmentName)?.value
  }

  /// What the environment says, itself or by the name of a file.
  func variable(_ name: String) -> (text: String, source: ConfigurationSource)? {
    if let text = environment[name], !text.isEmpty { return (text, .environment(name)) }
    return files[name].map { ($0, .environment(Self.fileVariable(of: name))) }
  }

  /// What the first source that sets a path holds.
  private func raw(
    _ path: String, _ flag: String, _ environmentName: String
  ) -> (value: ConfigurationValue, source: ConfigurationSource)? {
    if let text = flags[path] { return (.text(text), .flag(flag)) }
    if let (text, source) = variable(environmentName) { return (.text(text), source) }
    if let file, let node = file.node(at: path) { return (node.value, file.source(node.position)) }
    if let preset, let text = preset.values[path] { return (.text(text), .preset(preset.name)) }
    return nil
  }
}

extension ConfigurationFault {
  init(missing setting: AnySetting) {
    self.init(
      .missing, at: nil, path: setting.path,
      "\(setting.path) has to be set: in the configuration file, by the variable \(setting.environmentName) or the flag "
        + "--\(setting.flag)")
  }

  /// A value that its setting does not take.
  init(_ path: String, at source: ConfigurationSource, _ error: SettingValueError) {
    self.init(.invalidValue, at: source, path: path, "\(path): \(error)")
  }
}
