/// Turns the events of a YAML text into a tree, and collects what configuration files may not contain.
struct YAMLTreeBuilder: ~Copyable {
  /// Far deeper than settings go; guards the stack against hostile files.
  private static let maxDepth = 32
  private static let quotes = "text that begins so needs quotes"

  private let file: String
  private var reader: YAMLEventReader
  private(set) var faults: [ConfigurationFault] = []

  /// - Parameter file: The name used in faults.
  init(_ bytes: [UInt8], file: String) throws(ConfigurationError) {
    self.file = file
    do {
      reader = try YAMLEventReader(bytes)
    } catch {
      throw ConfigurationError(Self.malformed(error, file))
    }
  }

  /// The root mapping; empty for an empty file.
  ///
  /// - Throws: When the text is not YAML; the faults found before that place come with it.
  mutating func build() throws(ConfigurationError) -> ConfigurationNode {
    do {
      return try document()
    } catch {
      throw ConfigurationError(faults + [Self.malformed(error, file)])
        ?? ConfigurationError(Self.malformed(error, file))
    }
  }

  private static func malformed(_ error: YAMLSyntaxError, _ file: String) -> ConfigurationFault {
    ConfigurationFault(
      .malformed, at: .file(path: file, line: error.position.line, column: error.position.column),
      "this is not YAML: \(error.problem)")
  }

  private mutating func document() throws(YAMLSyntaxError) -> ConfigurationNode {
    let empty = ConfigurationNode(content: .mapping([]), position: .init(line: 1, column: 1))
    var root: ConfigurationNode?
    while true {
      let event = try reader.next()
      switch event.kind {
      case .streamEnd: return root ?? empty
      case .streamStart, .documentEnd: continue
      case .documentStart:
        guard root != nil else { continue }
        fault(.unsupported, event.position, nil, "a second document starts here: put all settings into one")
        return root ?? empty
      default: root = mapping(from: try node(event, path: "", depth: 0), orElse: empty)
      }
    }
  }

  private mutating func mapping(
    from node: ConfigurationNode, orElse empty: ConfigurationNode
  ) -> ConfigurationNode {
    if case .mapping = node.content { return node }
    if node.value != .null {
      fault(.invalidValue, node.position, nil, "expected keys and values, such as 'log:' or 'database:'")
    }
    return empty
  }

  private mutating func node(
    _ event: YAMLEvent, path: String, depth: Int
  ) throws(YAMLSyntaxError) -> ConfigurationNode {
    guard depth < Self.maxDepth else {
      throw YAMLSyntaxError(position: event.position, problem: "it is nested more than \(Self.maxDepth) levels deep")
    }
    // Their names are not repeated: a password that begins with such a mark, and is not in quotes, is one.
    if event.anchor != nil {
      fault(.unsupported, event.position, path, "anchors ('&') are not supported: write the value out; \(Self.quotes)")
    }
    if event.tag != nil {
      fault(.unsupported, event.position, path, "tags ('!') are not supported: leave the tag out; \(Self.quotes)")
    }
    switch event.kind {
    case .scalar(let text, let isPlain):
      return ConfigurationNode(content: .scalar(text, isPlain: isPlain), position: event.position)
    case .sequenceStart: return try sequence(event.position, path: path, depth: depth)
    case .mappingStart: return try mapping(event.position, path: path, depth: depth)
    case .alias:
      fault(.unsupported, event.position, path, "aliases ('*') are not supported: write the value out; \(Self.quotes)")
    case .streamStart, .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd:
      break  // libyaml does not begin a node with these; no value is the honest reading.
    }
    return ConfigurationNode(content: .scalar("", isPlain: true), position: event.position)
  }

  private mutating func sequence(
    _ position: ConfigurationNode.Position, path: String, depth: Int
  ) throws(YAMLSyntaxError) -> ConfigurationNode {
    var nodes: [ConfigurationNode] = []
    while true {
      let event = try reader.next()
      switch event.kind {
      case .sequenceEnd, .streamEnd: return ConfigurationNode(content: .sequence(nodes), position: position)
      default: nodes.append(try node(event, path: path, depth: depth + 1))
      }
    }
  }

  private mutating func mapping(
    _ position: ConfigurationNode.Position, path: String, depth: Int
  ) throws(YAMLSyntaxError) -> ConfigurationNode {
    var entries: [ConfigurationNode.Entry] = []
    var lines: [String: Int] = [:]
    while true {
      let keyEvent = try reader.next()
      switch keyEvent.kind {
      case .mappingEnd, .streamEnd: return ConfigurationNode(content: .mapping(entries), position: position)
      default: break
      }
      let keyNode = try node(keyEvent, path: path, depth: depth + 1)
      guard case .scalar(let key, _) = keyNode.content else {
        fault(.unsupported, keyNode.position, path, "a key must be a word, found a list or a section")
        _ = try node(try reader.next(), path: path, depth: depth + 1)
        continue
      }
      let keyPath = path.isEmpty ? key : "\(path).\(key)"
      let value = try node(try reader.next(), path: keyPath, depth: depth + 1)
      if let line = lines[key] {
        fault(.duplicateKey, keyNode.position, keyPath, "duplicate key '\(keyPath)' (first on line \(line))")
        continue
      }
      lines[key] = keyNode.position.line
      entries.append(.init(key: key, position: keyNode.position, value: value))
    }
  }

  private mutating func fault(
    _ code: ConfigurationFault.Code, _ position: ConfigurationNode.Position, _ path: String?, _ message: String
  ) {
    let source = ConfigurationSource.file(path: file, line: position.line, column: position.column)
    faults.append(ConfigurationFault(code, at: source, path: path, message))
  }
}
