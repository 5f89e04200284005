/// Several observers as one: a log and metrics, say. Each is told in the order of the list.
public struct HTTPServerObservers: HTTPServerObserver {
  private let observers: [any HTTPServerObserver]

  /// Tells all of these.
  public init(_ observers: any HTTPServerObserver...) { self.observers = observers }

  /// Tells all.
  public func connectionOpened(remoteAddress: String) {
    for observer in observers { observer.connectionOpened(remoteAddress: remoteAddress) }
  }

  /// Tells all.
  public func connectionClosed(remoteAddress: String, requests: Int) {
    for observer in observers { observer.connectionClosed(remoteAddress: remoteAddress, requests: requests) }
  }

  /// Tells all.
  public func requestFinished(_ record: HTTPRequestRecord) {
    for observer in observers { observer.requestFinished(record) }
  }

  /// Tells all.
  public func requestMalformed(remoteAddress: String, status: HTTPStatus?) {
    for observer in observers { observer.requestMalformed(remoteAddress: remoteAddress, status: status) }
  }

  /// Tells all.
  public func handlerFailed(_ error: any Error, request: HTTPRequest) {
    for observer in observers { observer.handlerFailed(error, request: request) }
  }

  /// Tells all.
  public func libraryReported(_ message: String) {
    for observer in observers { observer.libraryReported(message) }
  }
}
