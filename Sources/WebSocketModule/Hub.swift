internal import EventLoop
internal import Synchronization

/// Knows who is connected, and sends to users rather than to sockets: a user has as many connections as tabs and devices.
///
/// ```swift
/// let hub = Hub()
/// let route = Route.webSocket("/chat", hub: hub) { request in
///   try await sessions.user(of: request)
/// } onMessage: { message, client in
///   await hub.broadcast(message)
/// }
/// …
/// await hub.send("dinner is ready", to: "ann")
/// ```
///
/// Clients come from routes, `Route.webSocket`, which any number of servers may have.
/// One process knows its own clients only; several processes tell each other through what they share, such as
/// PostgreSQL's `LISTEN` and `NOTIFY`.
public actor Hub {
  /// How it was made.
  public nonisolated let configuration: HubConfiguration
  nonisolated let counters = HubCounters()
  private nonisolated let lastID = Atomic<UInt64>(0)
  private nonisolated let keepers = Mutex<[ObjectIdentifier: SessionKeeper]>([:])

  private var clients: [String: [UInt64: HubClient]] = [:]
  private var watchers: [UInt64: AsyncStream<PresenceEvent>.Continuation] = [:]
  private var nextWatcher: UInt64 = 0
  private var isClosed = false

  /// A hub without clients.
  public init(configuration: HubConfiguration = HubConfiguration()) {
    self.configuration = configuration
  }

  // MARK: Who is there

  /// The users that are connected.
  public var users: Set<String> { Set(clients.keys) }

  /// How many connections there are.
  public var connectionCount: Int { clients.values.reduce(0) { $0 + $1.count } }

  /// The connections of a user, the oldest first.
  public func connections(of user: String) -> [HubClient] {
    (clients[user] ?? [:]).values.sorted { $0.id < $1.id }
  }

  /// Whether a user is connected.
  public func isOnline(_ user: String) -> Bool { clients[user] != nil }

  /// Who is there now, and who comes and goes from now on. The stream ends when the hub closes.
  ///
  /// A reader that falls behind by more than 4096 events loses the oldest; ``users`` has the truth.
  public func presence() -> (online: Set<String>, events: AsyncStream<PresenceEvent>) {
    let (events, continuation) = AsyncStream.makeStream(
      of: PresenceEvent.self, bufferingPolicy: .bufferingNewest(4096))
    guard !isClosed else {
      continuation.finish()
      return (users, events)
    }
    let id = nextWatcher
    nextWatcher += 1
    watchers[id] = continuation
    continuation.onTermination = { [weak self] _ in
      Task { await self?.forget(watcher: id) }
    }
    return (users, events)
  }

  private func forget(watcher id: UInt64) { watchers[id] = nil }

  // MARK: Sending

  /// Sends to all connections of a user.
  ///
  /// - Returns: how many took it; 0 when the user is not connected.
  @discardableResult
  public func send(_ message: WebSocketMessage, to user: String) -> Int {
    (clients[user] ?? [:]).values.count { $0.send(message) }
  }

  /// Sends to every connection.
  ///
  /// - Parameter except: a user who gets nothing, such as the one whose message it is.
  /// - Returns: how many took it.
  @discardableResult
  public func broadcast(_ message: WebSocketMessage, except: String? = nil) -> Int {
    clients.reduce(0) { sum, entry in
      entry.key == except ? sum : sum + entry.value.values.count { $0.send(message) }
    }
  }

  /// Says goodbye to all connections of a user.
  ///
  /// - Returns: how many there were.
  @discardableResult
  public func disconnect(
    _ user: String, _ code: WebSocketCloseCode = .policyViolation, reason: String = ""
  ) -> Int {
    let connections = clients[user] ?? [:]
    for client in connections.values { client.close(code, reason: reason) }
    return connections.count
  }

  /// Says goodbye to everybody, for good, and ends the streams of presence.
  public func close() {
    isClosed = true
    for connections in clients.values {
      for client in connections.values { client.close(.goingAway) }
    }
    for watcher in watchers.values { watcher.finish() }
    watchers = [:]
  }

  // MARK: What sessions tell

  /// A place for one more connection; nil when all are taken.
  nonisolated func takeSeat() -> Seat? { Seat.take(counters, limit: configuration.maxConnections) }

  /// Who looks after the sessions on a loop.
  nonisolated func keeper(on loop: EventLoop) -> SessionKeeper {
    keepers.withLock { keepers in
      if let keeper = keepers[ObjectIdentifier(loop)] { return keeper }
      let made = SessionKeeper(tick: configuration.tick, loop: loop)
      keepers[ObjectIdentifier(loop)] = made
      return made
    }
  }

  nonisolated func makeID() -> UInt64 { lastID.add(1, ordering: .relaxed).newValue }

  /// Why a connection is not entered.
  enum Refusal {
    case isClosed
    case tooManyOfUser
  }

  /// Enters a connection, unless it is refused.
  func register(_ client: HubClient) -> Refusal? {
    guard !isClosed else { return .isClosed }
    let limit = configuration.maxConnectionsPerUser
    let present = clients[client.user]?.count ?? 0
    guard limit == 0 || present < limit else { return .tooManyOfUser }
    clients[client.user, default: [:]][client.id] = client
    if present == 0 { tell(.online(client.user)) }
    return nil
  }

  /// Removes a connection. Nothing happens if it is not there.
  func unregister(_ client: HubClient) {
    guard clients[client.user]?.removeValue(forKey: client.id) != nil else { return }
    guard clients[client.user]?.isEmpty == true else { return }
    clients[client.user] = nil
    tell(.offline(client.user))
  }

  private func tell(_ event: PresenceEvent) {
    counters.users.store(clients.count, ordering: .relaxed)
    for watcher in watchers.values { watcher.yield(event) }
  }
}
