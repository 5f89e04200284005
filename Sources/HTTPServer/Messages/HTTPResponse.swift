/// What a handler answers.
///
/// ```swift
/// HTTPResponse("hello")                                               // text/plain
/// HTTPResponse(status: .created, headers: ["Location": "/users/7"])
/// HTTPResponse.stream(contentType: "text/csv") { writer in
///   for try await row in rows { try await writer.write(row.csv) }
/// }
/// ```
///
/// `Content-Length`, `Transfer-Encoding`, `Date` and `Connection` are the server's own business.
public struct HTTPResponse: Sendable {
  /// The bytes after the headers.
  public enum Body: Sendable {
    /// Nothing.
    case empty
    /// Text, sent as UTF-8.
    case text(String)
    /// Bytes as they are.
    case bytes([UInt8])
    /// Bytes that are made while they are sent; the closure runs once the client has the headers.
    case stream(@Sendable (HTTPBodyWriter) async throws -> Void)
  }

  /// How it went.
  public var status: HTTPStatus
  /// Header fields.
  public var headers: HTTPHeaders
  /// The bytes after the headers; not sent in answer to `HEAD`.
  public var body: Body

  /// The error that this response was made from, for the observer and for tests: that behind a bare 500. Nil for errors
  /// that are meant for the client. Never sent.
  public internal(set) var failure: (any Error)?

  /// Whether the body would go on for ever: it ends when the server stops.
  var isEndless = false

  /// Takes over the socket; nil for an answer that stays with HTTP.
  var upgrade: (@Sendable (HTTPUpgradedConnection) -> Void)?

  /// A response from its parts.
  public init(status: HTTPStatus = .ok, headers: HTTPHeaders = [:], body: Body = .empty) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// Text as `text/plain; charset=utf-8`, or as another type.
  public init(_ text: String, status: HTTPStatus = .ok, contentType: String = "text/plain; charset=utf-8") {
    self.init(status: status, headers: ["Content-Type": contentType], body: .text(text))
  }

  /// Bytes as `application/octet-stream`, or as another type.
  public init(_ bytes: [UInt8], status: HTTPStatus = .ok, contentType: String = "application/octet-stream") {
    self.init(status: status, headers: ["Content-Type": contentType], body: .bytes(bytes))
  }

  /// A body that is made while it is sent, in chunks.
  ///
  /// The closure runs in a task of its own. ``HTTPBodyWriter/write(_:)-(String)`` waits while the client is slow. An
  /// error closes the connection without the final chunk, so that the client knows the body is incomplete.
  ///
  /// - Parameter isEndless: Whether the body has no end of its own, as a stream of events has none. When the server stops, its
  ///   task is cancelled, and with that it is complete: the client gets the final chunk. Otherwise the stop waits for
  ///   the end of the body as long as it has patience.
  public static func stream(
    status: HTTPStatus = .ok, contentType: String, isEndless: Bool = false,
    _ produce: @escaping @Sendable (HTTPBodyWriter) async throws -> Void
  ) -> HTTPResponse {
    var response = HTTPResponse(status: status, headers: ["Content-Type": contentType], body: .stream(produce))
    response.isEndless = isEndless
    return response
  }

  /// What a client gets for an error that a handler threw: status and `{"error":"…"}` of an ``HTTPErrorConvertible``,
  /// a bare 500 for any other. The server does this by itself; a middleware does it to see the response early.
  public init(error: any Error) {
    switch error {
    case let error as any HTTPErrorConvertible:
      self.init(error.httpError)
      if error.isHandlerFailure { failure = error }
    // Of another task, which the handler waited for, it is an error as any.
    case is CancellationError where Task.isCancelled:
      self.init(HTTPError(.serviceUnavailable, "the request was cancelled"))
    default:
      self.init(HTTPError(.internalServerError))
      failure = error
    }
  }

  private init(_ error: HTTPError) {
    self.init(status: error.status, headers: error.headers)
    let json: [UInt8]
    do {
      json = try error.encoded()
    } catch let fault {
      // The client gets the text, the observer hears of the rest.
      failure = fault
      json = (try? HTTPError(error.status, error.message).encoded()) ?? []
    }
    body = .bytes(json + [UInt8(ascii: "\n")])
    headers.setDefault("Content-Type", "application/json; charset=utf-8")
  }

  /// The body as bytes, for tests and middleware; nil for a stream, which ``collect(until:)`` runs.
  public var bytes: [UInt8]? {
    switch body {
    case .empty: []
    case .text(let text): Array(text.utf8)
    case .bytes(let bytes): bytes
    case .stream: nil
    }
  }
}
