public import HTTPServer

extension Route {
  /// A route for WebSockets: after the handshake the client is one of the hub's.
  ///
  /// ```swift
  /// Route.webSocket("/chat", hub: hub) { request in
  ///   try await sessions.user(of: request)
  /// } onMessage: { message, client in
  ///   await hub.broadcast(message)
  /// }
  /// ```
  ///
  /// The closures for one client are called one after the other, on the server's loop: they must not block. While they
  /// are busy, further messages wait, and once a few do, the client's sending waits too.
  ///
  /// - Parameters:
  ///   - path: As for other routes.
  ///   - hub: Knows the clients, and has the limits.
  ///   - subprotocols: What the server speaks; the first of the client's list that is among them is agreed to.
  ///   - user: Says who asks, before the upgrade. What it throws is answered as from any handler: `HTTPError(.unauthorized)`.
  ///   - onOpen: The client is registered.
  ///   - onMessage: A message has arrived. What it throws goes to ``HubConfiguration/onError`` and closes with 1011.
  ///   - onClose: The client is gone and no longer registered.
  public static func webSocket(
    _ path: String, hub: Hub, subprotocols: [String] = [], fileID: String = #fileID, line: Int = #line,
    user: @escaping @Sendable (HTTPRequest) async throws -> String,
    onOpen: @escaping @Sendable (HubClient) async throws -> Void = { _ in },
    onMessage: @escaping @Sendable (WebSocketMessage, HubClient) async throws -> Void = { _, _ in },
    onClose: @escaping @Sendable (HubClient, WebSocketCloseCode) async -> Void = { _, _ in }
  ) -> Route {
    let handlers = SessionHandlers(onOpen: onOpen, onMessage: onMessage, onClose: onClose)
    return Route(.get, path, fileID: fileID, line: line) { request in
      let answer = try Handshake.accept(request, hub.configuration.origins)
      let name = try await user(request)
      guard let seat = hub.takeSeat() else {
        throw HTTPError(.serviceUnavailable, "too many connections", headers: ["Retry-After": "10"])
      }
      let subprotocol = Handshake.subprotocol(request, among: subprotocols)
      var headers: HTTPHeaders = ["Sec-WebSocket-Accept": answer]
      if let subprotocol { headers["Sec-WebSocket-Protocol"] = subprotocol }
      return HTTPResponse.upgrade(to: "websocket", headers: headers) { connection in
        let client = HubClient(
          user: name, id: hub.makeID(), remoteAddress: connection.remoteAddress, subprotocol: subprotocol,
          configuration: hub.configuration, counters: hub.counters, loop: connection.loop)
        Session(client, connection, seat, hub: hub, handlers).begin()
      }
    }
  }
}

/// What the application does with a client.
struct SessionHandlers: Sendable {
  var onOpen: @Sendable (HubClient) async throws -> Void
  var onMessage: @Sendable (WebSocketMessage, HubClient) async throws -> Void
  var onClose: @Sendable (HubClient, WebSocketCloseCode) async -> Void
}
