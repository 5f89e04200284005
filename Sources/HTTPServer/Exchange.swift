internal import EventLoop

/// One request and its answer. Lives on the loop's thread.
///
/// - Note: `@unchecked Sendable` so that the handler's task can hold it while it is suspended. All of it is touched on
///   the loop's thread alone: the library's callbacks come from there, and `finish` goes there first.
final class Exchange: @unchecked Sendable {
  /// How much of a body that is too large is read and thrown away, so that the client gets to see the 413: it would not
  /// if the connection were closed while it still sends.
  private static let drainLimit = 8 << 20

  private(set) var state = ExchangeState.receiving
  /// The headers are complete: from here on a graceful stop waits for the request.
  private(set) var isInFlight = false

  private let daemon: Daemon
  private let connection: Connection
  private let target: String
  private let isTargetText: Bool

  private var request: HTTPRequest?
  private var handler: HTTPHandler?
  private var startedAt: ContinuousClock.Instant
  private var bodyLimit = 0
  private var bodySize = 0
  private var task: Task<Void, Never>?
  private var stream: BodyStream?
  private var response: HTTPResponse?
  private var outcome: HTTPRequestRecord.Outcome?

  /// - Parameter target: As it stands in the request line; nil when it is not UTF-8.
  init(daemon: Daemon, connection: Connection, target: String?) {
    self.daemon = daemon
    self.connection = connection
    self.target = target ?? ""
    isTargetText = target != nil
    startedAt = connection.quietSince
  }

  // MARK: The library's calls

  /// What a callback tells the library.
  enum Verdict {
    case goOn
    case closeConnection
  }

  /// The headers are complete.
  func headersArrived(method: String) -> Verdict {
    startedAt = .now
    isInFlight = true
    daemon.requestBegan()
    let headers = connection.requestHeaders()
    let method = HTTPMethod(rawValue: method)
    let plan = isTargetText ? daemon.plan(method, target: target) : daemon.refusal("the target is not UTF-8")
    request = HTTPRequest(
      method: method, target: target, path: plan.path, headers: headers, parameters: plan.parameters,
      remoteAddress: connection.remoteAddress, route: plan.route)
    handler = plan.handler
    bodyLimit = plan.bodyLimit
    if connection.headerSize > daemon.configuration.headerLimit { return refuse(.requestHeaderFieldsTooLarge) }
    return checkFraming(headers)
  }

  /// A part of the body.
  func bodyArrived(_ bytes: UnsafeRawBufferPointer) -> Verdict {
    bodySize += bytes.count
    if bodySize <= bodyLimit {
      request?.body.append(contentsOf: bytes)
    } else if bodySize - bodyLimit > Self.drainLimit {
      outcome = .failed
      return .closeConnection
    }
    return .goOn
  }

  /// The request is complete, or its connection was resumed without an answer.
  func requestComplete() -> Verdict {
    guard let request, let handler, state.handlerBegins() else {
      return state == .answered ? .goOn : .closeConnection
    }
    if bodySize > bodyLimit { return refuse(.contentTooLarge) }
    // Begins here and now, on this thread: a handler that does not wait for anything has answered when this returns.
    let task = Task.immediate(executorPreference: daemon.loop) {
      let response: HTTPResponse
      do {
        response = try await handler(request)
      } catch {
        response = HTTPResponse(error: error)
      }
      self.finish(response)
    }
    if state.callbackReturns() {
      self.task = task
      connection.suspend()
      daemon.requestSuspended()
    }
    return .goOn
  }

  /// The library is through with the request, whatever became of it.
  func complete(_ ending: HTTPRequestRecord.Outcome) {
    state.complete()
    task?.cancel()
    stream?.close()
    connection.exchange = nil
    connection.quietSince = .now
    guard isInFlight, let request else {
      daemon.observer.requestMalformed(remoteAddress: connection.remoteAddress, status: connection.queuedStatus)
      return
    }
    report(request, outcome ?? ending)
    daemon.requestEnded()
  }

  // MARK: Answering

  /// The handler's answer. Comes from the loop's thread unless the loop has been stopped meanwhile.
  private func finish(_ response: HTTPResponse) {
    guard daemon.loop.isCurrent else { return daemon.loop.execute { self.answer(response) } }
    answer(response)
  }

