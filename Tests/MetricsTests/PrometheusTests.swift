import EventLoop
import Foundation
import HTTPServer
import PrometheusMetrics
import Testing

/// A real Prometheus scrapes our pages in both formats, compressed as it asks for them, and is asked what it understood.
@Suite struct PrometheusTests {
  private struct Answer: Decodable {
    struct Payload: Decodable {
      struct Series: Decodable {
        var metric: [String: String]
        var value: [Scalar]
      }
      var result: [Series]
    }
    enum Scalar: Decodable {
      case number(Double)
      case text(String)

      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Double.self) {
          self = .number(number)
        } else {
          self = .text(try container.decode(String.self))
        }
      }
    }
    var data: Payload
  }

  @Test func `Prometheus understands both formats, with any label value`() async throws {
    let registry = MetricsRegistry()
    let family = try registry.counter("things_total", help: "Things.", labels: ["a"])
    var expected: Set<String> = []
    // Prometheus takes a label without a value for none, and a zero byte for the end of the page.
    for number in 0..<300 {
      let scalars = (0..<Int.random(in: 0...8)).compactMap { _ in
        Bool.random()
          ? Unicode.Scalar(UInt32.random(in: 1...0x10FFFF)) : "\\\"\n{}=, #_\r\t".unicodeScalars.randomElement()
      }
      let value = "\(number) " + String(String.UnicodeScalarView(scalars))
      family.with(value).increment(by: 1, exemplar: ["trace_id": "t\(number)"])
      expected.insert(value)
    }
    try registry.histogram("wait_seconds", help: "Waits.").observe(0.2, exemplar: ["trace_id": "xyz"])
    try registry.summary("size_bytes", help: "Sizes.").observe(4)

    let loop = try EventLoop()
    let configuration = HTTPServerConfiguration(address: .ip(host: "127.0.0.1", port: 0))
    let server = try HTTPServer(
      configuration: configuration,
      routes: [
        Route(.get, "/metrics") { request in
          let format = ExpositionFormat.negotiate(accept: request.headers["accept"])
          return HTTPResponse(await registry.render(format), contentType: format.contentType)
        },
        Route(.get, "/text") { _ in
          HTTPResponse(await registry.render(.text), contentType: ExpositionFormat.text.contentType)
        },
      ], middleware: [GzipMiddleware()], loop: loop)
    let port = try #require(try await server.start().port)
    let result: Result<Void, any Error>
    do {
      try await judge(port, expected)
      result = .success(())
    } catch {
      result = .failure(error)
    }
    await server.stop(grace: .zero)
    await loop.stop()
    try result.get()
  }

  private func judge(_ port: Int, _ expected: Set<String>) async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "keel-prometheus-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let settings = """
      global: {scrape_interval: 1s, scrape_timeout: 1s}
      scrape_configs:
        - {job_name: openmetrics, static_configs: [{targets: ["127.0.0.1:\(port)"]}]}
        - {job_name: text, metrics_path: /text, static_configs: [{targets: ["127.0.0.1:\(port)"]}]}
      """
    try settings.write(to: folder.appending(path: "prometheus.yml"), atomically: true, encoding: .utf8)
    // An address of this test alone, so that the port is free.
    let address = "127.8.\(Int.random(in: 1...250)).\(Int.random(in: 1...250)):9464"
    // Killed, not asked: this process may block the polite signals, and its children inherit that.
    let start =
      "timeout -s KILL 120 sh -c 'echo $$; exec prometheus --config.file=\(folder.path)/prometheus.yml "
      + "--storage.tsdb.path=\(folder.path)/data --enable-feature=exemplar-storage "
      + "--web.listen-address=\(address) >\(folder.path)/log 2>&1' >\(folder.path)/pid 2>&1 &"
    _ = try Judge.run(start, [])
    defer {
      let stop = "process=$(cat '\(folder.path)/pid') && kill -KILL $process && tail --pid=$process -f /dev/null"
      _ = try? Judge.run(stop, [])
    }

    for job in ["openmetrics", "text"] {
      let values = try await values(address, "things_total{job=\"\(job)\"}", count: expected.count, folder)
      #expect(Set(values.map { $0["a"] ?? "" }) == expected)
      #expect(try await self.values(address, "up{job=\"\(job)\"} == 1", count: 1, folder).count == 1)
      #expect(try await self.values(address, "wait_seconds_bucket{job=\"\(job)\"}", count: 12, folder).count == 12)
      #expect(try await self.values(address, "size_bytes{job=\"\(job)\"}", count: 3, folder).count == 3)
    }
    let exemplars = try Judge.run(
      "curl -sS 'http://\(address)/api/v1/query_exemplars?start=1&end=9999999999' --data-urlencode "
        + "'query=wait_seconds_bucket{job=\"openmetrics\"}'", []
    ).output
    #expect(exemplars.contains("\"trace_id\":\"xyz\""), "\(exemplars)")
  }

  /// The labels of the series that a query finds, once there are that many.
  private func values(
    _ address: String, _ query: String, count: Int, _ folder: URL
  ) async throws -> [[String: String]] {
    let deadline = ContinuousClock.now.advanced(by: .seconds(120))
    var output = ""
    while ContinuousClock.now < deadline {
      let command = "curl -sS 'http://\(address)/api/v1/query' --data-urlencode 'query=\(query)'"
      output = try Judge.run(command, []).output
      if let answer = try? JSONDecoder().decode(Answer.self, from: Data(output.utf8)), answer.data.result.count == count
      {
        return answer.data.result.map(\.metric)
      }
      try await Task.sleep(for: .milliseconds(100))
    }
    let log = (try? String(contentsOf: folder.appending(path: "log"), encoding: .utf8)) ?? ""
    Issue.record("Prometheus has no \(count) series for \(query): \(output.prefix(2000))\n\(log.suffix(2000))")
    return []
  }
}
