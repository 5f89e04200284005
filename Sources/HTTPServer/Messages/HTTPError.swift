/// What a handler throws to answer with a status: the client gets it with the body `{"error":"…"}`.
///
/// ```swift
/// guard let user = try await users.find(id) else { throw HTTPError(.notFound, "no user \(id)") }
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

  /// An error for the client. Without a message the status speaks for itself.
  public init(_ status: HTTPStatus, _ message: String? = nil, headers: HTTPHeaders = [:]) {
    self.status = status
    self.message = message ?? Self.defaultMessage(status)
    self.headers = headers
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
}

extension HTTPError: HTTPErrorConvertible {
  /// Itself.
  public var httpError: HTTPError { self }
}
