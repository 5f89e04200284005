internal import AppConfiguration
internal import FoundationEssentials
internal import HTTPServer
internal import StructuredLogging

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
    "Where to serve the dashboard and /debug, not on host.listen then, and the health pages, from the first moment on.")
  static let tlsCertificate = Setting<String?>(
    "host.tls_certificate", default: nil,
    "A file of certificates in PEM, the server's first: host.listen then speaks HTTPS. Needs host.tls_key.")
  static let tlsKey = Setting<String?>(
    "host.tls_key", default: nil, "A file with the private key of the certificate, in PEM.")
  static let maxConnections = Setting(
    "host.max_connections", default: defaults.maxConnections,
    "The most open connections of clients; more wait in the system's queue until one closes. Fewer where the system allows too "
      + "few open files."
  ).checked("must be at least 1") { $0 >= 1 }
  static let maxConnectionsPerAddress = Setting(
    "host.max_connections_per_address", default: defaults.maxConnectionsPerAddress,
    "The most of them from one IP address, more are closed at once; 0 is no limit."
  ).checked("must be 0 or more") { $0 >= 0 }
  static let headerLimit = Setting(
    "host.header_limit", default: defaults.headerLimit,
    "The most bytes of a request's line and headers together; above it the answer is 431 or 414."
  ).checked("must be from 1024 to 1048576") { (1024...1 << 20).contains($0) }
  static let bodyLimit = Setting(
    "host.body_limit", default: defaults.bodyLimit,
    "The most bytes of a request's body, where its route has no limit of its own; above it the answer is 413."
  ).checked("must be 0 or more") { $0 >= 0 }
  static let idleTimeout = Setting(
    "host.idle_timeout", default: defaults.idleTimeout,
    "How long a client may be silent, or take nothing of an answer, before it is closed; 0s is for ever."
  ).checked("must not be negative") { $0 >= .zero }
  static let readTimeout = Setting(
    "host.read_timeout", default: defaults.readTimeout,
    "How long a request may take to arrive, a byte now and then; longer than host.idle_timeout, 0s is for ever."
  ).checked("must not be negative") { $0 >= .zero }
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
  static let accessLog = Setting(
    "host.access_log", default: Logger.Level.debug,
    "The level of the log's line for each request; those for the host's own pages, as /metrics, are debug at most.")
  static let busyPoll = Setting(
    "host.busy_poll", default: Duration.zero,
    "How long the event loop asks again before it sleeps: answers come sooner, for a processor that is never idle."
  ).checked("must not be negative") { $0 >= .zero }

  static let catalog = SettingsCatalog(
    "host", preset, listen, adminListen, tlsCertificate, tlsKey, maxConnections, maxConnectionsPerAddress, headerLimit,
    bodyLimit, idleTimeout, readTimeout, startTimeout, shutdownTimeout, drainDelay, healthPeriod, accessLog, busyPoll)

  private static let defaults = HTTPServerConfiguration()

  let listen: ListenAddress
  let adminListen: ListenAddress?
  /// Of ``listen``.
  let http: HTTPServerConfiguration
  let startTimeout: Duration
  let healthPeriod: Duration
  let accessLog: Logger.Level
  let busyPoll: Duration
  let shutdown: ShutdownBudget

  init(_ configuration: Configuration) throws(ConfigurationError) {
    listen = try configuration(Self.listen)
    adminListen = try configuration(Self.adminListen)
    http = try Self.http(HTTPServerAddress(listen), configuration)
    startTimeout = try configuration(Self.startTimeout)
    healthPeriod = try configuration(Self.healthPeriod)
    accessLog = try configuration(Self.accessLog)
    if let adminListen, adminListen.collides(with: listen) {
      throw Self.fault(
        Self.adminListen, configuration,
        "host.admin_listen is \(adminListen), where host.listen is already: give it a port of its own")
    }
    busyPoll = try configuration(Self.busyPoll)
    let (total, drain) = (try configuration(Self.shutdownTimeout), try configuration(Self.drainDelay))
    guard drain < total else {
      throw Self.fault(
        Self.drainDelay, configuration,
        "host.drain_delay is \(drain.settingText), not shorter than host.shutdown_timeout, which is "
          + "\(total.settingText): nothing would be left for the stop itself")
    }
    shutdown = ShutdownBudget(total: total, drain: drain)
  }

  private static func http(
    _ address: HTTPServerAddress, _ configuration: Configuration
  ) throws(ConfigurationError) -> HTTPServerConfiguration {
    var http = HTTPServerConfiguration(address: address)
    http.tls = try tls(configuration)
    http.maxConnections = try configuration(maxConnections)
    http.maxConnectionsPerAddress = try configuration(maxConnectionsPerAddress)
    http.headerLimit = try configuration(headerLimit)
    http.bodyLimit = try configuration(bodyLimit)
    http.idleTimeout = try configuration(idleTimeout)
    http.readTimeout = try configuration(readTimeout)
    if configuration.source(of: readTimeout) == .default, http.readTimeout <= http.idleTimeout {
      http.readTimeout = http.idleTimeout * 2
    }
    guard http.readTimeout == .zero || http.readTimeout > http.idleTimeout else {
      throw fault(
        readTimeout, configuration,
        "host.read_timeout is \(http.readTimeout.settingText), not longer than host.idle_timeout, which is "
          + "\(http.idleTimeout.settingText)")
    }
    return http
  }

  private static func tls(
    _ configuration: Configuration
  ) throws(ConfigurationError) -> HTTPServerConfiguration.TLS? {
    let (certificate, key) = (try configuration(tlsCertificate), try configuration(tlsKey))
    switch (certificate, key) {
    case (nil, nil): return nil
    case (let certificate?, let key?):
      let tls = HTTPServerConfiguration.TLS(
        certificateChain: try text(certificate, tlsCertificate, configuration),
        privateKey: try text(key, tlsKey, configuration))
      guard tls.isUsable() else {
        throw fault(
          tlsCertificate, configuration,
          "no server can use the certificate in \(certificate) with the key in \(key): both have to be PEM text, and belong "
            + "together")
      }
      return tls
    case (nil, _): throw fault(tlsKey, configuration, "host.tls_key is of no use without host.tls_certificate")
    case (_, nil): throw fault(tlsCertificate, configuration, "host.tls_certificate needs host.tls_key beside it")
    }
  }

  private static func text(
    _ path: String, _ setting: Setting<String?>, _ configuration: Configuration
  ) throws(ConfigurationError) -> String {
    do {
      return try String(contentsOfFile: path, encoding: .utf8)
    } catch {
      throw fault(setting, configuration, "\(setting.path) names \(path), which cannot be read: \(error)")
    }
  }

  private static func fault<Value>(
    _ setting: Setting<Value>, _ configuration: Configuration, _ text: String
  ) -> ConfigurationError {
    ConfigurationError(
      ConfigurationFault(.invalidValue, at: configuration.source(of: setting), path: setting.path, text))
  }

  /// With the limits of ``http``, and without its certificate.
  var adminHTTP: HTTPServerConfiguration? {
    adminListen.map { address in
      var admin = http
      admin.address = HTTPServerAddress(address)
      admin.tls = nil
      return admin
    }
  }
}

extension ListenAddress {
  /// Whether two listeners cannot have these addresses at once. Names of hosts are not looked up.
  fileprivate func collides(with other: ListenAddress) -> Bool {
    guard case .tcp(let host, let port) = self, case .tcp(let otherHost, let otherPort) = other else {
      return self == other
    }
    // The system chooses port 0 anew for each.
    guard port == otherPort, port != 0 else { return false }
    return host == otherHost || host.takesPort(from: otherHost) || otherHost.takesPort(from: host)
  }
}

extension String {
  /// Whether a listener on this host is one on every interface, `host`'s among them.
  fileprivate func takesPort(from host: String) -> Bool {
    // The wildcard of IPv6 has IPv4's interfaces too.
    isEmpty || self == "::" || (self == "0.0.0.0" && !host.contains(":"))
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
