extension SQL {
  /// The text with a literal for each parameter, for a script, which takes none. The literals mean the same whatever
  /// `standard_conforming_strings` is.
  ///
  /// - Throws: ``PostgresError`` for a value that is neither text, number, truth value nor list of numbers.
  package func inlined() throws(PostgresError) -> String {
    guard !binds.isEmpty else { return text }
    var result = ""
    for (index, piece) in pieces.enumerated() {
      if index > 0 { result += try Self.literal(binds[index - 1].value) }
      result += piece
    }
    return result
  }

  private static func literal(_ value: any PostgresEncodable) throws(PostgresError) -> String {
    switch value {
    case let value where value.isNull: return "NULL"
    case let value as String: return quoted(value)
    case let value as Bool: return value ? "true" : "false"
    // In quotes, so that a sign is part of the number.
    case let value as any FixedWidthInteger: return "'\(value)'"
    case let value as Double: return "'\(value)'"
    case let values as [Int64]: return "'{\(values.map(String.init).joined(separator: ","))}'"
    default: throw PostgresError(.unsupported, "a \(type(of: value)) has no place in a script")
    }
  }

  static func quoted(_ text: String) -> String { "E'\(text.escaping("'\\"))'" }
}
