internal import AppConfiguration
public import Container
internal import PrometheusMetrics
internal import StructuredLogging

/// WebSockets for an app: provides a ``Hub``, configured under `websocket` (see ``WebSocketSettings``) and counted on
/// `/metrics`.
///
/// Wants `Configuration`, `Logger` and `MetricsRegistry`, which `Host` provides. The app adds routes to it:
///
/// ```swift
/// struct ChatModule: Module {
///   var body: [any ModuleElement] {
///     WebSocketModule()
///     Provide { (hub: Hub, sessions: Sessions) in
///       Route.webSocket("/chat", hub: hub) { request in
///         try await sessions.user(of: request)
///       } onMessage: { message, client in
///         await hub.broadcast(message, except: client.user)
///       }
///     }.grouped()
///   }
/// }
/// ```
public struct WebSocketModule: Module {
  /// Everything is configured under `websocket`.
  public init() {}

  /// The hub, its settings and its metrics.
  public var body: [any ModuleElement] {
    Supply(WebSocketSettings.catalog).grouped()
    Provide { (configuration: Configuration, logger: Logger) in
      var settings = try WebSocketSettings(configuration).hub
      let logger = logger.labelled("websocket")
      settings.onError = { error, client in
        logger.error("handler failed", ["user": .string(client.user), "error": .describing(error)])
      }
      return Hub(configuration: settings)
    }
    .onStop { hub in await hub.close() }
    Invoke { (registry: MetricsRegistry, hub: Hub) in try registry.register(HubCollector(hub)) }
  }
}
