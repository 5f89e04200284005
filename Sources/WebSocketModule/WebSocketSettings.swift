public import AppConfiguration

/// The settings under `websocket`.
public struct WebSocketSettings: Sendable {
  /// `websocket.max_message_bytes`.
  public static let maxMessageBytes = Setting(
    "websocket.max_message_bytes", default: 1 << 20, "The longest message that a client may send."
  ).checked("must be at least 1") { $0 >= 1 }
  /// `websocket.max_queued_messages`.
  public static let maxQueuedMessages = Setting(
    "websocket.max_queued_messages", default: 256, "The most messages that wait for one client."
  ).checked("must be at least 1") { $0 >= 1 }
  /// `websocket.max_queued_bytes`.
  public static let maxQueuedBytes = Setting(
    "websocket.max_queued_bytes", default: 1 << 20, "The most bytes that wait for one client."
  ).checked("must be at least 1") { $0 >= 1 }
  /// `websocket.slow_consumers`.
  public static let slowConsumers = Setting(
    "websocket.slow_consumers", default: SlowConsumerPolicy.disconnect,
    "What happens when more would wait: disconnect, drop_oldest or drop_newest.")
  /// `websocket.max_connections`.
  public static let maxConnections = Setting(
    "websocket.max_connections", default: 10_000, "The most clients; further ones get 503."
  ).checked("must be at least 1") { $0 >= 1 }
  /// `websocket.max_connections_per_user`.
  public static let maxConnectionsPerUser = Setting(
    "websocket.max_connections_per_user", default: 0, "The most connections of one user; 0 is no limit."
  ).checked("must be 0 or more") { $0 >= 0 }
  /// `websocket.ping_interval`.
  public static let pingInterval = Setting(
    "websocket.ping_interval", default: Duration.seconds(30), "A client silent for this long is asked if it is there."
  ).checked("must be longer than zero") { $0 > .zero }
  /// `websocket.pong_timeout`.
  public static let pongTimeout = Setting(
    "websocket.pong_timeout", default: Duration.seconds(10), "A client that does not answer for this long is gone."
  ).checked("must be longer than zero") { $0 > .zero }
  /// `websocket.allowed_origins`.
  public static let allowedOrigins = Setting(
    "websocket.allowed_origins", default: ["same-host"],
    "Whose pages may connect: same-host, any, or origins such as https://app.example.com."
  ).checked("must be same-host alone, any alone, or origins as browsers send them: a scheme, a host and no path") {
    WebSocketOrigins.canBe($0)
  }

  /// All of them.
  public static let catalog = SettingsCatalog(
    "websocket", maxMessageBytes, maxQueuedMessages, maxQueuedBytes, slowConsumers, maxConnections,
    maxConnectionsPerUser, pingInterval, pongTimeout, allowedOrigins)

  /// What they come to.
  public let hub: HubConfiguration

  /// Reads them.
  public init(_ configuration: Configuration) throws(ConfigurationError) {
    var hub = HubConfiguration()
    hub.maxMessageBytes = try configuration(Self.maxMessageBytes)
    hub.maxQueuedMessages = try configuration(Self.maxQueuedMessages)
    hub.maxQueuedBytes = try configuration(Self.maxQueuedBytes)
    hub.slowConsumers = try configuration(Self.slowConsumers)
    hub.maxConnections = try configuration(Self.maxConnections)
    hub.maxConnectionsPerUser = try configuration(Self.maxConnectionsPerUser)
    hub.pingInterval = try configuration(Self.pingInterval)
    hub.pongTimeout = try configuration(Self.pongTimeout)
    hub.origins = WebSocketOrigins(try configuration(Self.allowedOrigins))
    self.hub = hub
  }
}

extension WebSocketOrigins {
  /// Whether each may be what a browser sends; `null` stands for a page without an origin, such as a file. Anything else
  /// would never match, and nobody would know why.
  static func canBe(_ origins: [String]) -> Bool {
    if origins == ["same-host"] || origins == ["any"] { return true }
    return origins.allSatisfy { origin in
      guard let mark = origin.firstRange(of: "://") else { return origin == "null" }
      let place = origin[mark.upperBound...]
      return mark.lowerBound > origin.startIndex && !place.isEmpty && !place.contains { "/?#@*".contains($0) }
    }
  }

  /// `same-host`, `any`, or origins.
  init(_ origins: [String]) {
    switch origins {
    case ["same-host"]: self = .sameHost
    case ["any"]: self = .any
    default: self = .only(Set(origins.map { $0.lowercased() }))
    }
  }
}

extension SlowConsumerPolicy: SettingValue {}
