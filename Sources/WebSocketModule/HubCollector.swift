internal import PrometheusMetrics
internal import Synchronization

/// What a hub counts, for Prometheus.
struct HubCollector: MetricsCollector {
  private static let connections = gauge("connections", "WebSocket connections that are open.")
  private static let users = gauge("users", "Users with a WebSocket connection.")
  private static let opened = counter("connections_opened", "WebSocket connections opened.")
  private static let received = counter("messages_received", "Messages from WebSocket clients.")
  private static let receivedBytes = counter("received_bytes", "Payload of messages from WebSocket clients.")
  private static let sent = counter("messages_sent", "Messages to WebSocket clients.")
  private static let sentBytes = counter("sent_bytes", "Payload of messages to WebSocket clients.")
  private static let dropped = counter("messages_dropped", "Messages that did not fit into a client's queue.")
  private static let slow = counter("slow_disconnects", "WebSocket clients closed because they did not keep up.")
  private static let closed = MetricDescriptor(
    "websocket_connections_closed_total", .counter,
    help: "WebSocket connections closed, by code; 1006 broke or fell silent, 4000 stands for codes of applications.",
    labels: ["code"])

  private static func gauge(_ name: String, _ help: String) -> MetricDescriptor {
    MetricDescriptor("websocket_\(name)", .gauge, help: help)
  }

  private static func counter(_ name: String, _ help: String) -> MetricDescriptor {
    MetricDescriptor("websocket_\(name)_total", .counter, help: help)
  }

  private let hub: Hub

  init(_ hub: Hub) { self.hub = hub }

  let descriptors = [
    connections, users, opened, received, receivedBytes, sent, sentBytes, dropped, slow, closed,
  ]

  func collect() -> [MetricFamily] {
    let counters = hub.counters
    let codes = counters.closesByCode.sorted { $0.key.rawValue < $1.key.rawValue }
    return [
      MetricFamily(Self.connections, counters.connections.load(ordering: .relaxed)),
      MetricFamily(Self.users, counters.users.load(ordering: .relaxed)),
      MetricFamily(Self.opened, counters.opened.load(ordering: .relaxed)),
      MetricFamily(Self.received, counters.received.load(ordering: .relaxed)),
      MetricFamily(Self.receivedBytes, counters.receivedBytes.load(ordering: .relaxed)),
      MetricFamily(Self.sent, counters.sent.load(ordering: .relaxed)),
      MetricFamily(Self.sentBytes, counters.sentBytes.load(ordering: .relaxed)),
      MetricFamily(Self.dropped, counters.lost.load(ordering: .relaxed)),
      MetricFamily(Self.slow, counters.slow.load(ordering: .relaxed)),
      MetricFamily(Self.closed, codes.map { Metric(.number(Double($0.value)), labels: ["code": "\($0.key)"]) }),
    ]
  }
}
