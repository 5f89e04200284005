/// A request as a handler gets it: headers and body are complete.
///
/// The handler runs as a task that is cancelled when the client goes away and when a graceful stop runs out of time.
/// A client that closes only its sending side, as `nc -N` does, counts as gone while a handler waits.
public struct HTTPRequest: Sendable {
  /// What is asked for.
  public var method: HTTPMethod
  /// What stands in the request line, undecoded: `/a%20b?c=d`.
  public var target: String
  /// The path, decoded: `/a b`. A `%2F` inside a segment looks like a separator here; ``parameters`` keeps it apart.
  public var path: String
  /// Header fields.
  public var headers: HTTPHeaders
  /// The values of the route's `:name` and `*rest` places.
  public var parameters: HTTPParameters
  /// The body; at most ``HTTPServerConfiguration/bodyLimit`` bytes, or the route's own limit.
  public var body: [UInt8]
  /// The client's address without its port, `unix` for a unix socket. Behind a proxy it is the proxy's.
  public var remoteAddress: String
  /// The path of the route that answers, as it was declared: `/users/:id`. Nil when none fits.
  public var route: String?
  /// Identifies the request in logs; set by ``RequestIDMiddleware``.
  public var id: String?

  /// What middleware hands on, by its keys. Empty, it takes no memory of its own.
  var values: [ObjectIdentifier: any Sendable] = [:]

  /// A request from its parts, for tests of handlers. The path is taken from the target.
  public init(
    _ method: HTTPMethod = .get, _ target: String = "/", headers: HTTPHeaders = [:], body: [UInt8] = [],
    parameters: HTTPParameters = [:]
  ) {
    self.method = method
    self.target = target
    path = (try? RequestPath(target: target).decoded) ?? target
    self.headers = headers
    self.parameters = parameters
    self.body = body
    remoteAddress = "127.0.0.1"
  }

  init(
    method: HTTPMethod, target: String, path: String, headers: HTTPHeaders, parameters: HTTPParameters,
    remoteAddress: String, route: String?
  ) {
    self.method = method
    self.target = target
    self.path = path
    self.headers = headers
    self.parameters = parameters
    self.body = []
    self.remoteAddress = remoteAddress
    self.route = route
  }

  /// With the id that ``RequestIDMiddleware`` gave it: to a copy, so that only the answer tells.
  func identified(by response: HTTPResponse) -> HTTPRequest {
    guard id == nil else { return self }
    var request = self
    request.id = response.headers["X-Request-ID"]
    return request
  }

  /// The items after the `?`, decoded at each call.
  public var query: HTTPQuery {
    guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else { return HTTPQuery("") }
    return HTTPQuery(target[target.utf8.index(after: mark)...])
  }

  /// The body as text.
  ///
  /// - Throws: ``HTTPError`` 400 when it is not UTF-8.
  public var text: String {
    get throws {
      guard let text = String(validating: body, as: UTF8.self) else {
        throw HTTPError(.badRequest, "the body is not UTF-8")
      }
      return text
    }
  }
}
