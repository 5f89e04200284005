import EventLoop
import HTTPServer
import Synchronization
import Testing

@testable import WebSocketModule

/// Runs a test against a server with a hub on a free port, and stops it afterwards. `/ws?user=ann` is an echo.
func withHub(
  _ configure: (inout HubConfiguration) -> Void = { _ in }, log: SessionLog = SessionLog(),
  tls: HTTPServerConfiguration.TLS? = nil,
  onMessage: @escaping @Sendable (WebSocketMessage, HubClient) async throws -> Void = { $1.send($0) },
  _ body: (_ port: Int, Hub, HTTPServer) async throws -> Void
) async throws {
  var configuration = HubConfiguration()
  // Patience costs nothing where nothing is wrong.
  (configuration.pingInterval, configuration.closeTimeout) = (.seconds(600), .seconds(60))
  configuration.onError = { error, _ in log.append("error \(error)") }
  configure(&configuration)
  let hub = Hub(configuration: configuration)
  let loop = try EventLoop()
  var address = HTTPServerConfiguration(address: .ip(host: "127.0.0.1", port: 0))
  address.tls = tls
  let server = try HTTPServer(
    configuration: address,
    routes: [
      Route.webSocket("/ws", hub: hub, subprotocols: ["chat", "mqtt"]) { request in
        guard let user = request.query["user"] else { return "nobody" }
        guard user != "stranger" else { throw HTTPError(.unauthorized) }
        return user
      } onOpen: { client in
        log.append("open \(client.user)")
      } onMessage: { message, client in
        try await onMessage(message, client)
      } onClose: { client, code in
        log.append("close \(client.user) \(code)")
      },
      Route(.get, "/plain") { _ in "plain" },
    ], loop: loop)
  let result: Result<Void, any Error>
  do {
    let address = try await server.start()
    result = .success(try await body(address.port ?? 0, hub, server))
  } catch {
    result = .failure(error)
  }
  await server.stop(grace: .zero)
  await loop.stop()
  try result.get()
}

/// What the application was told, in order.
final class SessionLog: Sendable {
  private let lines = Mutex<[String]>([])

  var all: [String] { lines.withLock { $0 } }
  func append(_ line: String) { lines.withLock { $0.append(line) } }
}

/// Waits for a condition; fails the test if it does not come about within a minute.
func eventually(
  _ comment: Comment, location: SourceLocation = #_sourceLocation, _ condition: @Sendable () async -> Bool
) async throws {
  let deadline = ContinuousClock.now.advanced(by: .seconds(60))
  while await !condition() {
    guard ContinuousClock.now < deadline else {
      Issue.record("never came about: \(comment)", sourceLocation: location)
      return
    }
    try await Task.sleep(for: .milliseconds(1))
  }
}
