import CYaml

/// An event of libyaml's parser, with the place where it starts.
struct YAMLEvent {
  enum Kind {
    case streamStart, streamEnd, documentStart, documentEnd
    case scalar(String, isPlain: Bool)
    case sequenceStart, sequenceEnd, mappingStart, mappingEnd
    case alias
  }

  var kind: Kind
  var position: ConfigurationNode.Position
  var anchor: String?
  var tag: String?
}

/// Text that is not YAML.
struct YAMLSyntaxError: Error {
  var position: ConfigurationNode.Position
  var problem: String
}

/// Reads the events of a YAML text: the only place that touches libyaml.
struct YAMLEventReader: ~Copyable {
  /// On the heap, since libyaml keeps pointers into both.
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let text: UnsafeMutableBufferPointer<UInt8>

  init(_ bytes: [UInt8]) throws(YAMLSyntaxError) {
    parser = .allocate(capacity: 1)
    parser.initialize(to: yaml_parser_t())
    text = .allocate(capacity: max(bytes.count, 1))
    _ = text.initialize(from: bytes)
    guard yaml_parser_initialize(parser) == 1 else {
      // No deinit runs for a value that was never whole.
      parser.deallocate()
      text.deallocate()
      throw YAMLSyntaxError(position: .init(line: 1, column: 1), problem: "not enough memory to read it")
    }
    yaml_parser_set_input_string(parser, text.baseAddress, bytes.count)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
    text.deallocate()
  }

  /// The next event. After `streamEnd` or an error there is none.
  mutating func next() throws(YAMLSyntaxError) -> YAMLEvent {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
    defer { yaml_event_delete(&event) }
    var result = YAMLEvent(kind: .streamEnd, position: .init(event.start_mark))
    switch event.type {
    case YAML_STREAM_START_EVENT: result.kind = .streamStart
    case YAML_DOCUMENT_START_EVENT: result.kind = .documentStart
    case YAML_DOCUMENT_END_EVENT: result.kind = .documentEnd
    case YAML_SEQUENCE_END_EVENT: result.kind = .sequenceEnd
    case YAML_MAPPING_END_EVENT: result.kind = .mappingEnd
    case YAML_ALIAS_EVENT: result.kind = .alias
    case YAML_SEQUENCE_START_EVENT:
      result.kind = .sequenceStart
      result.anchor = string(event.data.sequence_start.anchor)
      result.tag = string(event.data.sequence_start.tag)
    case YAML_MAPPING_START_EVENT:
      result.kind = .mappingStart
      result.anchor = string(event.data.mapping_start.anchor)
      result.tag = string(event.data.mapping_start.tag)
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
      result.kind = .scalar(
        String(decoding: bytes, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
      result.anchor = string(scalar.anchor)
      result.tag = string(scalar.tag)
    default: break  // YAML_STREAM_END_EVENT, and YAML_NO_EVENT, which follows it.
    }
    return result
  }

  private func string(_ bytes: UnsafeMutablePointer<UInt8>?) -> String? {
    bytes.map { String(cString: $0) }
  }

  private func syntaxError() -> YAMLSyntaxError {
    let problem = parser.pointee.problem.map { String(cString: $0) } ?? "it cannot be read"
    switch parser.pointee.error {
    case YAML_MEMORY_ERROR:
      return YAMLSyntaxError(position: .init(line: 1, column: 1), problem: "not enough memory to read it")
    case YAML_READER_ERROR:
      // The reader knows an offset in bytes and no line.
      return YAMLSyntaxError(position: position(ofByte: parser.pointee.problem_offset), problem: problem)
    default:
      let position = ConfigurationNode.Position(parser.pointee.problem_mark)
      guard parser.pointee.context != nil, let context = parser.pointee.context else {
        return YAMLSyntaxError(position: position, problem: problem + tabHint())
      }
      let start = ConfigurationNode.Position(parser.pointee.context_mark)
      let words = "\(problem) \(String(cString: context)) that starts on line \(start.line)"
      return YAMLSyntaxError(position: position, problem: words + tabHint())
    }
  }

  private func tabHint() -> String {
    let index = parser.pointee.problem_mark.index
    guard index < text.count, text[index] == UInt8(ascii: "\t") else { return "" }
    return " (indent with spaces, not tabs)"
  }

  private func position(ofByte offset: Int) -> ConfigurationNode.Position {
    let before = text.prefix(offset)
    let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    return .init(
      line: 1 + before.count { $0 == UInt8(ascii: "\n") },
      column: 1 + String(decoding: before[lineStart...], as: UTF8.self).unicodeScalars.count)
  }
}

extension ConfigurationNode.Position {
  fileprivate init(_ mark: yaml_mark_t) {
    self.init(line: mark.line + 1, column: mark.column + 1)
  }
}
