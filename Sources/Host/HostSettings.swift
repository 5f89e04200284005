internal import AppConfiguration
internal import HTTPServer

/// The settings under `host`.
struct HostSettings: Sendable {
  static let preset = Setting(
    "host.preset", default: HostPreset.none,
    "Defaults for where the program runs: none, kubernetes, cloudrun or systemd. What is set elsewhere wins.")
  static let listen = Setting(
    "host.listen", default: ListenAddress.tcp(host: "127.0.0.1", port: 8080), flag: "listen",
    "Where to serve HTTP: host:port, or unix:/path. Port 0 takes a free one.")
  static let adminListen = Setting<ListenAddress?>(
    "host.admin_listen", default: nil, flag: "admin-listen",
    "Where to serve the dashboard, /debug and the health pages beside host.listen, from the first moment of the start.")
  static let startTimeout = Setting(
    "host.start_timeout", default: Duration.seconds(60),
    "How long the start may take, migrations included, before it is rolled back."
  ).checked("must be longer than zero") { $0 > .zero }
  static let shutdownTimeout = Setting(
    "host.shutdown_timeout", default: Duration.seconds(30),
    "How long a graceful stop may take: the drain delay, then half of the rest for requests under way, half for the app."
  ).checked("must be longer than zero") { $0 > .zero }
  static let drainDelay = Setting(
    "host.drain_delay", default: Duration.zero,
    "How long to go on serving after a signal, unready, until load balancers have noticed.")
  static let healthPeriod = Setting(
    "host.health_period", default: Duration.seconds(10),
    "How often the health checks are asked when nobody asks /readyz, for the log and the metrics."
  ).checked("must be longer than zero") { $0 > .zero }
  static let busyPoll = Setting(
    "host.busy_poll", default: Duration.zero,
    "How long the event loop asks again before it sleeps: answers come sooner, for a processor that is never idle."
  ).checked("must not be negative") { $0 >= .zero }

  static let catalog = SettingsCatalog(
    "host", preset, listen, adminListen, startTimeout, shutdownTimeout, drainDelay, healthPeriod, busyPoll)

  let listen: ListenAddress
  let adminListen: ListenAddress?
  let startTimeout: Duration
  let healthPeriod: Duration
  let busyPoll: Duration
  let shutdown: ShutdownBudget

  init(_ configuration: Configuration) throws(ConfigurationError) {
    listen = try configuration(Self.listen)
    adminListen = try configuration(Self.adminListen)
    startTimeout = try configuration(Self.startTimeout)
    healthPeriod = try configuration(Self.healthPeriod)
    busyPoll = try configuration(Self.busyPoll)
    let (total, drain) = (try configuration(Self.shutdownTimeout), try configuration(Self.drainDelay))
    guard drain < total else {
      throw ConfigurationError(
        ConfigurationFault(
          .invalidValue, at: configuration.source(of: Self.drainDelay), path: Self.drainDelay.path,
          "host.drain_delay is \(drain.settingText), not shorter than host.shutdown_timeout, which is "
            + "\(total.settingText): nothing would be left for the stop itself"))
    }
    shutdown = ShutdownBudget(total: total, drain: drain)
  }

  var http: HTTPServerConfiguration { HTTPServerConfiguration(address: HTTPServerAddress(listen)) }

  var adminHTTP: HTTPServerConfiguration? {
    adminListen.map { HTTPServerConfiguration(address: HTTPServerAddress($0)) }
  }
}

extension HTTPServerAddress {
  init(_ address: ListenAddress) {
    switch address {
    case .tcp(let host, let port): self = .ip(host: host.isEmpty ? "::" : host, port: Int(port))
    case .unix(let path): self = .unix(path: path)
    }
  }

  /// Whether only this machine can reach it.
  var isLocal: Bool {
    switch self {
    case .ip(let host, _): host == "localhost" || host == "::1" || host.hasPrefix("127.")
    case .unix: true
    }
  }
}
