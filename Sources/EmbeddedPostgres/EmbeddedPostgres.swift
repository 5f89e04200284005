#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A private PostgreSQL server: started with the program, reached over a unix socket only, gone with the program.
///
/// For first runs and tests. It needs PostgreSQL's own programs on the machine and nothing else: no configuration, no
/// service, no password, no port.
///
/// ```swift
/// let server = try await EmbeddedPostgres.start(.init(dataDirectory: ".keel/postgres"))
/// // connect to server.connectionString …
/// await server.stop()
/// ```
///
/// The folder is locked: a second server on it is refused. The server ends when this process does, however that ends;
/// what a crash left is put right by the next start. When run as root the server runs as `postgres`.
public final class EmbeddedPostgres: Sendable {
  /// The only role, a superuser; whoever may open the socket is let in without a password: the server's user and root.
  public static let userName = "keel"

  private let runtime: ServerRuntime
  private let options: Options

  private init(runtime: ServerRuntime, options: Options) {
    self.runtime = runtime
    self.options = options
  }

  deinit {
    // Forgotten rather than stopped: it stops all the same, only nobody waits for it.
    let runtime = runtime
    _ = startThread { runtime.stop() }
  }

  /// Starts a server, making its cluster and its database first where they are missing.
  ///
  /// Returns when it accepts connections. If the task is cancelled meanwhile the server is stopped again.
  ///
  /// - Throws: An error that says what stands in the way, where, and what to do.
  public static func start(_ options: Options) async throws(EmbeddedPostgresError) -> EmbeddedPostgres {
    try options.check()
    let runtime = try await offPool { (flag) throws(EmbeddedPostgresError) in
      try ServerRuntime.start(options, cancellation: flag)
    }
    return EmbeddedPostgres(runtime: runtime, options: options)
  }

  /// The programs in use.
  public var installation: PostgresInstallation { runtime.installation }

  /// The folder with the data, the log and the lock, with every link resolved.
  public var dataDirectory: String { runtime.folder.path }

  /// The folder with the unix socket.
  public var socketDirectory: String { runtime.socket.path }

  /// The file that the server logs to.
  public var logFile: String { runtime.folder.log }

  /// The server's process id; nil when it does not run.
  public var processID: Int32? { runtime.processID }

  /// The server that another process runs in `dataDirectory`: its connection string, in the form of
  /// ``connectionString``; nil when nobody runs one there, or it does not accept connections in time.
  ///
  /// For commands that work beside a running program. The server ends with that program, not with us.
  ///
  /// - Parameters:
  ///   - dataDirectory: The folder, as in ``Options/dataDirectory``.
  ///   - databaseName: The database to name.
  ///   - patience: How long to wait for a server that is only starting.
  public static func runningServer(
    in dataDirectory: String, databaseName: String = "app", patience: Duration = .seconds(30)
  ) async -> String? {
    await offPool { flag in
      guard let path = FileSystem.realPath(FileSystem.absolutePath(dataDirectory)) else { return nil }
      let folder = ServerFolder(path: path)
      let deadline = Deadline.after(patience)
      while FolderLock.isHeldElsewhere(folder), !flag.isSet, !deadline.hasPassed {
        if let file = ProcessFile.read(folder), file.isReady, let socket = file.socketDirectory, let port = file.port {
          return connectionString(socketDirectory: socket, port: port, database: databaseName)
        }
        _ = poll(nil, 0, 20)
      }
      return nil
    }
  }

  /// In libpq's keyword form: `host='/path' port=5432 dbname='app' user='keel'`.
  public var connectionString: String { connectionString(database: options.databaseName) }

  /// The same for another database of this server.
  public func connectionString(database: String) -> String {
    Self.connectionString(socketDirectory: socketDirectory, port: options.port, database: database)
  }

  private static func connectionString(socketDirectory: String, port: Int, database: String) -> String {
    func quoted(_ value: String) -> String {
      "'\(value.escaping("'\\", by: "\\"))'"
    }
    return "host=\(quoted(socketDirectory)) port=\(port) dbname=\(quoted(database)) user=\(quoted(userName))"
  }

  /// A connection string, and after it what keeps libpq's environment variables (`PGHOSTADDR`, `PGCHANNELBINDING` …) from
  /// leading elsewhere or to a refusal. Of these words other drivers than libpq know some only.
  package static func withoutEnvironment(_ connectionString: String) -> String {
    connectionString + " hostaddr='' target_session_attrs=any channel_binding=disable gssencmode=disable"
  }

  /// Waits for the end of the server's process, at once if it has ended.
  ///
  /// An end that is not ``ServerExit/isExpected`` is a crash, or somebody else's doing; ``restart()`` mends it.
  ///
  /// - Returns: How it ended; nil when the waiting task was cancelled first.
  public func waitForExit() async -> ServerExit? { await runtime.exits.wait() }

  /// Starts the server again, after it died or to read its settings afresh. The connection string stays the same.
  public func restart() async throws(EmbeddedPostgresError) {
    try await offPool { [runtime] (flag) throws(EmbeddedPostgresError) in try runtime.restart(cancellation: flag) }
  }

  /// Sets the log aside as `server.log.1` when it is longer than 16 MiB, as every start does too.
  package func trimLog() async { await offPool { [runtime] _ in runtime.trimLog() } }

  /// Stops the server and gives the folder free. The data stay, unless they are temporary.
  ///
  /// Clients are disconnected. It is no error to stop twice.
  public func stop() async {
    await offPool { [runtime] _ in runtime.stop() }
  }

  /// ``stop()`` for where nobody can wait asynchronously: a handler at the exit of the process. Blocks.
  package func stopBlocking() { runtime.stop() }

  /// Creates a database.
  ///
  /// - Parameter template: The database to copy; PostgreSQL's `template1` when nil. Nobody may be connected to it.
  public func createDatabase(_ name: String, template: String? = nil) async throws(EmbeddedPostgresError) {
    try Psql.checkName(name)
    try await offPool { [runtime] (_) throws(EmbeddedPostgresError) in
      try runtime.psql.createDatabase(name, template: template)
    }
  }

  /// Drops a database if it is there, connected clients or not.
  public func dropDatabase(_ name: String) async throws(EmbeddedPostgresError) {
    try Psql.checkName(name)
    try await offPool { [runtime] (_) throws(EmbeddedPostgresError) in try runtime.psql.dropDatabase(name) }
  }
}
