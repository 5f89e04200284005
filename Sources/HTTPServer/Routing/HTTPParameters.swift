/// The values of the `:name` and `*rest` places of a route's path, decoded.
public struct HTTPParameters: Sendable, Equatable {
  private let names: [String]
  private let values: [String]
  private let route: String

  init(names: [String] = [], values: [String] = [], route: String = "") {
    self.names = names
    self.values = values
    self.route = route
  }

  /// The text at the place of that name. Never empty for `:name`; `*rest` may be.
  ///
  /// - Throws: ``HTTPServerError`` with the code `noSuchParameter` when the route has no such place: a mistake in the
  ///   program, so the client sees 500.
  public subscript(name: String) -> String {
    get throws {
      guard let place = names.firstIndex(of: name) else {
        throw HTTPServerError.noSuchParameter(name, route: route, known: names)
      }
      return values[place]
    }
  }

  /// The value at the place of that name, converted: `try request.parameters["id", as: Int.self]`.
  ///
  /// - Throws: ``HTTPError`` 400 when the text is not such a value; as the other subscript when there is no such place.
  public subscript<Value: LosslessStringConvertible>(name: String, as type: Value.Type) -> Value {
    get throws {
      let text = try self[name]
      guard let value = Value(text) else {
        throw HTTPError(.badRequest, "\(name): “\(text)” is not a valid \(type)")
      }
      return value
    }
  }
}

extension HTTPParameters: ExpressibleByDictionaryLiteral {
  /// Parameters for a test of a handler.
  public init(dictionaryLiteral elements: (String, String)...) {
    self.init(names: elements.map(\.0), values: elements.map(\.1), route: "of a literal")
  }
}
