internal import AppConfiguration

/// Where the program runs, and the defaults that suit it.
enum HostPreset: String, CaseIterable, SettingValue {
  case none
  case kubernetes
  case cloudrun
  case systemd

  /// Of every place but a developer's machine: the data are somebody's.
  private static let deployed = ["database.embedded": "false", "database.log_parameters": "fingerprint"]

  /// Its defaults; nil for none.
  ///
  /// - Parameter environment: Cloud Run says in `PORT` where to listen.
  func values(_ environment: [String: String]) -> ConfigurationPreset? {
    switch self {
    case .none: nil
    case .kubernetes:
      // Endpoints are taken out of the load balancers while the pod is told to stop, not before: it goes on serving for
      // a while. All of it fits into the 30 s of terminationGracePeriodSeconds.
      ConfigurationPreset(
        rawValue,
        [
          "host.listen": "0.0.0.0:8080", "host.admin_listen": "127.0.0.1:9090", "host.drain_delay": "5s",
          "host.shutdown_timeout": "28s", "log.format": "json",
        ].merging(Self.deployed) { $1 })
    case .cloudrun:
      // SIGKILL follows SIGTERM after 10 s, and no request comes after SIGTERM.
      ConfigurationPreset(
        rawValue,
        [
          "host.listen": "0.0.0.0:\(environment["PORT"] ?? "8080")", "host.shutdown_timeout": "9s",
          "log.format": "json",
        ].merging(Self.deployed) { $1 })
    case .systemd:
      // TimeoutStopSec is 90 s unless the unit says otherwise; the journal adds the time.
      ConfigurationPreset(
        rawValue, ["host.shutdown_timeout": "80s", "host.start_timeout": "85s"].merging(Self.deployed) { $1 })
    }
  }
}
