internal import EventLoop

/// What happened to a client and the application has not seen yet. Hands it over one by one; no task exists while there is
/// nothing, which is most of the time for most clients.
///
/// - Note: `@unchecked Sendable` because the task that hands over holds it. All of it is touched on the loop's thread
///   alone: the task prefers the loop, also between its awaits.
final class SessionInbox: @unchecked Sendable {
  enum Event {
    case opened
    case message(WebSocketMessage)
    case closed(WebSocketCloseCode)
  }

  /// With so many messages waiting, no more are read.
  private static let limit = 16

  /// Called when there is room again.
  var onRoom: (() -> Void)?

  private let client: HubClient
  private let hub: Hub
  private let handlers: SessionHandlers
  private let loop: EventLoop
  private var events: [Event] = []
  private var isWorking = false
  /// The hub refused the client, or the application failed: it hears of no more messages.
  private var isDeaf = false
  private var isRegistered = false

  init(_ client: HubClient, hub: Hub, _ handlers: SessionHandlers, loop: EventLoop) {
    self.client = client
    self.hub = hub
    self.handlers = handlers
    self.loop = loop
  }

  var isFull: Bool { events.count >= Self.limit }

  func put(_ event: Event) {
    events.append(event)
    guard !isWorking else { return }
    isWorking = true
    Task.immediate(executorPreference: loop) { await self.work() }
  }

  private func work() async {
    while !events.isEmpty {
      let wasFull = isFull
      let event = events.removeFirst()
      do {
        try await handle(event)
      } catch {
        isDeaf = true
        hub.configuration.onError?(error, client)
        client.close(.internalError)
      }
      if wasFull { onRoom?() }
    }
    events = []
    isWorking = false
  }

  private func handle(_ event: Event) async throws {
    switch event {
    case .opened:
      let refusal = await hub.register(client)
      isRegistered = refusal == nil
      isDeaf = refusal != nil
      switch refusal {
      case .isClosed: client.close(.goingAway)
      case .tooManyOfUser: client.close(.policyViolation, reason: "too many connections")
      case nil: try await handlers.onOpen(client)
      }
    case .message(let message):
      if !isDeaf { try await handlers.onMessage(message, client) }
    case .closed(let code):
      guard isRegistered else { return }
      await hub.unregister(client)
      await handlers.onClose(client, code)
    }
  }
}
