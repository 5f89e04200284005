public import StructuredLogging

extension EmbeddedPostgres {
  /// Where the server lives and how it runs.
  ///
  /// The defaults suit data that is kept: every commit is flushed to disk.
  public struct Options: Sendable {
    /// The folder that holds the cluster (in `data`), the server's log, its socket and our lock.
    ///
    /// Created, with those above it, when missing. A relative path starts at the working directory. Unused, and then
    /// set by ``EmbeddedPostgres/start(_:)``, when ``isTemporary`` is true.
    public var dataDirectory: String

    /// The folder for the unix socket; nil puts it beside the data, or, where that path is longer than a socket may
    /// have, in a short temporary folder.
    public var socketDirectory: String?

    /// The number in the socket's name. Nothing listens on TCP.
    public var port = 5432

    /// The database that ``EmbeddedPostgres/connectionString`` names; created when missing.
    public var databaseName = "app"

    /// Server settings by name, such as `["work_mem": "64MB"]`; they win over ours.
    public var settings: [String: String] = [:]

    /// Trades safety for speed: no flush, no full pages, little WAL. A crash of the machine may lose the cluster.
    public var isThrowaway = false

    /// Lives in a new folder (under `TMPDIR`, else in memory where there is plenty, else under `/tmp`) that ``EmbeddedPostgres/stop()`` removes, or the next temporary server
    /// where this process was killed before.
    public var isTemporary = false

    /// The connection string of a server to copy when there is no cluster yet, and to follow: the new server is its hot
    /// standby. That server needs `wal_level` `replica` and a free `max_wal_senders`. Rather than a password, name a `passfile` in
    /// it: while the copy is made, it stands in the command line of `pg_basebackup`.
    public var primary: String?

    /// A cluster to copy when there is none yet, in place of `initdb`. For tests: the copy is not flushed to disk.
    public var template: TemplateCluster?

    /// The folder of the server's programs; nil looks for them, see ``PostgresInstallation/all()``.
    public var binDirectory: String?

    /// Whom the server runs as when Keel runs as root.
    public var serverUser = "postgres"

    /// How long starting may take, `initdb` included.
    public var startTimeout: Duration = .seconds(60)

    /// How long each step of stopping may take (fast, then immediate, then by force).
    public var stopTimeout: Duration = .seconds(15)

    /// Hears what the server does: its start, its stop, what an earlier run left, and, as an error, its death.
    public var logger: Logger = .none

    /// Where clusters go that root's server could not reach otherwise; tests change it.
    var relocationDirectory = "/var/lib/keel"

    /// A server whose data is kept in `dataDirectory`.
    public init(dataDirectory: String) { self.dataDirectory = dataDirectory }

    /// A fast server for tests: temporary, nothing flushed, nothing left behind.
    public static var temporary: Options {
      var options = Options(dataDirectory: "")
      options.isTemporary = true
      options.isThrowaway = true
      return options
    }
  }
}

extension EmbeddedPostgres.Options {
  /// Refuses values that could only fail later, with a worse message.
  func check() throws(EmbeddedPostgresError) {
    if dataDirectory.isEmpty && !isTemporary {
      throw EmbeddedPostgresError(
        .invalidOption, "The embedded PostgreSQL needs a data folder: dataDirectory is empty.")
    }
    if !(1...65_535).contains(port) {
      throw EmbeddedPostgresError(.invalidOption, "Port \(port) is not between 1 and 65535.")
    }
    for (name, value) in settings where name.contains(where: { "=\0\n".contains($0) }) || value.contains("\0") {
      throw EmbeddedPostgresError(.invalidOption, "\"\(name)\" is not a setting of PostgreSQL.")
    }
    try Psql.checkName(databaseName)
  }

  /// The server's command line after `-D folder`.
  func arguments(socketDirectory: String) -> [String] {
    // Whoever opens the socket is a superuser, and its folder may be open to all.
    var all = ["timezone": "UTC", "unix_socket_permissions": "0700"]
    // In files of the cluster, which go with its folder: what a killed server has in /dev/shm, only its next start frees.
    if isTemporary { all["dynamic_shared_memory_type"] = "mmap" }
    if isThrowaway { all.merge(Self.throwaway) { _, new in new } }
    // Their names as PostgreSQL reads them: with `TimeZone` as its manual has it beside `timezone`, the later would win.
    all.merge(settings.map { ($0.key.lowercased().replacing("-", with: "_"), $0.value) }) { _, new in new }
    // The list syntax of this setting: quotes protect commas and spaces, and are doubled inside.
    all["unix_socket_directories"] = "\"\(socketDirectory.escaping("\""))\""
    all["listen_addresses"] = ""
    all["port"] = String(port)
    // Our file, named in our errors: neither a collector process nor syslog may take the log elsewhere.
    all["logging_collector"] = "off"
    all["log_destination"] = "stderr"
    return all.sorted { $0.key < $1.key }.flatMap { ["-c", "\($0.key)=\($0.value)"] }
  }

  /// Not `wal_level` `minimal`: there a commit copies each new table and index into the log, whole pages at a time.
  private static let throwaway = [
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "1GB",
    "checkpoint_timeout": "1h", "jit": "off", "autovacuum": "off",
  ]
}
