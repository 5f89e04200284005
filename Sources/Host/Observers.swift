internal import Container
internal import HTTPServer
internal import Health
internal import StructuredLogging

/// Logs what the container does: starts as information, constructions and stops for debugging, for the shutdown
/// timeline tells the stops.
struct ContainerLog: ContainerObserver {
  private let logger: Logger

  init(_ logger: Logger) { self.logger = logger.labelled("container") }

  func observe(_ event: ContainerEvent) {
    switch event {
    case .built(let origin, let duration): log(.debug, "built", origin, duration)
    case .started(let origin, _, let duration): log(.info, "started", origin, duration)
    case .stopped(let origin, _, let duration): log(.debug, "stopped", origin, duration)
    case .stopFailed(let origin, _, _, let error):
      logger.error("stop failed", ["what": .string(origin.name), "error": .describing(error)])
    case .runFailed(let origin, let error, let pause):
      var metadata: LogMetadata = ["what": .string(origin.name), "error": .describing(error)]
      if let pause { metadata["restart_after"] = .duration(pause) }
      logger.log(pause == nil ? .error : .warning, "background task failed", metadata)
    case .stragglers(let stragglers):
      logger.warning("still waiting", ["for": .array(stragglers.map { .string("\($0)") })])
    case .cameLate(let origin):
      logger.warning(
        "ended after its time was up", ["what": .string(origin.name), "at": .string("\(origin.location)")])
    default: break
    }
  }

  private func log(_ level: Logger.Level, _ message: String, _ origin: Origin, _ duration: Duration) {
    logger.log(level, message, ["what": .string(origin.name), "took": .duration(duration)])
  }
}

/// Logs changes of health, each once.
struct HealthLog: Sendable {
  private let logger: Logger

  init(_ logger: Logger) { self.logger = logger.labelled("health") }

  func note(_ change: HealthChange) {
    switch change {
    case .failing(let entry):
      logger.warning("check failing", ["check": .string(entry.name), "error": .string(entry.failure ?? "")])
    case .recovered(let entry, let time):
      logger.notice("check recovered", ["check": .string(entry.name), "after": .duration(time)])
    case .unready(let reasons):
      logger.error("unready", ["reasons": .array(reasons.map { .string($0) })])
    case .readyAgain(let time): logger.notice("ready again", ["after": .duration(time)])
    }
  }
}

/// Logs what the HTTP server does: failures of handlers as errors, requests at the level that is set, the rest for debugging.
struct HTTPLog: HTTPServerObserver {
  private let logger: Logger
  private let level: Logger.Level
  private let ownPages: Set<String>

  /// - Parameters:
  ///   - level: that of a request.
  ///   - ownPages: the paths of the host's own pages, asked for every few seconds: those are for debugging whatever the level.
  init(_ logger: Logger, requests level: Logger.Level = .debug, but ownPages: [String] = []) {
    self.logger = logger.labelled("http")
    self.level = level
    self.ownPages = Set(ownPages)
  }

  /// The access log. Of the target only the path, for what follows it may hold secrets.
  func requestFinished(_ record: HTTPRequestRecord) {
    let isOwn = level > .debug && record.route.map(ownPages.contains) == true
    logger.log(
      isOwn ? .debug : level, "request",
      [
        "method": .string("\(record.method)"), "path": .string(Self.path(of: record.target)),
        "route": .string(record.route ?? ""), "status": .string("\(record.status)"),
        "outcome": .string(record.outcome.rawValue), "took": .duration(record.duration),
        "received": .integer(record.requestBytes), "sent": .integer(record.responseBytes),
        "from": .string(record.remoteAddress), "id": .string(record.id ?? ""),
      ])
  }

  /// By bytes: a mark that combines with the question mark makes another character of it, but not for the router.
  private static func path(of target: String) -> String {
    String(Substring(target.utf8.prefix { $0 != UInt8(ascii: "?") }))
  }

  func requestMalformed(remoteAddress: String, status: HTTPStatus?) {
    logger.debug("malformed request", ["from": .string(remoteAddress)])
  }

  func handlerFailed(_ error: any Error, request: HTTPRequest) {
    logger.error(
      "handler failed",
      [
        "method": .string("\(request.method)"), "route": .string(request.route ?? ""), "error": .describing(error),
        "id": .string(request.id ?? ""),
      ])
  }

  func libraryReported(_ message: String) { logger.debug("http library", ["message": .string(message)]) }
}
