public import HTTPServer
public import ResourcePool

/// A handler that waited for a connection in vain is not at fault, and may succeed elsewhere or soon: what spreads the load should
/// know. The log hears of it all the same.
extension PoolError: HTTPErrorConvertible {
  /// 503 while the pool cannot lend a connection, 500 where it was used wrongly.
  public var httpError: HTTPError {
    switch code {
    case .acquireTimeout, .unavailable, .closed: HTTPError(.serviceUnavailable, headers: ["Retry-After": "1"])
    default: HTTPError(.internalServerError)
    }
  }

  /// It says who holds the connections, or why there are none.
  public var isHandlerFailure: Bool { true }
}
