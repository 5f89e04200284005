public import EventLoop
internal import Synchronization

/// An HTTP/1.1 server on an event loop.
///
/// ```swift
/// let loop = try EventLoop()
/// let server = try HTTPServer(
///   routes: [
///     Route(.get, "/hello/:name") { request in "hello \(try request.parameters["name"])\n" }
///   ],
///   loop: loop)
/// let address = try await server.start()
/// …
/// let cutOff = await server.stop(grace: .seconds(10))
/// await loop.stop()
/// ```
///
/// Handlers run as tasks that prefer the loop, so that a handler, its queries and its answer stay on one thread. They
/// must not block. Several servers may share a loop, one for the public and one for administrators, say. Stop a server
/// before its loop, so that requests get the time to finish.
public final class HTTPServer: Sendable {
  private let daemon: Daemon
  private let listening = Mutex<(address: HTTPServerAddress?, isOver: Bool)>((nil, false))
  /// Held by whoever closes a server whose loop is gone, and with it the thread that all else relies on.
  private let orphan = Mutex(())

  /// Checks configuration and routes; nothing listens yet.
  ///
  /// - Parameters:
  ///   - configuration: Where to listen, limits and time-outs.
  ///   - routes: What is answered.
  ///   - middleware: Stands around all handlers, the first one outermost.
  ///   - loop: Runs everything.
  ///   - observer: Is told what happens.
  /// - Throws: ``HTTPServerError``: `invalidRoutes` naming all conflicts with their places, `invalidConfiguration`.
  public init(
    configuration: HTTPServerConfiguration = HTTPServerConfiguration(), routes: [Route],
    middleware: [any HTTPMiddleware] = [], loop: EventLoop,
    observer: any HTTPServerObserver = SilentHTTPServerObserver()
  ) throws(HTTPServerError) {
    daemon = try Daemon(
      configuration: configuration, routes: routes, middleware: middleware, loop: loop, observer: observer)
  }

  /// Where the server listens, with the port that the system chose for port 0. Nil before the start and from the stop on.
  public var address: HTTPServerAddress? { listening.withLock { $0.address } }

  /// Listens and serves.
  ///
  /// - Returns: Where it listens: with the port that the system chose for port 0.
  /// - Throws: ``HTTPServerError``: `addressInUse`, `cannotListen`, `invalidAddress`, `cannotStart`, `alreadyStarted`.
  @discardableResult
  public func start() async throws(HTTPServerError) -> HTTPServerAddress {
    let result = await withCheckedContinuation { continuation in
      let runs = daemon.loop.execute { [daemon] in
        continuation.resume(returning: Result { () throws(HTTPServerError) in try daemon.start() })
      }
      if !runs {
        continuation.resume(
          returning: .failure(HTTPServerError(.cannotStart, "the event loop of the HTTP server has been stopped")))
      }
    }
    let address = try result.get()
    // Not after a stop that came in between.
    listening.withLock { if !$0.isOver { $0.address = address } }
    return address
  }

  /// Stops gracefully: accepts no more connections, lets the requests under way finish, and after `grace` cancels the
  /// handlers that have not, answers 503 in their place, and closes everything.
  ///
  /// Safe to call twice; the second call waits for the same end. A server that was stopped does not start again. When
  /// the loop was stopped first, nothing can finish any more: the server closes at once.
  ///
  /// - Returns: How many requests were cut off.
  @discardableResult
  public func stop(grace: Duration = .seconds(10)) async -> Int {
    listening.withLock { $0 = (nil, true) }
    return await withCheckedContinuation { continuation in
      let runs = daemon.loop.execute { [daemon] in
        daemon.stop(grace: grace) { continuation.resume(returning: $0) }
      }
      if !runs { continuation.resume(returning: orphan.withLock { _ in daemon.closeWithoutLoop() }) }
    }
  }

  /// Answers a request without a socket, middleware and limits of bodies included: for tests of routes.
  ///
  /// The observer hears of errors that are not meant for the client, and of nothing else; they are the
  /// ``HTTPResponse/failure`` of the answer, too. ``HTTPResponse/json(_:decoder:)`` and ``HTTPResponse/collect(until:)`` read it.
  public func respond(to request: HTTPRequest) async -> HTTPResponse {
    let plan = daemon.plan(request.method, target: request.target)
    // As over a socket: before any middleware.
    guard request.body.count <= plan.endpoint.bodyLimit ?? daemon.configuration.bodyLimit else {
      return HTTPResponse(error: HTTPError(.contentTooLarge))
    }
    var request = request
    request.parameters = plan.parameters
    request.route = plan.endpoint.path
    let response: HTTPResponse
    do {
      response = try await plan.endpoint.handler(request)
    } catch {
      response = HTTPResponse(error: error)
    }
    if let failure = response.failure {
      daemon.observer.handlerFailed(failure, request: request.identified(by: response))
    }
    return response
  }
}
