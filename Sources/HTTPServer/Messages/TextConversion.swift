internal import FoundationEssentials

/// Reads values from the text of a path or a query.
enum TextConversion {
  static func value<Value: LosslessStringConvertible>(_ text: String, of name: String) throws(HTTPError) -> Value {
    guard let value = Value(text) else { throw invalid(text, of: name, Value.self) }
    return value
  }

  static func uuid(_ text: String, of name: String) throws(HTTPError) -> UUID {
    guard let value = UUID(uuidString: text) else { throw invalid(text, of: name, UUID.self) }
    return value
  }

  /// The error lists what would have been right, where the type knows all its values.
  static func value<Value: RawRepresentable>(_ text: String, of name: String) throws(HTTPError) -> Value
  where Value.RawValue: LosslessStringConvertible {
    guard let value = Value.RawValue(text).flatMap(Value.init(rawValue:)) else {
      let known = (Value.self as? any CaseIterable.Type).map { texts(of: $0, as: Value.self) } ?? []
      throw invalid(text, of: name, Value.self, known: known)
    }
    return value
  }

  private static func texts<Cases: CaseIterable, Value: RawRepresentable>(
    of cases: Cases.Type, as type: Value.Type
  ) -> [String] where Value.RawValue: LosslessStringConvertible {
    cases.allCases.compactMap { ($0 as? Value)?.rawValue.description }
  }

  private static func invalid<Value>(
    _ text: String, of name: String, _ type: Value.Type, known: [String] = []
  ) -> HTTPError {
    let hint = known.isEmpty ? "" : "; it is one of: \(known.joined(separator: ", "))"
    return HTTPError(.badRequest, "\(name): “\(text)” is not a valid \(type)\(hint)")
  }
}
