/// A request that is over, for access logs and metrics.
public struct HTTPRequestRecord: Sendable {
  /// How it ended.
  public enum Outcome: String, Sendable, CaseIterable {
    /// The whole response was handed to the system.
    case answered
    /// The client went away, before the response or in the middle of it.
    case clientGone = "client_gone"
    /// The client was too slow.
    case timedOut = "timed_out"
    /// A stop ran out of patience.
    case cutOff = "cut_off"
    /// A stream threw, or the response could not be sent.
    case failed
  }

  /// What was asked for.
  public var method: HTTPMethod
  /// The target as it was sent. It may hold secrets.
  public var target: String
  /// The path of the route, as declared; nil when none fitted. Metrics use it, for targets are without number.
  public var route: String?
  /// The status that was answered. Without an answer: 499 when the client left, 408 when it was too slow, 503 when a stop
  /// cut it off.
  public var status: HTTPStatus
  /// How it ended.
  public var outcome: Outcome
  /// From the end of the headers to the last byte of the response.
  public var duration: Duration
  /// The bytes of the request's body.
  public var requestBytes: Int
  /// The bytes of the response's body as far as they were made.
  public var responseBytes: Int
  /// The client's address.
  public var remoteAddress: String
  /// The id that ``RequestIDMiddleware`` gave it.
  public var id: String?

  /// A record from its parts, for tests of observers.
  public init(
    method: HTTPMethod, target: String, route: String?, status: HTTPStatus, outcome: Outcome, duration: Duration,
    requestBytes: Int, responseBytes: Int, remoteAddress: String, id: String?
  ) {
    self.method = method
    self.target = target
    self.route = route
    self.status = status
    self.outcome = outcome
    self.duration = duration
    self.requestBytes = requestBytes
    self.responseBytes = responseBytes
    self.remoteAddress = remoteAddress
    self.id = id
  }
}
