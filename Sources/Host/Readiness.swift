internal import Container
internal import HTTPServer
internal import Health

/// Says when the app as a whole is ready. It depends on the server, so it stops first: an app that is going to stop
/// says so while it still answers.
struct Readiness: Sendable {
  private let monitor: HealthMonitor
  private let checks: Group<HealthCheck>

  init(monitor: HealthMonitor, checks: Group<HealthCheck>, server: HTTPServer) {
    self.monitor = monitor
    self.checks = checks
  }

  /// The monitor exists before what the checks ask: it answers from the first moment of the start.
  func prepare() async { await monitor.add(Array(checks)) }

  func becomeReady() async { await monitor.becomeReady() }

  func becomeUnready() async { await monitor.becomeUnready("stopping") }
}
