/// What a route's handler may return.
public protocol HTTPResponseConvertible: SendableMetatype {
  /// The response to send.
  ///
  /// - Throws: what a handler may throw; it is answered in the same way.
  func httpResponse() throws -> HTTPResponse
}

extension HTTPResponse: HTTPResponseConvertible {
  /// Itself.
  public func httpResponse() -> HTTPResponse { self }
}

extension String: HTTPResponseConvertible {
  /// 200 with the text as `text/plain; charset=utf-8`.
  public func httpResponse() -> HTTPResponse { HTTPResponse(self) }
}

extension HTTPStatus: HTTPResponseConvertible {
  /// The status, without a body.
  public func httpResponse() -> HTTPResponse { HTTPResponse(status: self) }
}
