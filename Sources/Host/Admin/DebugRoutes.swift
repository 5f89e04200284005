internal import AppConfiguration
internal import Container
internal import DatabaseModule
internal import FoundationEssentials
internal import HTTPServer
internal import Postgres
internal import ResourcePool
internal import StructuredLogging

/// The dashboard and `/debug`: for people on this machine or the admin listener.
struct DebugRoutes: Sendable {
  let panel: AdminPanel
  let guarding: AdminGuard

  /// - Parameter isRootFree: Whether the app leaves `/` to the dashboard; `/debug` shows it in any case.
  func all(isRootFree: Bool) -> [Route] {
    let dashboard: HTTPHandler = { [panel] _ in
      panel.noteLook()
      // Layout takes its time, and the loop has others to serve.
      let page = await withTaskExecutorPreference(globalConcurrentExecutor) { await DashboardPage(panel).html() }
      var response = HTTPResponse(page, contentType: "text/html; charset=utf-8")
      response.headers["Content-Security-Policy"] =
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
        + "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
      response.headers["X-Content-Type-Options"] = "nosniff"
      response.headers["Referrer-Policy"] = "no-referrer"
      return response
    }
    return (isRootFree ? [guarding.route(.get, "/", dashboard)] : []) + [
      guarding.route(.get, "/debug", dashboard), graph(), configuration(), pool(), queries(), level(),
      setLevel(.put), setLevel(.post),
    ]
  }

  private func graph() -> Route {
    guarding.route(.get, "/debug/graph") { [panel] request in
      guard let graph = panel.graph else { throw HTTPError(.serviceUnavailable, "the app is gone") }
      let name = request.query["format"] ?? "html"
      guard let format = GraphFormat(rawValue: name) else {
        throw HTTPError(.badRequest, "format is one of \(GraphFormat.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      let type =
        switch format {
        case .html: "text/html; charset=utf-8"
        case .json: "application/json"
        case .dot, .mermaid: "text/plain; charset=utf-8"
        }
      let picture = await withTaskExecutorPreference(globalConcurrentExecutor) { format.render(graph) }
      return HTTPResponse(picture, contentType: type)
    }
  }

  private func configuration() -> Route {
    guarding.route(.get, "/debug/config") { [panel] _ in
      try JSON(try panel.configuration.effective(panel.catalogs).map(SettingRow.init)).httpResponse()
    }
  }

  /// Who holds connections: the first thing to look at when acquires time out.
  private func pool() -> Route {
    guarding.route(.get, "/debug/pool") { [panel] _ in
      guard let pool = panel.database?.pool else { throw HTTPError(.notFound, "there is no pool") }
      let stat = pool.stat()
      let lines = [
        "max \(stat.max), in use \(stat.acquired), idle \(stat.idle), being made \(stat.constructing), "
          + "waiting \(stat.waiting)"
      ]
      return HTTPResponse((lines + pool.holders().map { "held: \($0)" }).joined(separator: "\n") + "\n")
    }
  }

  private struct QueryRow: Encodable {
    let name: String
    let count: Int
    let failures: Int
    let total_seconds: Double
    let mean_seconds: Double
    let longest_seconds: Double
  }

  private func queries() -> Route {
    guarding.route(.get, "/debug/queries") { [panel] _ in
      let rows = panel.database?.statistics?.dearest(500).map { line in
        QueryRow(
          name: line.name, count: line.count, failures: line.failures, total_seconds: line.total / .seconds(1),
          mean_seconds: line.mean / .seconds(1), longest_seconds: line.longest / .seconds(1))
      }
      return try JSON(rows ?? []).httpResponse()
    }
  }

  // MARK: The log's level

  private struct LevelBody: Codable {
    var level: String
  }

  private func level() -> Route {
    guarding.route(.get, "/debug/log-level") { [panel] _ in
      try JSON(LevelBody(level: panel.levelControl.level?.rawValue ?? "off")).httpResponse()
    }
  }

  /// Takes `debug`, `{"level":"debug"}` or a form's `level=debug`.
  private func setLevel(_ method: HTTPMethod) -> Route {
    guarding.route(method, "/debug/log-level") { [panel] request in
      var word = try request.text
      let isForm = word.hasPrefix("level=")
      if word.hasPrefix("{") {
        // Whatever curl calls it.
        word = (try? JSONDecoder().decode(LevelBody.self, from: Data(word.utf8)).level) ?? ""
      } else if isForm {
        word = String(word.dropFirst("level=".count))
      }
      word = word.filter { !$0.isWhitespace }
      guard let level = Logger.Level(rawValue: word.lowercased()) else {
        let known = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
        throw HTTPError(.badRequest, "the level is one of \(known)")
      }
      let old = panel.levelControl.level
      panel.logger.setLevel(level) { logger in
        logger.notice(
          "log level changed",
          ["from": .string(old?.rawValue ?? "off"), "to": .string(level.rawValue), "by": "/debug/log-level"])
      }
      // A form goes back to the page it stands on.
      if isForm { return HTTPResponse(status: .seeOther, headers: ["Location": "/debug"]) }
      return try JSON(LevelBody(level: level.rawValue)).httpResponse()
    }
  }
}
