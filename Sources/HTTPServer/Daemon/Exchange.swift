internal import EventLoop

/// One request and its answer. Lives on the loop's thread.
///
/// - Note: `@unchecked Sendable` so that the handler's task can hold it while it is suspended. All of it is touched on
///   the loop's thread alone: the library's callbacks come from there, and `finish` goes there first.
final class Exchange: @unchecked Sendable {
  /// How much of a body that is too large is read and thrown away, so that the client gets to see the 413: it would not
  /// if the connection were closed while it still sends.
  private static let drainLimit = 8 << 20

  private static let stopping = HTTPError(.serviceUnavailable, "the server is stopping")

  private(set) var state = ExchangeState.receiving
  /// The headers are complete: from here on a graceful stop waits for the request.
  private(set) var isInFlight = false
  /// The connection speaks something else by now.
  private var isUpgraded = false

  private let daemon: Daemon
  let connection: Connection
  private let target: String
  private let isTargetText: Bool
  /// The bytes of the target, be it text or not.
  let targetSize: Int

  /// Taken by the handler's task once it is complete.
  private var request: HTTPRequest?
  private var endpoint: Endpoint?
  private var method: HTTPMethod = .get
  private var startedAt: ContinuousClock.Instant
  /// The headers break the rules or the limit.
  private var isMalformed = false
  private var bodyLimit = 0
  private var bodySize = 0
  private var task: Task<Void, Never>?
  private var stream: BodyStream?
  private var upgrade: (@Sendable (HTTPUpgradedConnection) -> Void)?
  private var status: HTTPStatus?
  private var responseSize = 0
  private var id: String?
  private var outcome: HTTPRequestRecord.Outcome?

  /// - Parameters:
  ///   - target: As it stands in the request line; nil when it is not UTF-8.
  ///   - size: Its bytes.
  init(daemon: Daemon, connection: Connection, target: String?, size: Int) {
    self.daemon = daemon
    self.connection = connection
    self.target = target ?? ""
    isTargetText = target != nil
    targetSize = size
    startedAt = connection.quietSince
  }

  // MARK: The library's calls

  /// What a callback tells the library.
  enum Verdict {
    case goOn
    case closeConnection
  }

  /// The headers are complete.
  ///
  /// - Parameter isWhole: Whether the library has read them as they were sent.
  func headersArrived(method: String, version: String, isWhole: Bool) -> Verdict {
    startedAt = .now
    isInFlight = true
    daemon.requestBegan()
    let (isOld, arrived) = (version == "HTTP/1.0", connection.requestHeaders())
    var headers = arrived.fields
    headers.trimValues()
    // Who speaks HTTP/1.0 cannot mean it: a proxy has passed it on without knowing it.
    if isOld { headers.remove("Upgrade") }
    self.method = HTTPMethod(rawValue: method)
    let plan = isTargetText ? daemon.plan(self.method, target: target) : daemon.refusal("the target is not UTF-8")
    request = HTTPRequest(
      method: self.method, target: target, path: plan.path, headers: headers, parameters: plan.parameters,
      remoteAddress: connection.remoteAddress, route: plan.endpoint.path)
    endpoint = plan.endpoint
    bodyLimit = plan.endpoint.bodyLimit ?? daemon.configuration.bodyLimit
    // Those that the library went by, to the byte.
    return checkHeaders(arrived.fields, isOld: isOld, isFolded: arrived.isFolded, isWhole: isWhole)
  }

