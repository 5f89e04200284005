import AppConfiguration
import HTTPServer
import StructuredLogging
import Testing

@testable import Host

@Suite struct AccessLogTests {
  private struct Trouble: Error {}

  private func record(_ target: String) -> HTTPRequestRecord {
    HTTPRequestRecord(
      method: .post, target: target, route: "/users/:id", status: .created, outcome: .answered,
      duration: .milliseconds(12), requestBytes: 34, responseBytes: 56, remoteAddress: "10.0.0.7", id: "abc-1")
  }

  @Test func `a request is a line at debug that says all but what follows the path`() throws {
    let output = RecordingLogOutput()
    HTTPLog(Logger(label: "app", level: .debug, output: output)).requestFinished(record("/users/7?token=hunter2"))
    let entry = try #require(output.entries.first)
    #expect(output.entries.count == 1 && entry.level == .debug && entry.message == "request")
    let expected: LogMetadata = [
      "method": "POST", "path": "/users/7", "route": "/users/:id", "status": "201", "outcome": "answered",
      "took": .duration(.milliseconds(12)), "received": 34, "sent": 56, "from": "10.0.0.7", "id": "abc-1",
    ]
    #expect(entry.metadata == expected)
  }

  @Test func `a mark that combines with the question mark brings nothing more into the log`() {
    let output = RecordingLogOutput()
    let log = HTTPLog(Logger(label: "app", level: .debug, output: output))
    log.requestFinished(record("/users/7?\u{301}token=hunter2"))
    #expect(output.entries.first?.metadata["path"] == "/users/7")
  }

  @Test func `with a level of its own a request is seen there, one for the host's pages is not`() throws {
    let output = RecordingLogOutput()
    let log = HTTPLog(Logger(label: "app", level: .info, output: output), requests: .info, but: ["/livez"])
    log.requestFinished(record("/users/7"))
    var scrape = record("/livez")
    scrape.route = "/livez"
    log.requestFinished(scrape)
    #expect(output.entries.map(\.metadata["path"]) == ["/users/7"] && output.entries.first?.level == .info)
    #expect(try HostSettings(Configuration(flags: ["host.access_log": "info"])).accessLog == .info)
    #expect(try HostSettings(Configuration()).accessLog == .debug)
  }

  @Test func `at info no request is logged, and an error of a handler is`() throws {
    let output = RecordingLogOutput()
    let log = HTTPLog(Logger(label: "app", level: .info, output: output))
    log.requestFinished(record("/users/7"))
    log.requestMalformed(remoteAddress: "10.0.0.7", status: .badRequest)
    var request = HTTPRequest(.get, "/users/7?token=hunter2")
    request.id = "abc-1"
    log.handlerFailed(Trouble(), request: request)
    let entry = try #require(output.entries.first)
    #expect(output.entries.count == 1 && entry.level == .error && entry.message == "handler failed")
    #expect(!"\(entry)".contains("hunter2"))
    // The client has it in `X-Request-ID`.
    #expect(entry.metadata["id"] == "abc-1")
  }
}