  private func answer(_ response: HTTPResponse, closes: Bool = false) {
    let action = state.answer()
    if let failure = response.failure, let request { daemon.observer.handlerFailed(failure, request: request) }
    guard action != .drop else { return }
    queue(response, closes: closes || daemon.isDraining)
    task = nil
    if action == .queueAndResume { daemon.resume(connection) }
  }

  private func queue(_ response: HTTPResponse, closes: Bool) {
    if case .stream(let produce) = response.body {
      stream = BodyStream(exchange: self, loop: daemon.loop, produce)
    }
    self.response = response
    do throws(HTTPServerError) {
      if try !connection.queue(response, stream: stream, closes: closes) { connection.breakSocket() }
    } catch {
      if let request { daemon.observer.handlerFailed(error, request: request) }
      stream = nil
      queue(HTTPResponse(error: HTTPError(.internalServerError)), closes: closes)
    }
  }

  /// Answers without the handler and closes the connection afterwards.
  private func refuse(_ status: HTTPStatus, _ message: String? = nil) -> Verdict {
    answer(HTTPResponse(error: HTTPError(status, message)), closes: true)
    return .goOn
  }

  /// Refuses what two servers in a row could read as different requests, and bodies that are too large to throw away.
  private func checkFraming(_ headers: HTTPHeaders) -> Verdict {
    let lengths = Set(headers.values(for: "Content-Length"))
    let encodings = headers.values(for: "Transfer-Encoding")
    if lengths.count > 1 || (!lengths.isEmpty && !encodings.isEmpty) {
      return refuse(.badRequest, "the length of the body is ambiguous")
    }
    if !encodings.isEmpty, encodings.count > 1 || !encodings[0].equalsIgnoringASCIICase("chunked") {
      return refuse(.notImplemented, "the only transfer encoding here is chunked")
    }
    guard let length = lengths.first.flatMap(Int.init), length > bodyLimit else { return .goOn }
    if headers["Expect"] != nil || length - bodyLimit > Self.drainLimit { return refuse(.contentTooLarge) }
    return .goOn
  }

  // MARK: Streaming

  /// The library asks for more of the body.
  func pull(into buffer: UnsafeMutableRawBufferPointer) -> HTTPBodyWriter.Reading {
    guard state == .answered, let stream else { return .failure }
    let reading = stream.read(into: buffer)
    if reading == .wait, state.pause() {
      connection.suspend()
      daemon.requestSuspended()
    }
    if reading == .failure { outcome = outcome ?? .failed }
    return reading
  }

  /// The stream has something after it had nothing.
  func streamIsReadable() {
    if state.unpause() { daemon.resume(connection) }
  }

  /// The closure of a stream threw.
  func streamFailed(_ error: any Error) {
    guard let request, state != .completed, !(error is CancellationError) else { return }
    daemon.observer.handlerFailed(error, request: request)
  }

  // MARK: Giving up

  /// Ends the request without an answer: its client is gone or too slow. The handler's task is cancelled.
  func abandon(_ outcome: HTTPRequestRecord.Outcome) {
    self.outcome = self.outcome ?? outcome
    task?.cancel()
    stream?.close()
    switch state.abandon() {
    case .breakAndResume:
      connection.breakSocket()
      daemon.resume(connection)
    case .breakSocket:
      connection.breakSocket()
    case .none:
      break
    }
  }

  /// Ends the request because the server stops: 503 if nothing was answered yet.
  func cutOff() {
    outcome = outcome ?? .cutOff
    guard state == .suspended else { return abandon(.cutOff) }
    task?.cancel()
    answer(HTTPResponse(error: HTTPError(.serviceUnavailable, "the server is stopping")), closes: true)
  }

  private func report(_ request: HTTPRequest, _ outcome: HTTPRequestRecord.Outcome) {
    let status: HTTPStatus = response?.status ?? (outcome == .cutOff ? .serviceUnavailable : .clientClosedRequest)
    daemon.observer.requestFinished(
      HTTPRequestRecord(
        method: request.method, target: request.target, route: request.route, status: status, outcome: outcome,
        duration: .now - startedAt, requestBytes: bodySize, responseBytes: response?.bodySize(stream) ?? 0,
        remoteAddress: request.remoteAddress, id: response?.headers["X-Request-ID"]))
  }
}

extension HTTPResponse {
  fileprivate func bodySize(_ stream: BodyStream?) -> Int {
    switch body {
    case .empty: 0
    case .text(let text): text.utf8.count
    case .bytes(let bytes): bytes.count
    case .stream: stream?.total ?? 0
    }
  }
}