  private func checkHeaders(_ headers: HTTPHeaders, isOld: Bool, isFolded: Bool, isWhole: Bool) -> Verdict {
    do throws(HTTPError) {
      guard !isFolded else { throw HTTPError(.badRequest, "a header field goes on in the next line") }
      guard isWhole else {
        throw HTTPError(.badRequest, "the request line or a header has a NUL, or a header has no name")
      }
      guard connection.headerSize <= daemon.configuration.headerLimit else {
        throw HTTPError(.requestHeaderFieldsTooLarge)
      }
      let length = try RequestFraming.contentLength(headers, isOld: isOld)
      // Too large to be read and thrown away, or its client asks before it sends: the answer goes out now.
      let isRefused = length > bodyLimit && (headers["Expect"] != nil || length - bodyLimit > Self.drainLimit)
      return isRefused ? refuse(HTTPError(.contentTooLarge)) : .goOn
    } catch {
      isMalformed = true
      return refuse(error)
    }
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
    guard let request = request.take(), let handler = endpoint?.handler, state.handlerBegins() else {
      return state == .answered ? .goOn : .closeConnection
    }
    if bodySize > bodyLimit { return refuse(HTTPError(.contentTooLarge)) }
    if daemon.isClosing { return refuse(Self.stopping) }
    // Begins here and now, on this thread: a handler that does not wait for anything has answered when this returns.
    let task = Task.immediate(executorPreference: daemon.loop) {
      let response: HTTPResponse
      do {
        response = try await handler(request)
      } catch {
        response = HTTPResponse(error: error)
      }
      self.finish(response, to: request)
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
    let now = ContinuousClock.now
    connection.exchange = nil
    connection.quietSince = now
    if !isUpgraded { end(ending, at: now) }
    // It holds us.
    stream = nil
  }

  private func end(_ ending: HTTPRequestRecord.Outcome, at now: ContinuousClock.Instant) {
    // Chunks that are none, for example, the library answers by itself.
    let refusal = status == nil ? connection.queuedStatus : nil
    if isMalformed || !isInFlight || refusal != nil {
      daemon.observer.requestMalformed(remoteAddress: connection.remoteAddress, status: status ?? refusal)
    } else {
      report(outcome ?? ending, at: now)
    }
    if isInFlight { daemon.requestEnded() }
  }

  // MARK: Answering

  /// The handler's answer. Comes from the loop's thread unless the loop has been stopped meanwhile.
  private func finish(_ response: HTTPResponse, to request: HTTPRequest) {
    if daemon.loop.isCurrent {
      answer(response, to: request)
    } else {
      daemon.loop.execute { self.answer(response, to: request) }
    }
  }

  /// - Parameter request: What a handler answered; nil if the server answers by itself.
  private func answer(_ response: HTTPResponse, to request: HTTPRequest?, closes: Bool = false) {
    let action = state.answer()
    // Nobody waits any more; what went wrong in a handler that was cancelled is of no interest either.
    guard action != .drop else { return }
    if let failure = response.failure, let request {
      daemon.observer.handlerFailed(failure, request: request.identified(by: response))
    }
    queue(response, to: request, closes: closes || daemon.isDraining || connection.hasTrailers)
    task = nil
    if action == .queueAndResume { daemon.resume(connection) }
  }

  private func queue(_ response: HTTPResponse, to request: HTTPRequest?, closes: Bool) {
    var response = response
    if response.upgrade != nil, closes { response = HTTPResponse(error: Self.stopping) }
    upgrade = response.upgrade
    if response.status.forbidsBody { response.body = .empty }
    if response.upgrade == nil, !(200...999).contains(response.status.code) { response.status = .internalServerError }
    if case .stream(let produce) = response.body, let request {
      stream = BodyStream(
        exchange: self, request: request.identified(by: response), loop: daemon.loop, isEndless: response.isEndless,
        produce)
      if daemon.isDraining { serverStops() }
    }
    do throws(HTTPServerError) {
      if try !connection.queue(
        response, stream: stream, isHead: method == .head, closes: closes, memory: daemon.configuration.connectionMemory
      ) {
        connection.breakSocket()
      }
      status = response.status
      responseSize = response.bytesCount
      id = response.headers["X-Request-ID"]
    } catch {
      if let request { daemon.observer.handlerFailed(error, request: request.identified(by: response)) }
      stream = nil
      queue(HTTPResponse(error: HTTPError(.internalServerError)), to: nil, closes: closes)
    }
  }

  /// Answers without the handler and closes the connection afterwards.
  private func refuse(_ error: HTTPError) -> Verdict {
    answer(HTTPResponse(error: error), to: nil, closes: true)
    return .goOn
  }

  // MARK: Upgrading

  /// The headers are sent, the socket is ours. As far as HTTP goes, the request is over.
  func upgraded(_ descriptor: Int32, received: UnsafeRawBufferPointer, giveBack: @escaping () -> Void) {
    isUpgraded = true
    end(.answered, at: .now)
    guard let begin = upgrade.take() else { return giveBack() }
    daemon.upgraded(connection, descriptor, received: Array(received), giveBack: giveBack, begin)
  }

  // MARK: Streaming

  /// The library asks for more of the body.
  func pull(into buffer: UnsafeMutableRawBufferPointer) -> HTTPBodyWriter.Reading {
    guard state == .answered, let stream else {
      breakOff()
      return .failure
    }
    let reading = stream.read(into: buffer)
    if reading == .wait, state.pause() {
      connection.suspend()
      daemon.requestSuspended()
    }
    if reading == .failure { breakOff() }
    return reading
  }

  /// The stream has something after it had nothing.
  func streamIsReadable() {
    if state.unpause() { daemon.resume(connection) }
  }

  /// The server takes no more requests, and waits for this one.
  func serverStops() { stream?.serverStops() }

  /// The closure of a stream threw. What it throws after the client left is of no interest.
  func streamFailed(_ error: any Error, request: HTTPRequest) {
    guard outcome == nil, state != .completed else { return }
    daemon.observer.handlerFailed(error, request: request)
  }

  /// The body ends half way, and with it the connection.
  private func breakOff() {
    outcome = outcome ?? .failed
    connection.breakSocket()
    connection.lookAgain()
    daemon.scheduleRun()
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
    answer(HTTPResponse(error: Self.stopping), to: nil, closes: true)
  }

  /// What is reported of a request that was given no answer.
  private static func status(of outcome: HTTPRequestRecord.Outcome) -> HTTPStatus {
    switch outcome {
    case .cutOff: .serviceUnavailable
    case .timedOut: .requestTimeout
    case .answered, .clientGone, .failed: .clientClosedRequest
    }
  }

  private func report(_ outcome: HTTPRequestRecord.Outcome, at end: ContinuousClock.Instant) {
    daemon.observer.requestFinished(
      HTTPRequestRecord(
        method: method, target: target, route: endpoint?.path,
        status: status ?? Self.status(of: outcome), outcome: outcome,
        duration: end - startedAt, requestBytes: bodySize, responseBytes: stream?.total ?? responseSize,
        remoteAddress: connection.remoteAddress, id: id))
  }
}

extension HTTPResponse {
  fileprivate var bytesCount: Int {
    switch body {
    case .empty, .stream: 0
    case .text(let text): text.utf8.count
    case .bytes(let bytes): bytes.count
    }
  }
}
