/// Answers 504 in place of a handler that takes too long, and cancels it.
///
/// The handler has to heed its cancellation, as queries and sleeps do: the answer is sent when it has ended. Streams are
/// not limited: their handler has answered when they begin.
public struct TimeoutMiddleware: HTTPMiddleware {
  private let limit: Duration

  /// - Parameter limit: How long a handler may take.
  public init(_ limit: Duration) {
    // A century: the system's clock traps on times that are too far away.
    self.limit = min(limit, .seconds(100 * 365 * 86_400))
  }

  /// Handles the request within the limit.
  public func handle(_ request: HTTPRequest, next: @escaping HTTPHandler) async throws -> HTTPResponse {
    try await withThrowingTaskGroup(of: HTTPResponse?.self) { group in
      group.addTask { try await next(request) }
      group.addTask {
        try await Task.sleep(for: limit)
        return nil
      }
      defer { group.cancelAll() }
      // The first of the two to end.
      guard let response = try await group.next() ?? nil else {
        throw HTTPError(.gatewayTimeout, "no answer within \(limit)")
      }
      return response
    }
  }
}
