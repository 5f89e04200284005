import AppConfiguration
import Container
import HTTPServer
import Health
import StructuredLogging
import Testing

@testable import Host

/// The pages for administration, in an app without a database and without a socket.
@Suite struct AdminTests {
  private func serving(
    _ flags: [String: String] = [:], _ modules: [any ModuleElement] = [],
    _ body: (App, HTTPServer, Logger) async throws -> Void
  ) async throws {
    let flags = flags.merging(["host.listen": "127.0.0.1:0"]) { given, _ in given }
    let logger = Logger(label: "test", level: .info, output: RecordingLogOutput())
    let failures = RunFailures()
    var options = App.Options()
    options.observers = [failures]
    let app = App(options) {
      HostModule(program: "test", version: "1.2.3", Configuration(flags: flags), logger, failures: failures)
      modules
    }
    try await app.start()
    do {
      try await body(app, app.get(HTTPServer.self), logger)
    } catch {
      try? await app.stop()
      throw error
    }
    try await app.stop()
  }

  private func request(
    _ target: String, _ headers: HTTPHeaders = [:], _ method: HTTPMethod = .get, body: String = ""
  ) -> HTTPRequest {
    HTTPRequest(method, target, headers: headers, body: Array(body.utf8))
  }

  @Test func `an app without a database has a dashboard too, at the root and under debug`() async throws {
    try await serving { _, server, _ in
      for path in ["/", "/debug"] {
        let page = await server.respond(to: request(path))
        #expect(page.status == .ok)
        let text = String(decoding: page.bytes ?? [], as: UTF8.self)
        #expect(text.contains("<title>test: starting</title>") && !text.contains("id=\"pool\""))
      }
    }
  }

