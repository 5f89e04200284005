import HTTPServer
import Synchronization
import TestSupport
import Testing

@testable import WebSocketModule

@Suite struct HandshakeTests {
  private static let good: HTTPHeaders = [
    "Host": "example.com", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  ]

  private func status(_ change: (inout HTTPHeaders) -> Void, _ origins: WebSocketOrigins = .sameHost) -> HTTPStatus? {
    var headers = Self.good
    change(&headers)
    do {
      _ = try Handshake.accept(HTTPRequest(.get, "/ws", headers: headers), origins)
      return nil
    } catch {
      return error.status
    }
  }

  @Test func `the key of the RFC gets the answer of the RFC`() throws {
    let answer = try Handshake.accept(HTTPRequest(.get, "/ws", headers: Self.good), .sameHost)
    #expect(answer == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
  }

  @Test func `a request that is no handshake is refused`() {
    #expect(status { $0["Upgrade"] = nil } == .upgradeRequired)
    #expect(status { $0["Upgrade"] = "h2c" } == .upgradeRequired)
    #expect(status { $0["Connection"] = "keep-alive" } == .upgradeRequired)
    #expect(status { $0["Sec-WebSocket-Version"] = "8" } == .upgradeRequired)
    #expect(status { $0["Sec-WebSocket-Key"] = nil } == .badRequest)
    #expect(status { $0["Sec-WebSocket-Key"] = "c2hvcnQ=" } == .badRequest)
    #expect(status { $0["Sec-WebSocket-Key"] = "not base64!" } == .badRequest)
    #expect(status { $0.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==") } == .badRequest)
    #expect(status { $0["Connection"] = "keep-alive, upgrade" } == nil)
    #expect(throws: HTTPError.self) {
      try Handshake.accept(HTTPRequest(.head, "/ws", headers: Self.good), .sameHost)
    }
  }

  @Test(arguments: [
    (nil, WebSocketOrigins.sameHost, true), ("https://example.com", .sameHost, true),
    ("http://EXAMPLE.com:80", .sameHost, true), ("https://example.com:8443", .sameHost, false),
    ("https://evil.com", .sameHost, false), ("https://example.com.evil.com", .sameHost, false),
    ("null", .sameHost, false),
    ("https://evil.com", .any, true), ("https://app.example.com", .only(["https://app.example.com"]), true),
    ("http://app.example.com", .only(["https://app.example.com"]), false), (nil, .only([]), true),
  ])
  func `only pages of the right origin may connect`(origin: String?, origins: WebSocketOrigins, allowed: Bool) {
    #expect(status({ $0["Origin"] = origin }, origins) == (allowed ? nil : .forbidden))
  }

  @Test func `the client's favourite among the known subprotocols is agreed to`() {
    func agreed(_ values: String...) -> String? {
      var headers = Self.good
      for value in values { headers.add("Sec-WebSocket-Protocol", value) }
      return Handshake.subprotocol(HTTPRequest(.get, "/ws", headers: headers), among: ["chat", "mqtt"])
    }
    #expect(agreed("soap, mqtt, chat") == "mqtt")
    #expect(agreed("soap", "chat") == "chat")
    #expect(agreed("soap") == nil)
    #expect(agreed() == nil)
  }

  @Test func `HEAD, and a client of HTTP 1.0, get no upgrade`() async throws {
    try await withHub { port, hub, _ in
      try await offPool {
        let upgrade = "-H 'Upgrade: websocket' -H 'Connection: Upgrade' -H 'Sec-WebSocket-Version: 13' "
        let key = "-H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' "
        for option in ["--head", "--http1.0"] {
          let status = try shell(
            "curl -sS -o /dev/null -w '%{http_code}' \(option) \(upgrade)\(key) http://127.0.0.1:\(port)/ws")
          #expect(status == "426", "\(option)")
        }
      }
      #expect(hub.counters.opened.load(ordering: .relaxed) == 0)
    }
  }

  @Test func `over the wire the refusals are answers like others`() async throws {
    try await withHub { port, _, _ in
      try await offPool {
        let client = try RawClient(port, headers: "Sec-WebSocket-Protocol: mqtt\r\n")
        #expect(client.answer.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
        #expect(client.answer.contains("Sec-WebSocket-Protocol: mqtt\r\n"))
        #expect(client.answer.contains("Upgrade: websocket\r\n"))
        for (target, headers, status) in [
          ("/ws?user=stranger", "", "401"), ("/ws", "Origin: https://evil.com\r\n", "403"), ("/nowhere", "", "404"),
        ] {
          do {
            _ = try RawClient(port, target, headers: headers)
            Issue.record("\(status) expected")
          } catch RawClient.Failure.refused(let answer) {
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
          }
        }
      }
    }
  }
}
