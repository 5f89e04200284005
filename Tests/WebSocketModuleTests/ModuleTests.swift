import AppConfiguration
import Container
import EventLoop
import HTTPServer
import MetricsTesting
import PrometheusMetrics
import StructuredLogging
import TestSupport
import Testing

@testable import WebSocketModule

@Suite struct ModuleTests {
  @Test func `the module provides a hub as configured`() throws {
    let configuration = Configuration(environment: [
      "WEBSOCKET_MAX_MESSAGE_BYTES": "1000", "WEBSOCKET_SLOW_CONSUMERS": "drop_oldest",
      "WEBSOCKET_PING_INTERVAL": "5s", "WEBSOCKET_ALLOWED_ORIGINS": "https://A.example.com",
    ])
    let hub = try WebSocketSettings(configuration).hub
    #expect(hub.maxMessageBytes == 1000)
    #expect(hub.slowConsumers == .dropOldest)
    #expect(hub.pingInterval == .seconds(5))
    #expect(hub.origins == .only(["https://a.example.com"]))
  }

  @Test(arguments: [
    "same-host,https://a.example.com", "any,https://a.example.com", "a.example.com", "https://a.example.com/",
    "https://", "*",
  ])
  func `an origin that no browser sends is refused, not kept as one that never matches`(origins: String) throws {
    let configuration = Configuration(environment: ["WEBSOCKET_ALLOWED_ORIGINS": origins])
    let error = #expect(throws: ConfigurationError.self) { try WebSocketSettings(configuration) }
    #expect(error.map { "\($0)".contains("websocket.allowed_origins") } == true)
  }

  @Test func `any number of origins may connect, a page without one among them`() throws {
    let configuration = Configuration(environment: [
      "WEBSOCKET_ALLOWED_ORIGINS": "http://localhost:3000,https://A.example.com,null"
    ])
    let origins = try WebSocketSettings(configuration).hub.origins
    #expect(origins == .only(["http://localhost:3000", "https://a.example.com", "null"]))
  }

  @Test func `an app with the module serves WebSockets`() async throws {
    let log = Logger(label: "test", level: .critical, output: StandardErrorOutput(format: .text))
    let registry = MetricsRegistry()
    let app = App {
      WebSocketModule()
      Supply(Configuration(), log, registry)
      Provide { try EventLoop() }.onStop { loop in await loop.stop() }
      Provide { (hub: Hub) in
        Route.webSocket("/ws", hub: hub) { _ in
          "ann"
        } onMessage: { message, client in
          await hub.send(message, to: client.user)
        }
      }.grouped()
      Provide { (routes: Group<Route>, loop: EventLoop) in
        let address = HTTPServerAddress.ip(host: "127.0.0.1", port: 0)
        let configuration = HTTPServerConfiguration(address: address)
        return try HTTPServer(configuration: configuration, routes: Array(routes), loop: loop)
      }
      .onStop { (server: HTTPServer) in await server.stop() }
      Invoke { (_: HTTPServer) in }
    }
    try await app.start()
    let port = try #require(try await app.get(HTTPServer.self).start().port)
    let client = try await offPool {
      let client = try RawClient(port)
      try client.send("hello")
      #expect(try client.frame().text == "hello")
      return client
    }
    #expect(try await registry.page().value("websocket_connections") == 1)
    async let farewell = offPool {
      let goodbye = try client.frame()
      try client.send(RawClient.close, Array(goodbye.payload.prefix(2)))
      return goodbye.code
    }
    try await app.stop()
    #expect(try await farewell == 1001)
  }

  @Test func `the hub's counts are on the page`() async throws {
    let registry = MetricsRegistry()
    try await withHub { port, hub, _ in
      try registry.register(HubCollector(hub))
      let client = try await offPool {
        let client = try RawClient(port, "/ws?user=ann")
        try client.send("four")
        #expect(try client.frame().text == "four")
        return client
      }
      var page = try await registry.page()
      #expect(page.value("websocket_connections") == 1)
      #expect(page.value("websocket_users") == 1)
      #expect(page.value("websocket_messages_received_total") == 1)
      #expect(page.value("websocket_received_bytes_total") == 4)
      #expect(page.value("websocket_messages_sent_total") == 1)
      client.abort(hard: false)
      try await eventually("it is gone") { await hub.connectionCount == 0 }
      page = try await registry.page()
      #expect(page.value("websocket_connections") == 0)
      #expect(page.value("websocket_users") == 0)
      #expect(page.value("websocket_connections_closed_total", ["code": "1006"]) == 1)
    }
  }
}