  @Test func `the page of metrics says that it varies by the format that is asked for`() async throws {
    try await serving { _, server, _ in
      for accept in ["text/plain", "application/openmetrics-text; version=1.0.0"] {
        let page = await server.respond(to: request("/metrics", ["Accept": accept, "Accept-Encoding": "gzip"]))
        #expect(
          page.status == .ok && page.headers.values(for: "Vary") == ["Accept, Accept-Encoding"], "\(page.headers)")
      }
    }
  }

  @Test func `the dashboard counts failures up to what a check is allowed, and in a row from there on`() async throws {
    struct Trouble: Error {}
    for threshold in [1, 100] {
      let check = HealthCheck("disk", failureThreshold: threshold) { throw Trouble() }
      try await serving([:], [Supply(check).grouped()]) { app, server, _ in
        let monitor: HealthMonitor = try await app.get()
        while await monitor.report().entries.first?.failures ?? 0 < 2 {}
        let page = String(decoding: await server.respond(to: request("/")).bytes ?? [], as: UTF8.self)
        #expect(page.contains("failing</b> (") && page.contains(" in a row)") && !page.contains(" of \(threshold))"))
      }
    }
  }

  @Test(arguments: [false, true])
  func `the log tells of the start of an admin listener where there is one`(isSet: Bool) async throws {
    let output = RecordingLogOutput()
    let logger = Logger(label: "test", level: .info, output: output)
    var flags = ["host.listen": "127.0.0.1:0"]
    if isSet { flags["host.admin_listen"] = "127.0.0.1:0" }
    let configuration = Configuration(flags: flags)
    var options = App.Options()
    options.observers = [ContainerLog(logger)]
    let app = App(options) { HostModule(program: "test", version: "1.2.3", configuration, logger) }
    try await app.start()
    try await app.stop()
    let started = output.entries.filter { $0.message == "started" }.map { "\($0.metadata["what"] as Any)" }
    #expect(started.contains { $0.contains("HTTPServer") })
    #expect(started.contains { $0.contains("AdminServer") } == isSet, "\(started)")
  }

  @Test func `an app with a root page of its own keeps it`() async throws {
    for path in ["/", "/*rest"] {
      try await serving([:], [Supply(Route(.get, path) { _ in "mine" }).grouped()]) { _, server, _ in
        #expect(await server.respond(to: request("/")).bytes == Array("mine".utf8))
        #expect(await server.respond(to: request("/debug")).status == .ok)
      }
    }
  }

  @Test func `an address that others can reach shows no dashboard, the admin listener does`() async throws {
    let flags = ["host.listen": "0.0.0.0:0", "host.admin_listen": "127.0.0.1:0"]
    try await serving(flags) { app, server, logger in
      for path in ["/", "/debug", "/debug/config", "/debug/log-level"] {
        #expect(await server.respond(to: request(path)).status == .notFound)
      }
      #expect(await server.respond(to: request("/livez")).status == .ok)
      let admin: AdminServer = try await app.get()
      for path in ["/", "/debug", "/debug/config", "/debug/log-level", "/metrics", "/livez", "/debug/graph"] {
        #expect(await admin.respond(to: request(path))?.status == .ok, "\(path)")
      }
      // A site that pointed its name at this machine.
      #expect(await admin.respond(to: request("/debug", ["Host": "evil.example"]))?.status == .notFound)
      #expect(await admin.respond(to: request("/debug/log-level", [:], .put, body: "error"))?.status == .ok)
      #expect(logger.levelControl.level == .error)
    }
  }

  @Test func `with an admin listener the other shows no dashboard, though it is for this machine too`() async throws {
    let flags = ["host.listen": "127.0.0.1:0", "host.admin_listen": "127.0.0.1:0"]
    try await serving(flags) { app, server, _ in
      for path in ["/", "/debug", "/debug/config", "/debug/log-level"] {
        #expect(await server.respond(to: request(path)).status == .notFound)
      }
      #expect(await server.respond(to: request("/debug/log-level", [:], .put, body: "debug")).status == .notFound)
      let admin: AdminServer = try await app.get()
      #expect(await admin.respond(to: request("/debug"))?.status == .ok)
    }
  }

  @Test(arguments: [
    ("localhost:8080", true), ("127.0.0.1:8080", true), ("[::1]:8080", true), ("app.localhost", true),
    ("evil.example", false), ("127.0.0.1.evil.example:8080", false), ("[evil]:80", false),
  ])
  func `a name that a stranger may have pointed at this machine is refused`(host: String, isAdmitted: Bool) {
    for isAdminListener in [true, false] {
      let guarding = AdminGuard(isAdminListener: isAdminListener, isLocal: true)
      #expect(guarding.admits(request("/", ["Host": host])) == isAdmitted)
    }
    // Where others reach the admin listener, they do so by whatever name it has.
    #expect(AdminGuard(isAdminListener: true, isLocal: false).admits(request("/", ["Host": host])))
  }

  @Test(arguments: ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP"])
  func `what came through a proxy is refused`(header: String) {
    let guarding = AdminGuard(isAdminListener: false, isLocal: true)
    #expect(!guarding.admits(request("/", ["Host": "localhost", header: "10.0.0.1"])))
  }

  @Test func `a page of another site changes nothing`() {
    for isAdminListener in [false, true] {
      let guarding = AdminGuard(isAdminListener: isAdminListener, isLocal: true)
      func admits(_ headers: HTTPHeaders) -> Bool {
        var headers = headers
        headers.setDefault("Host", "localhost:8080")
        return guarding.admits(request("/debug/log-level", headers, .post))
      }
      #expect(admits([:]) && admits(["Origin": "http://localhost:8080"]) && admits(["Sec-Fetch-Site": "same-origin"]))
      #expect(!admits(["Origin": "http://evil.example"]) && !admits(["Origin": "http://localhost:9999"]))
      #expect(!admits(["Origin": "null"]))
      #expect(!admits(["Sec-Fetch-Site": "cross-site"]) && !admits(["Sec-Fetch-Site": "same-site"]))
    }
  }

  @Test(arguments: ["debug", #"{"level":"debug"}"#, "level=debug", "debug\n", "DEBUG"])
  func `the log's level is read and set, as a word, JSON or form`(body: String) async throws {
    try await serving { _, server, logger in
      let before = await server.respond(to: request("/debug/log-level"))
      #expect(before.bytes == Array(#"{"level":"info"}"#.utf8))
      let answer = await server.respond(to: request("/debug/log-level", [:], .put, body: body))
      #expect(answer.status == (body.hasPrefix("level=") ? .seeOther : .ok))
      #expect(logger.levelControl.level == .debug)
      let wrong = await server.respond(to: request("/debug/log-level", [:], .put, body: "loud"))
      #expect(wrong.status == .badRequest && logger.levelControl.level == .debug)
    }
  }

  @Test func `the graph and the configuration are there for programs too`() async throws {
    try await serving { _, server, _ in
      let graph = await server.respond(to: request("/debug/graph?format=json"))
      #expect(graph.headers["Content-Type"] == "application/json")
      #expect(await server.respond(to: request("/debug/graph?format=png")).status == .badRequest)
      let configuration = await server.respond(to: request("/debug/config"))
      #expect(String(decoding: configuration.bytes ?? [], as: UTF8.self).contains(#""path":"host.listen""#))
    }
  }

  @Test func `OpenMetrics is answered to who asks for it in a second line`() async throws {
    try await serving { _, server, _ in
      var headers: HTTPHeaders = ["Accept": "text/plain;q=0.5"]
      headers.add("Accept", "application/openmetrics-text")
      let page = await server.respond(to: request("/metrics", headers))
      #expect(page.headers["Content-Type"]?.hasPrefix("application/openmetrics-text") == true)
    }
  }

  @Test func `metrics say how long start hooks took`() async throws {
    try await serving { _, server, _ in
      let page = String(decoding: await server.respond(to: request("/metrics")).bytes ?? [], as: UTF8.self)
      #expect(page.contains(#"keel_hook_duration_seconds{hook="HTTPServer"}"#))
      #expect(page.contains("\nkeel_log_lines_dropped_total "))
      #expect(page.contains("\nkeel_event_loop_stalls_total "))
    }
  }

  @Test func `metrics say how often a background task has failed that is restarted`() async throws {
    struct Trouble: Error {}
    let (failed, signal) = AsyncStream.makeStream(of: Void.self)
    let run = Run("mails") {
      signal.yield()
      throw Trouble()
    }.onFailure(.restart(Backoff(initial: .milliseconds(1), maximum: .milliseconds(1))))
    try await serving([:], [run]) { _, server, _ in
      // The third begins when two have failed.
      for await _ in failed.prefix(3) {}
      let page = String(decoding: await server.respond(to: request("/metrics")).bytes ?? [], as: UTF8.self)
      let line = page.split(separator: "\n").first {
        $0.hasPrefix(#"keel_background_task_failures_total{task="mails"} "#)
      }
      let count = try #require(line?.split(separator: " ").last.flatMap { Int($0) })
      #expect(count >= 2)
    }
  }

  @Test func `a history draws what is used of what there may be`() {
    let history = PoolHistory()
    for used in 0..<200 { history.add(.init(acquired: used % 5, total: 5, waiting: used == 199 ? 3 : 0)) }
    #expect(history.samples.count == PoolHistory.length && history.samples.last?.waiting == 3)
    let picture = history.svg(max: 10)
    #expect(picture.contains("at most 4 of 10 in use at once") && picture.contains("class=\"wait\""))
  }

  @Test func `text in the page is text`() {
    #expect(HTML.escape(#"<a href="x">&'"#) == "&lt;a href=&quot;x&quot;&gt;&amp;&#39;")
  }
}
