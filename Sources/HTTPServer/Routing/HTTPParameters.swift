public import FoundationEssentials

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
    get throws { try TextConversion.value(self[name], of: name) }
  }

  /// The value at the place of that name, as an enumeration: `try request.parameters["status", as: Status.self]`.
  ///
  /// - Throws: ``HTTPError`` 400 when the text is no raw value of the type; the message lists those of a `CaseIterable`.
  @_disfavoredOverload
  public subscript<Value: RawRepresentable>(name: String, as type: Value.Type) -> Value
  where Value.RawValue: LosslessStringConvertible {
    get throws { try TextConversion.value(self[name], of: name) }
  }

  /// The value at the place of that name, as a UUID.
  ///
  /// - Throws: ``HTTPError`` 400 when the text is none.
  public subscript(name: String, as type: UUID.Type) -> UUID {
    get throws { try TextConversion.uuid(self[name], of: name) }
  }
}

extension HTTPParameters: ExpressibleByDictionaryLiteral {
  /// Parameters for a test of a handler.
  public init(dictionaryLiteral elements: (String, String)...) {
    self.init(names: elements.map(\.0), values: elements.map(\.1), route: "of a literal")
  }
}
