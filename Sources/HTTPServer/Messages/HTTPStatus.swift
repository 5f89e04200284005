/// The three digits that say how a request went.
public struct HTTPStatus: Hashable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
  /// From 200 to 999; interim answers (1xx) are the server's own business.
  public let code: Int

  /// Any status. One outside 200...999 becomes 500 when it is sent.
  public init(_ code: Int) { self.code = code }

  /// Any status. One outside 200...999 becomes 500 when it is sent.
  public init(integerLiteral code: Int) { self.code = code }

  /// 101: the connection speaks something else from here on. See ``HTTPResponse/upgrade(to:headers:_:)``.
  public static let switchingProtocols: HTTPStatus = 101
  /// 200: here it is.
  public static let ok: HTTPStatus = 200
  /// 201: it exists now; say where in `Location`.
  public static let created: HTTPStatus = 201
  /// 202: it will be done later.
  public static let accepted: HTTPStatus = 202
  /// 204: done, nothing to say.
  public static let noContent: HTTPStatus = 204
  /// 301: it has moved for good.
  public static let movedPermanently: HTTPStatus = 301
  /// 302: it is elsewhere for now.
  public static let found: HTTPStatus = 302
  /// 303: the answer is elsewhere; `GET` it there.
  public static let seeOther: HTTPStatus = 303
  /// 304: what the client has is still good.
  public static let notModified: HTTPStatus = 304
  /// 307: it is elsewhere for now; ask there in the same way.
  public static let temporaryRedirect: HTTPStatus = 307
  /// 308: it has moved for good; ask there in the same way.
  public static let permanentRedirect: HTTPStatus = 308
  /// 400: the request makes no sense.
  public static let badRequest: HTTPStatus = 400
  /// 401: who is asking?
  public static let unauthorized: HTTPStatus = 401
  /// 403: known, and not allowed.
  public static let forbidden: HTTPStatus = 403
  /// 404: there is nothing here.
  public static let notFound: HTTPStatus = 404
  /// 405: the resource is here, the method does not fit it.
  public static let methodNotAllowed: HTTPStatus = 405
  /// 406: no form of it that the client would take.
  public static let notAcceptable: HTTPStatus = 406
  /// 408: the client took too long.
  public static let requestTimeout: HTTPStatus = 408
  /// 409: it contradicts the present state.
  public static let conflict: HTTPStatus = 409
  /// 410: it was here and will not come back.
  public static let gone: HTTPStatus = 410
  /// 413: the body is larger than the limit.
  public static let contentTooLarge: HTTPStatus = 413
  /// 415: the body's type is not understood.
  public static let unsupportedMediaType: HTTPStatus = 415
  /// 422: well formed, and wrong in what it says.
  public static let unprocessableContent: HTTPStatus = 422
  /// 426: not without changing the protocol.
  public static let upgradeRequired: HTTPStatus = 426
  /// 429: slow down.
  public static let tooManyRequests: HTTPStatus = 429
  /// 431: the headers are larger than the limit.
  public static let requestHeaderFieldsTooLarge: HTTPStatus = 431
  /// 499: the client went away before the answer. Seen by observers only.
  public static let clientClosedRequest: HTTPStatus = 499
  /// 500: our fault.
  public static let internalServerError: HTTPStatus = 500
  /// 501: not a thing this server does.
  public static let notImplemented: HTTPStatus = 501
  /// 502: whom we asked answered nonsense.
  public static let badGateway: HTTPStatus = 502
  /// 503: not now.
  public static let serviceUnavailable: HTTPStatus = 503
  /// 504: whom we asked did not answer in time.
  public static let gatewayTimeout: HTTPStatus = 504

  /// Answers with this status may have no body (204, 205, 304 and 1xx).
  public var forbidsBody: Bool { code == 204 || code == 205 || code == 304 || code < 200 }

  /// The number.
  public var description: String { String(code) }
}
