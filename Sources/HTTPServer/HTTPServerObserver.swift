/// Is told what a server does. Logging and metrics are observers.
///
/// All calls come from the server's loop, in the order of what happened; they must not block. Only those of
/// ``HTTPServer/HTTPServer/respond(to:)``, in tests, come from where that is called. Every call has an empty default.
public protocol HTTPServerObserver: Sendable {
  /// A client connected.
  func connectionOpened(remoteAddress: String)
  /// A connection is closed, after so many requests. None is the mark of a port scan, or of bytes that are not HTTP.
  func connectionClosed(remoteAddress: String, requests: Int)
  /// A request is over: answered, or given up.
  func requestFinished(_ record: HTTPRequestRecord)
  /// A request broke the rules of HTTP and never reached a handler; it was answered with `status`, or not at all when
  /// `status` is nil.
  func requestMalformed(remoteAddress: String, status: HTTPStatus?)
  /// A handler (or the closure of a stream) threw an error that is not meant for the client.
  func handlerFailed(_ error: any Error, request: HTTPRequest)
  /// The HTTP library has something to say, mostly about connections that broke.
  func libraryReported(_ message: String)
}

extension HTTPServerObserver {
  /// Does nothing.
  public func connectionOpened(remoteAddress: String) {}
  /// Does nothing.
  public func connectionClosed(remoteAddress: String, requests: Int) {}
  /// Does nothing.
  public func requestFinished(_ record: HTTPRequestRecord) {}
  /// Does nothing.
  public func requestMalformed(remoteAddress: String, status: HTTPStatus?) {}
  /// Does nothing.
  public func handlerFailed(_ error: any Error, request: HTTPRequest) {}
  /// Does nothing.
  public func libraryReported(_ message: String) {}
}

/// Observes nothing.
public struct SilentHTTPServerObserver: HTTPServerObserver {
  /// Observes nothing.
  public init() {}
}
