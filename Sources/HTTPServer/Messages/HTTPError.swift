/// What a handler throws to answer with a status: the client gets it with the body `{"error":"…"}`.
///
/// ```swift
/// guard let user = try await users.find(id) else { throw HTTPError(.notFound, "no user \(id)") }
/// ```
///
/// More than a text goes beside it, as `{"details":…,"error":"…"}`, or as a whole body in its place:
///
/// ```swift
/// throw HTTPError(.unprocessableContent, "check the form", details: ["email": "is taken", "age": "must not be negative"])
/// throw HTTPError(
///   .conflict, headers: ["Content-Type": "application/problem+json"],
///   body: Problem(type: "/problems/sold-out", title: "Sold out", item: 7))
/// ```
///
/// The message is shown to the client. Any error that is not an `HTTPError` (nor ``HTTPErrorConvertible``) becomes a
/// bare 500, and only the observer learns what it was.
public struct HTTPError: Error, Sendable {
  /// What the client gets as status.
  public var status: HTTPStatus
  /// What the client gets to read.
  public var message: String
  /// Fields for the response, such as `WWW-Authenticate` or `Retry-After`.
  public var headers: HTTPHeaders
  /// What the client gets beside the message, under the key `details`: what is wrong with which field, say.
  public var details: (any Encodable & Sendable)?
  /// What the client gets in place of message and details: problem details (RFC 9457), say.
  public var body: (any Encodable & Sendable)?

  /// An error for the client. Without a message the status speaks for itself.
  ///
  /// - Parameters:
  ///   - status: What the client gets as status.
  ///   - message: What the client gets to read.
  ///   - headers: Fields for the response.
  ///   - details: Stands beside the message, as JSON.
  ///   - body: Stands in place of message and details, as JSON; its type is `application/json` unless `headers` have one.
  public init(
    _ status: HTTPStatus, _ message: String? = nil, headers: HTTPHeaders = [:],
    details: (any Encodable & Sendable)? = nil, body: (any Encodable & Sendable)? = nil
  ) {
    self.status = status
    self.message = message ?? Self.defaultMessage(status)
    self.headers = headers
    self.details = details
    self.body = body
  }

  private static func defaultMessage(_ status: HTTPStatus) -> String {
    switch status {
    case .badRequest: "bad request"
    case .unauthorized: "unauthorized"
    case .forbidden: "forbidden"
    case .notFound: "not found"
    case .methodNotAllowed: "method not allowed"
    case .contentTooLarge: "request body too large"
    case .requestHeaderFieldsTooLarge: "request headers too large"
    case .internalServerError: "internal server error"
    case .serviceUnavailable: "service unavailable"
    default: "status \(status)"
    }
  }
}

extension HTTPError: CustomStringConvertible {
  /// Status and message.
  public var description: String { "\(status) \(message)" }
}

/// An error of the application that knows how it is to be shown to a client.
///
/// ```swift
/// extension UserNotFound: HTTPErrorConvertible {
///   var httpError: HTTPError { HTTPError(.notFound, "no such user") }
/// }
/// ```
public protocol HTTPErrorConvertible: Error {
  /// What the client is told.
  var httpError: HTTPError { get }
  /// Whether the observer hears of it too, as of an error that is not meant for clients. Default false.
  var isHandlerFailure: Bool { get }
}

extension HTTPErrorConvertible {
  /// The client's affair.
  public var isHandlerFailure: Bool { false }
}

extension HTTPError: HTTPErrorConvertible {
  /// Itself.
  public var httpError: HTTPError { self }
}

extension HTTPError {
  /// The body of the answer.
  func encoded() throws -> [UInt8] {
    if let body { return try JSONCoding.encode(body) }
    return try JSONCoding.encode(Shown(details: details.map(Shown.Details.init), error: message))
  }

  private struct Shown: Encodable {
    struct Details: Encodable {
      let value: any Encodable

      // By way of a container, which writes moments as all others.
      func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
      }
    }

    let details: Details?
    let error: String
  }
}
