internal import AppConfiguration

/// Where the program runs, and the defaults that suit it.
enum HostPreset: String, CaseIterable, SettingValue {
  case none
  case kubernetes
  case cloudrun
  case systemd

  /// Its defaults; nil for none.
  ///
  /// - Parameter environment: Cloud Run says in `PORT` where to listen.
  func values(_ environment: [String: String]) -> ConfigurationPreset? {
    let own: [String: String]
    switch self {
    case .none: return nil
    case .kubernetes:
      // Endpoints are taken out of the load balancers while the pod is told to stop, not before: it goes on serving for
      // a while. All of it fits into the 30 s of terminationGracePeriodSeconds.
      own = [
        "host.listen": "0.0.0.0:8080", "host.admin_listen": "127.0.0.1:9090", "host.drain_delay": "5s",
        "host.shutdown_timeout": "28s", "log.format": "json",
      ]
    case .cloudrun:
      // SIGKILL follows SIGTERM after 10 s, and no request comes after SIGTERM.
      own = [
        "host.listen": "0.0.0.0:\(environment["PORT"] ?? "8080")", "host.shutdown_timeout": "9s", "log.format": "json",
      ]
    case .systemd:
      // TimeoutStopSec is 90 s unless the unit says otherwise; the journal adds the time.
      own = ["host.shutdown_timeout": "80s", "host.start_timeout": "85s"]
    }
    // Everywhere but on a developer's machine the data are somebody's.
    let deployed = ["database.embedded": "false", "database.log_parameters": "fingerprint"]
    return ConfigurationPreset(rawValue, own.merging(deployed) { $1 })
  }
}
