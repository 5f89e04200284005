import Container
import HTTPServer
import WebSocketModule

// What stands in the page of WebSocketModule.docc.

struct Sessions: Sendable {
  func user(of request: HTTPRequest) async throws -> String { request.query["user"] ?? "" }
}

struct ChatModule: Module {
  var body: [any ModuleElement] {
    WebSocketModule()
    Provide { (hub: Hub, sessions: Sessions) in
      Route.webSocket("/chat", hub: hub) { request in
        try await sessions.user(of: request)
      } onOpen: { client in
        client.send("welcome, \(client.user)")
      } onMessage: { message, client in
        await hub.broadcast(message, except: client.user)
      }
    }.grouped()
  }
}

enum WebSocketPage {
  actor Board {
    func show(_ users: Set<String>) {}
    func add(_ user: String) {}
    func remove(_ user: String) {}
  }

  static func tell(_ hub: Hub, _ json: String, _ board: Board) async {
    let reached = await hub.send(.text(json), to: "ann")
    await hub.disconnect("ann", .policyViolation, reason: "signed out")

    let (online, events) = await hub.presence()
    await board.show(online)
    for await event in events {
      switch event {
      case .online(let user): await board.add(user)
      case .offline(let user): await board.remove(user)
      }
    }
    _ = reached
  }
}
