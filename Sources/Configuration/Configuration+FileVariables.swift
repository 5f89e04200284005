extension Configuration {
  /// Returns the configuration with what files hold that the environment names: the text of the file at `DATABASE_URL_FILE`
  /// counts as if it stood in `DATABASE_URL`. For secrets that Docker, Kubernetes or systemd mount as files.
  ///
  /// A line break at the end is not part of the value. A file whose setting has a flag is not read.
  ///
  /// - Throws: All faults: files that cannot be read, are empty or no UTF-8, and settings with both variables.
  public func readingFileVariables(_ catalogs: [SettingsCatalog]) throws(ConfigurationError) -> Configuration {
    var copy = self
    var faults: [ConfigurationFault] = []
    for setting in catalogs.flatMap(\.settings) where flags[setting.path] == nil {
      let name = setting.environmentName
      guard let path = pathOfFile(for: name, catalogs) else { continue }
      do throws(FileReadError) {
        guard environment[name, default: ""].isEmpty else {
          throw FileReadError(reason: "\(name) is set too; unset one of them")
        }
        copy.files[name] = try Self.value(inFile: path)
      } catch {
        faults.append(
          ConfigurationFault(
            .unreadable, at: .environment(Self.fileVariable(of: name)), path: setting.path,
            "\(setting.path): \(error.reason)"))
      }
    }
    if let error = ConfigurationError(faults) { throw error }
    return copy
  }

  /// The variable that names a file in the place of a value.
  static func fileVariable(of name: String) -> String { "\(name)_FILE" }

  private func pathOfFile(for name: String, _ catalogs: [SettingsCatalog]) -> String? {
    let variable = Self.fileVariable(of: name)
    guard let path = environment[variable], !path.isEmpty else { return nil }
    // It may be the variable of another setting.
    return catalogs.contains { $0.settings.contains { $0.environmentName == variable } } ? nil : path
  }

  private static func value(inFile path: String) throws(FileReadError) -> String {
    let bytes: [UInt8]
    do {
      bytes = try readFile(path)
    } catch {
      throw FileReadError(reason: "\(path) cannot be read: \(error.reason)")
    }
    guard var text = String(validating: bytes, as: UTF8.self) else {
      throw FileReadError(reason: "\(path) is not UTF-8")
    }
    // One character, even as CR LF.
    if text.last?.isNewline == true { text.removeLast() }
    guard !text.isEmpty else { throw FileReadError(reason: "\(path) is empty") }
    return text
  }
}
