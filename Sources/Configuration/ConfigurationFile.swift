/// A configuration file in YAML, read into memory with the line and column of every value.
///
/// Only the plain part of YAML is taken: mappings, sequences and scalars in one document. Anchors, aliases, tags and
/// further documents are faults that ``Configuration/check(_:)-(SettingsCatalog...)`` reports beside the others.
public struct ConfigurationFile: Sendable {
  /// The name of the file, as given.
  public let path: String
  let root: ConfigurationNode
  let faults: [ConfigurationFault]

  /// Reads a file.
  ///
  /// - Throws: When the file cannot be read or is not YAML.
  public static func load(path: String) throws(ConfigurationError) -> ConfigurationFile {
    let bytes: [UInt8]
    do {
      bytes = try readFile(path)
    } catch {
      let message = "cannot read the configuration file '\(path)': \(error.reason)"
      throw ConfigurationError(ConfigurationFault(.unreadable, at: nil, message))
    }
    return try parse(bytes, path: path)
  }

  /// Reads YAML from memory; `path` is the name used in faults.
  ///
  /// - Throws: When the text is not YAML.
  public static func parse(_ text: String, path: String) throws(ConfigurationError) -> ConfigurationFile {
    try parse(Array(text.utf8), path: path)
  }

  static func parse(_ bytes: [UInt8], path: String) throws(ConfigurationError) -> ConfigurationFile {
    var builder = try YAMLTreeBuilder(bytes, file: path)
    let root = try builder.build()
    return ConfigurationFile(path: path, root: root, faults: builder.faults)
  }

  /// The value at a path and its place.
  func node(at path: String) -> ConfigurationNode? {
    root[path.split(separator: ".", omittingEmptySubsequences: false)[...]]
  }

  func source(_ position: ConfigurationNode.Position) -> ConfigurationSource {
    .file(path: path, line: position.line, column: position.column)
  }
}
