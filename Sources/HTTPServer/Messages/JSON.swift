public import FoundationEssentials

/// A value that is answered as JSON: `Route(.get, "/users") { _ in JSON(try await users.all()) }`.
///
/// Dates are written as ISO 8601, with milliseconds or microseconds if they have any
/// (`2026-01-31T12:00:00Z`, `…:00.250Z`, `…:00.000001Z`), and keys in alphabetical order, so that equal values give equal
/// bytes.
public struct JSON<Value: Encodable>: HTTPResponseConvertible {
  /// What is encoded.
  public var value: Value
  /// The status to answer with.
  public var status: HTTPStatus

  /// Answers `value` as JSON.
  public init(_ value: Value, status: HTTPStatus = .ok) {
    self.value = value
    self.status = status
  }

  /// The encoded value as `application/json`.
  public func httpResponse() throws -> HTTPResponse {
    HTTPResponse(try JSONCoding.encode(value), status: status, contentType: "application/json; charset=utf-8")
  }
}

extension JSON: Sendable where Value: Sendable {}

extension HTTPRequest {
  /// The body, decoded from JSON. Dates are read as ISO 8601, fractions of a second included, unless the decoder says
  /// otherwise.
  ///
  /// - Throws: ``HTTPError``: 415 when `Content-Type` says that it is something else, 400 when it is not JSON, 422 when
  ///   the JSON is not such a value; the message names the place.
  public func json<Value: Decodable>(_ type: Value.Type = Value.self, decoder: JSONDecoder? = nil) throws -> Value {
    if let contentType = headers["Content-Type"] {
      let mediaType = contentType.prefix { $0 != ";" && $0 != " " }.lowercased()
      guard mediaType == "application/json" || mediaType.hasSuffix("+json") else {
        throw HTTPError(.unsupportedMediaType, "expected application/json, got \(mediaType)")
      }
    }
    let decoder = decoder ?? JSONCoding.decoder()
    do {
      return try decoder.decode(type, from: Data(body))
    } catch let error as DecodingError {
      // Of a number that does not fit, 1.5 for an Int, the decoder says the same as of what is no JSON.
      let isJSON = (try? decoder.decode(Anything.self, from: Data(body))) != nil
      throw Self.clientError(error, isJSON: isJSON)
    }
  }

  /// Takes every value, and nothing of it.
  private struct Anything: Decodable {
    init(from decoder: any Decoder) {}
  }

  private static func clientError(_ error: DecodingError, isJSON: Bool) -> HTTPError {
    switch error {
    case .keyNotFound(let key, let context):
      HTTPError(.unprocessableContent, "\(place(context.codingPath + [key])): missing")
    case .valueNotFound(_, let context):
      HTTPError(.unprocessableContent, "\(place(context.codingPath)): must not be null")
    case .typeMismatch(let type, let context):
      HTTPError(.unprocessableContent, "\(place(context.codingPath)): \(expectation(type))")
    case .dataCorrupted where !isJSON:
      HTTPError(.badRequest, "the body is not valid JSON")
    case .dataCorrupted(let context):
      HTTPError(.unprocessableContent, "\(place(context.codingPath)): not a valid value")
    @unknown default:
      HTTPError(.unprocessableContent, "the body does not have the expected form")
    }
  }

  /// In the words of JSON: the client knows no Swift.
  private static func expectation(_ type: any Any.Type) -> String {
    switch type {
    case is String.Type: "expected a string"
    case is Bool.Type: "expected true or false"
    case is any FixedWidthInteger.Type: "expected a whole number"
    case is any BinaryFloatingPoint.Type, is Decimal.Type: "expected a number"
    // Of every list and object the decoder says what it would have read it as: [Any] and [String: Any].
    case is [Any].Type: "expected an array"
    case is [String: Any].Type: "expected an object"
    default: "not a valid value"
    }
  }

  /// `items[2].name`
  private static func place(_ path: [any CodingKey]) -> String {
    guard !path.isEmpty else { return "body" }
    return path.reduce(into: "") { text, key in
      if let index = key.intValue {
        text += "[\(index)]"
      } else {
        text += text.isEmpty ? key.stringValue : ".\(key.stringValue)"
      }
    }
  }
}
