/// What can be chosen for a hub.
public struct HubConfiguration: Sendable {
  /// How long a message of a client may be, in bytes; above it the client is closed with 1009. Default 1 MiB.
  public var maxMessageBytes = 1 << 20
  /// How many messages may wait for one client. Default 256.
  public var maxQueuedMessages = 256
  /// How many bytes may wait for one client. One message may be larger if nothing else waits. Default 1 MiB.
  public var maxQueuedBytes = 1 << 20
  /// What happens when more would wait. Default ``SlowConsumerPolicy/disconnect``.
  public var slowConsumers = SlowConsumerPolicy.disconnect
  /// How many clients may be connected; further ones get 503. Default 10 000.
  public var maxConnections = 10_000
  /// How many connections one user may have; a further one is closed with 1008. Default 0: no limit.
  public var maxConnectionsPerUser = 0
  /// A client that was silent for this long is asked whether it is still there. Default 30 s; also what keeps proxies
  /// from closing a quiet connection.
  public var pingInterval = Duration.seconds(30)
  /// A client that neither answers nor takes what waits for it for this long is gone. Default 10 s.
  public var pongTimeout = Duration.seconds(10)
  /// How long the other side's half of a goodbye is waited for, once it takes nothing more. Default 5 s.
  public var closeTimeout = Duration.seconds(5)
  /// From which pages browsers may connect. Default ``WebSocketOrigins/sameHost``.
  public var origins = WebSocketOrigins.sameHost
  /// Told of what a handler of the application throws; the client is closed with 1011. Default: nobody is told.
  public var onError: (@Sendable (any Error, HubClient) -> Void)?

  /// The defaults.
  public init() {}

  /// How often all connections are looked at.
  var tick: Duration { min(max(min(pingInterval, pongTimeout, closeTimeout) / 4, .milliseconds(10)), longestTick) }
  /// For tests, which look by themselves.
  var longestTick = Duration.seconds(1)
}
