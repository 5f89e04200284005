/// A value in a configuration file and its place.
struct ConfigurationNode: Sendable {
  /// A place in a file; both count from 1.
  struct Position: Sendable, Hashable {
    var line: Int
    var column: Int
  }

  struct Entry: Sendable {
    var key: String
    var position: Position
    var value: ConfigurationNode
  }

  enum Content: Sendable {
    case scalar(String, isPlain: Bool)
    case sequence([ConfigurationNode])
    case mapping([Entry])
  }

  var content: Content
  var position: Position

  /// The node as a setting reads it.
  var value: ConfigurationValue {
    switch content {
    case .scalar(let text, let isPlain): isPlain && Self.nullWords.contains(text) ? .null : .text(text)
    case .sequence(let nodes): .list(nodes.map(\.value))
    case .mapping: .section
    }
  }

  private static let nullWords: Set<String> = ["", "~", "null", "Null", "NULL"]

  /// The node at a path of keys below this one.
  subscript(path: ArraySlice<Substring>) -> ConfigurationNode? {
    guard let key = path.first else { return self }
    guard case .mapping(let entries) = content else { return nil }
    return entries.first { $0.key == key }?.value[path.dropFirst()]
  }
}
