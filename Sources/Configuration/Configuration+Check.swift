extension Configuration {
  /// Checks every source against the settings that the program has.
  ///
  /// - Throws: All faults at once: unknown and duplicate keys, wrong types and units, unsupported YAML.
  public func check(_ catalogs: SettingsCatalog...) throws(ConfigurationError) {
    try check(catalogs)
  }

  /// Checks every source against the settings that the program has.
  ///
  /// - Throws: All faults at once: unknown and duplicate keys, wrong types and units, unsupported YAML.
  public func check(_ catalogs: [SettingsCatalog]) throws(ConfigurationError) {
    let known = KnownSettings(catalogs)
    var faults: [ConfigurationFault] = []
    if let file {
      var walk = FileCheck(file: file, known: known)
      walk.check(file.root, path: "")
      faults = (file.faults + walk.faults).sorted { $0.place < $1.place }
    }
    for setting in catalogs.flatMap(\.settings) {
      // A variable that a flag overrides may be somebody else's of the same name.
      guard flags[setting.path] == nil, let (text, source) = variable(setting.environmentName) else { continue }
      do {
        _ = try setting.text(of: .text(text))
      } catch {
        faults.append(ConfigurationFault(setting.path, at: source, error))
      }
    }
    for (path, text) in flags.sorted(by: { $0.key < $1.key }) {
      guard let setting = known.byPath[path] else {
        faults.append(ConfigurationFault(.unknownKey, at: .flag(path), path: path, "no setting has the path '\(path)'"))
        continue
      }
      do {
        _ = try setting.text(of: .text(text))
      } catch {
        faults.append(ConfigurationFault(path, at: .flag(setting.flag), error))
      }
    }
    if let error = ConfigurationError(faults + known.faults) { throw error }
  }

  /// Checks that every required setting is set.
  ///
  /// - Throws: A fault for each that is not.
  public func checkIsComplete(_ catalogs: [SettingsCatalog]) throws(ConfigurationError) {
    let missing = catalogs.flatMap(\.settings).filter { $0.isRequired && !sets($0) }
    if let error = ConfigurationError(missing.map(ConfigurationFault.init(missing:))) { throw error }
  }

  /// Variables of the environment that no setting has, but that one may have been meant by: `DATABSE_URL`. The environment
  /// is everybody's, so that they are no faults. Their values are not looked at.
  public func misspelledVariables(_ catalogs: [SettingsCatalog]) -> [MisspelledVariable] {
    let settings = catalogs.flatMap(\.settings)
    let names = Set(settings.flatMap { [$0.environmentName, Self.fileVariable(of: $0.environmentName)] })
    let unset = settings.filter { !sets($0) }.map(\.environmentName)
    return environment.keys.filter { !names.contains($0) }.sorted().compactMap { variable in
      let near = unset.filter { abs($0.utf8.count - variable.utf8.count) <= 2 && $0.utf8.count >= 8 }
      let meant = near.first { Suggestion.distance($0, variable.uppercased()) <= 2 }
      return meant.map { MisspelledVariable(name: variable, meant: $0) }
    }
  }
}

/// A variable of the environment that is spelled much like that of a setting.
public struct MisspelledVariable: Sendable, Hashable, CustomStringConvertible {
  /// Its name.
  public let name: String
  /// The setting's variable.
  public let meant: String

  /// Both in a sentence.
  public var description: String { "the variable \(name) is no setting's; did you mean \(meant)?" }
}

/// The settings of all catalogues, by path, and how they contradict each other.
private struct KnownSettings {
  private(set) var byPath: [String: AnySetting] = [:]
  private(set) var sections: Set<String> = []
  private(set) var faults: [ConfigurationFault] = []

