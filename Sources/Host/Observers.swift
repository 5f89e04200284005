internal import Container
internal import HTTPServer
internal import StructuredLogging

/// Logs what the container does: starts and stops as information, constructions for debugging.
struct ContainerLog: ContainerObserver {
  private let logger: Logger

  init(_ logger: Logger) { self.logger = logger.labelled("container") }

  func observe(_ event: ContainerEvent) {
    switch event {
    case .built(let origin, let duration): log(.debug, "built", origin, duration)
    case .started(let origin, _, let duration): log(.info, "started", origin, duration)
    case .stopped(let origin, _, let duration): log(.info, "stopped", origin, duration)
    case .stopRequested(let reason): logger.info("stopping", ["reason": .string("\(reason)")])
    case .stopFailed(let origin, _, _, let error):
      logger.error("stop failed", ["what": .string(origin.name), "error": .describing(error)])
    default: break
    }
  }

  private func log(_ level: Logger.Level, _ message: String, _ origin: Origin, _ duration: Duration) {
    logger.log(level, message, ["what": .string(origin.name), "took": .duration(duration)])
  }
}

/// Logs what the HTTP server does: failures of handlers as errors, the rest for debugging.
struct HTTPLog: HTTPServerObserver {
  private let logger: Logger

  init(_ logger: Logger) { self.logger = logger.labelled("http") }

  /// The access log. Of the target only the path, for what follows it may hold secrets.
  func requestFinished(_ record: HTTPRequestRecord) {
    logger.debug(
      "request",
      [
        "method": .string("\(record.method)"), "path": .string(String(record.target.prefix { $0 != "?" })),
        "route": .string(record.route ?? ""), "status": .string("\(record.status)"),
        "outcome": .string(record.outcome.rawValue), "took": .duration(record.duration),
        "received": .integer(record.requestBytes), "sent": .integer(record.responseBytes),
        "from": .string(record.remoteAddress), "id": .string(record.id ?? ""),
      ])
  }

  func requestMalformed(remoteAddress: String, status: HTTPStatus?) {
    logger.debug("malformed request", ["from": .string(remoteAddress)])
  }

  func handlerFailed(_ error: any Error, request: HTTPRequest) {
    logger.error(
      "handler failed",
      ["method": .string("\(request.method)"), "route": .string(request.route ?? ""), "error": .describing(error)])
  }

  func libraryReported(_ message: String) { logger.debug("http library", ["message": .string(message)]) }
}
