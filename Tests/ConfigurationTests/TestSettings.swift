import AppConfiguration

/// The settings that these tests read.
enum TestSettings {
  enum Parameters: String, CaseIterable { case full, fingerprint, none }
  enum Format: String, CaseIterable, SettingValue { case text, json }

  static let url = Setting<Secret<String>?>("database.url", default: nil, "Where the database is.")
  static let maxConns = Setting("database.max_conns", default: 0, "Most connections; 0 means CPU*2+1.")
    .checked("must be 0 or more") { $0 >= 0 }
  static let lifetime = Setting("database.max_conn_lifetime", default: Duration.seconds(3600), "Age of a connection.")
  static let parameters = Setting("database.log_parameters", default: Parameters.full, "How parameters are logged.")
  static let migrate = Setting("database.migrate_on_start", default: true, "Whether to migrate.")
  static let listen = Setting(
    "host.listen", default: ListenAddress.tcp(host: "127.0.0.1", port: 8080), flag: "listen", "Where to listen.")
  static let origins = Setting("host.origins", default: [String](), "Allowed origins.")
  static let format = Setting("log.format", default: Format.text, "How logs are written.")
  static let ratio = Setting("log.sampling", default: 1.0, "Share of entries kept.")

  static let catalogs = [
    SettingsCatalog("database", url, maxConns, lifetime, parameters, migrate),
    SettingsCatalog("host", listen, origins), SettingsCatalog("log", format, ratio),
  ]
}

extension Configuration {
  /// A configuration with a file of this text.
  init(yaml: String, flags: [String: String] = [:], environment: [String: String] = [:]) throws {
    self.init(flags: flags, environment: environment, file: try ConfigurationFile.parse(yaml, path: "keel.yaml"))
  }

  /// What `check` reports, a line each.
  func faults() -> [String] {
    do {
      try check(TestSettings.catalogs)
      return []
    } catch {
      return error.faults.map(\.description)
    }
  }
}
