/// Answers a request.
public typealias HTTPHandler = @Sendable (HTTPRequest) async throws -> HTTPResponse

/// Something that stands between the server and the handlers: it may change the request, answer by itself, change the
/// response, or look at what went wrong.
///
/// ```swift
/// struct Timing: HTTPMiddleware {
///   func handle(_ request: HTTPRequest, next: @escaping HTTPHandler) async throws -> HTTPResponse {
///     let start = ContinuousClock.now
///     var response = try await next(request)
///     response.headers["Server-Timing"] = "app;dur=\((ContinuousClock.now - start) / .milliseconds(1))"
///     return response
///   }
/// }
/// ```
///
/// Middleware sees every request, those without a route too (``HTTPRequest/route`` is nil then). The first of a server's
/// list is the outermost. What a handler throws comes out of `next`; `HTTPResponse(error:)` is what it will become.
public protocol HTTPMiddleware: Sendable {
  /// Handles a request with the help of what comes after.
  func handle(_ request: HTTPRequest, next: @escaping HTTPHandler) async throws -> HTTPResponse
}
