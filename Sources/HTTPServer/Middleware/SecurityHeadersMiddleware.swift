/// Adds header fields that make browsers careful, to every response that does not have them already.
public struct SecurityHeadersMiddleware: HTTPMiddleware {
  /// What is added if nothing else is asked for: no guessing of types, no frames, no referrer, scripts and styles from
  /// the same place only.
  public static let defaults: HTTPHeaders = [
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
  ]

  private let fields: HTTPHeaders

  /// - Parameter fields: What to add. Under HTTPS, think of `Strict-Transport-Security`.
  public init(_ fields: HTTPHeaders = SecurityHeadersMiddleware.defaults) { self.fields = fields }

  /// Handles the request and adds the fields, to answers that are errors too.
  public func handle(_ request: HTTPRequest, next: @escaping HTTPHandler) async throws -> HTTPResponse {
    var response: HTTPResponse
    do {
      response = try await next(request)
    } catch {
      response = HTTPResponse(error: error)
    }
    for field in fields { response.headers.setDefault(field.name, field.value) }
    return response
  }
}