  init(_ catalogs: [SettingsCatalog]) {
    var owners: [String: String] = [:]
    var variables: [String: String] = [:]
    var flags: [String: String] = [:]
    for catalog in catalogs {
      for setting in catalog.settings {
        if !Self.isWellFormed(setting.path) {
          fault(setting, "the path of a setting is lower-case words with dots between them, found '\(setting.path)'")
        }
        if let owner = owners.updateValue(catalog.name, forKey: setting.path) {
          fault(setting, "the setting '\(setting.path)' is declared by '\(owner)' and by '\(catalog.name)'")
        } else if let other = variables.updateValue(setting.path, forKey: setting.environmentName) {
          fault(setting, "'\(other)' and '\(setting.path)' share the environment variable \(setting.environmentName)")
        } else if let other = flags.updateValue(setting.path, forKey: setting.flag) {
          fault(setting, "'\(other)' and '\(setting.path)' share the flag --\(setting.flag)")
        }
        byPath[setting.path] = setting
        var section = setting.path[...]
        while let dot = section.lastIndex(of: ".") {
          section = section[..<dot]
          sections.insert(String(section))
        }
      }
    }
    for path in sections.sorted() {
      guard let setting = byPath[path] else { continue }
      fault(setting, "'\(path)' is declared as a setting and as a section of settings")
    }
  }

  private mutating func fault(_ setting: AnySetting, _ message: String) {
    faults.append(ConfigurationFault(.declaration, at: nil, path: setting.path, message))
  }

  private static func isWellFormed(_ path: String) -> Bool {
    path.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { word in
      word.utf8.first.map { (0x61...0x7A).contains($0) } == true
        && word.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
    }
  }

  /// Whether a byte may stand in what somebody takes for a key: a letter, a digit, `_`, `-`, `.` or `<`, for YAML's
  /// merge keys.
  static func isOfKeys(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x3C, 0x5F: true
    default: false
    }
  }
}

/// Compares the tree of a file with the known settings.
private struct FileCheck {
  let file: ConfigurationFile
  let known: KnownSettings
  private(set) var faults: [ConfigurationFault] = []

  init(file: ConfigurationFile, known: KnownSettings) {
    self.file = file
    self.known = known
  }

  mutating func check(_ node: ConfigurationNode, path: String) {
    guard case .mapping(let entries) = node.content else { return }
    for entry in entries {
      let entryPath = path.isEmpty ? entry.key : "\(path).\(entry.key)"
      if entry.key.contains(".") || (known.byPath[entryPath] == nil && !known.sections.contains(entryPath)) {
        let source = file.source(entry.position)
        faults.append(ConfigurationFault(.unknownKey, at: source, path: entryPath, unknown(entry.key, entryPath)))
      } else if let setting = known.byPath[entryPath] {
        checkValue(entry.value, setting)
      } else {
        checkSection(entry.value, entryPath)
      }
    }
  }

  private mutating func checkValue(_ node: ConfigurationNode, _ setting: AnySetting) {
    do {
      _ = try setting.text(of: node.value)
    } catch {
      faults.append(ConfigurationFault(setting.path, at: file.source(node.position), error))
    }
  }

  private mutating func checkSection(_ node: ConfigurationNode, _ path: String) {
    switch node.content {
    case .mapping: check(node, path: path)
    case .scalar, .sequence:
      // A section whose keys are all commented out has no value, which is fine.
      guard node.value != .null else { return }
      let keys = known.byPath.keys.filter { $0.hasPrefix("\(path).") }.sorted()
      let example = keys.first.map { " such as '\($0.dropFirst(path.utf8.count + 1))'" } ?? ""
      let message = "\(path): expected a section with keys\(example), indented below it"
      faults.append(ConfigurationFault(.invalidValue, at: file.source(node.position), path: path, message))
    }
  }

  private func unknown(_ key: String, _ path: String) -> String {
    if let dot = key.lastIndex(of: "."), known.byPath[path] != nil {
      return "unknown key '\(key)': write '\(key[key.index(after: dot)...]):' indented below '\(key[..<dot]):'"
    }
    guard key.utf8.allSatisfy(KnownSettings.isOfKeys) else {
      // Not repeated: it may be a value, and that a secret.
      let hint = key.contains(":") ? ": a space is missing after the colon" : ""
      return "this is no key, which is letters, digits and '_'\(hint)"
    }
    let candidates = known.byPath.keys.sorted() + known.sections.sorted()
    let hint = Suggestion.nearestPath(to: path, among: candidates).map { " (did you mean '\($0)'?)" } ?? ""
    return "unknown key '\(path)'\(hint)"
  }
}

extension ConfigurationFault {
  /// Line and column, for sorting.
  fileprivate var place: (Int, Int) {
    guard case .file(_, let line, let column) = source else { return (0, 0) }
    return (line, column)
  }
}
