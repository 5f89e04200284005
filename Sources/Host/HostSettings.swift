internal import AppConfiguration
internal import HTTPServer
internal import StructuredLogging

/// The settings under `host`.
struct HostSettings: Sendable {
  static let listen = Setting(
    "host.listen", default: ListenAddress.tcp(host: "127.0.0.1", port: 8080), flag: "listen",
    "Where to serve HTTP: host:port, or unix:/path. Port 0 takes a free one.")
  static let startTimeout = Setting(
    "host.start_timeout", default: Duration.seconds(60),
    "How long the start may take, migrations included, before it is rolled back."
  ).checked("must be longer than zero") { $0 > .zero }
  static let shutdownTimeout = Setting(
    "host.shutdown_timeout", default: Duration.seconds(30),
    "How long a graceful stop may take; requests under way get up to half of it."
  ).checked("must be longer than zero") { $0 > .zero }

  static let catalog = SettingsCatalog("host", listen, startTimeout, shutdownTimeout)

  let listen: ListenAddress
  let startTimeout: Duration
  let shutdownTimeout: Duration

  init(_ configuration: Configuration) throws(ConfigurationError) {
    listen = try configuration(Self.listen)
    startTimeout = try configuration(Self.startTimeout)
    shutdownTimeout = try configuration(Self.shutdownTimeout)
  }

  var http: HTTPServerConfiguration {
    switch listen {
    case .tcp(let host, let port): HTTPServerConfiguration(address: .ip(host: host, port: Int(port)))
    case .unix(let path): HTTPServerConfiguration(address: .unix(path: path))
    }
  }
}

/// The settings under `log`.
struct LogSettings: Sendable {
  static let level = Setting(
    "log.level", default: Logger.Level.info, "What is logged: trace, debug, info, notice, warning, error or critical.")
  static let format = Setting("log.format", default: LogFormat.text, "How it is written: text or json.")

  static let catalog = SettingsCatalog("log", level, format)

  private let level: Logger.Level
  private let format: LogFormat

  init(_ configuration: Configuration) throws(ConfigurationError) {
    level = try configuration(Self.level)
    format = try configuration(Self.format)
  }

  func logger(_ name: String) -> Logger {
    Logger(label: name, level: level, output: StandardErrorOutput(format: format))
  }
}
