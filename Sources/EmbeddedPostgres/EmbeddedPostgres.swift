import Synchronization

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
  /// The only role, a superuser; whoever may open the socket's folder is let in without a password.
  public static let userName = "keel"

  /// The programs in use.
  public let installation: PostgresInstallation
  /// The folder with the data, the log and the lock, with every link resolved.
  public var dataDirectory: String { folder.path }
  /// The folder with the unix socket.
  public var socketDirectory: String { socket.path }
  /// The file that the server logs to.
  public var logFile: String { folder.log }

  /// What one operation at a time, on a thread of its own, works with.
  private struct Life {
    var lock: FolderLock?
    var child: ChildProcess?
  }

  private let options: Options
  private let user: ServerUser
  private let folder: ServerFolder
  private let socket: SocketFolder
  private let exits = ServerExits()
  private let life: Mutex<Life>
  /// A second reference for what must not wait for an operation.
  private let running = Mutex<ChildProcess?>(nil)

  private init(
    options: Options, user: ServerUser, installation: PostgresInstallation, folder: ServerFolder,
    socket: SocketFolder, lock: FolderLock
  ) {
    self.options = options
    self.user = user
    self.installation = installation
    self.folder = folder
    self.socket = socket
    life = Mutex(Life(lock: lock))
  }

  deinit {
    // Forgotten rather than stopped: the server still goes, the data stay as they are.
    exits.expect()
    running.withLock { $0 }?.signal(SIGINT)
  }

  /// Starts a server, making its cluster and its database first where they are missing.
  ///
  /// Returns when it accepts connections. If the task is cancelled meanwhile the server is stopped again.
  ///
  /// - Throws: An error that says what stands in the way, where, and what to do.
  public static func start(_ options: Options) async throws(EmbeddedPostgresError) -> EmbeddedPostgres {
    try options.check()
    return try await offPool { (flag) throws(EmbeddedPostgresError) in
      let deadline = Deadline.after(options.startTimeout)
      let server = try prepare(options, until: deadline, cancellation: flag)
      do throws(EmbeddedPostgresError) {
        try server.life.withLock { (life) throws(EmbeddedPostgresError) in
          try server.launch(&life, until: deadline, cancellation: flag)
        }
      } catch {
        server.stopNow()
        throw error
      }
      return server
    }
  }

  /// For libpq, in its keyword form: `host='/path' port=5432 dbname='app' user='keel'`.
  public var connectionString: String { connectionString(database: options.databaseName) }

  /// The same for another database of this server.
  public func connectionString(database: String) -> String {
    func quoted(_ value: String) -> String {
      "'" + value.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
    }
    return "host=\(quoted(socket.path)) port=\(options.port) dbname=\(quoted(database)) user=\(quoted(Self.userName))"
  }

  /// The server's process id; nil when it does not run.
  public var processID: Int32? { running.withLock { $0 }?.processID }

  /// Waits for the end of the server's process, at once if it has ended.
  ///
  /// An end that is not ``ServerExit/isExpected`` is a crash, or somebody else's doing; ``restart()`` mends it.
  ///
  /// - Returns: How it ended; nil when the waiting task was cancelled first.
  public func waitForExit() async -> ServerExit? { await exits.wait() }

  /// Starts the server again, after it died or to read its settings afresh. The connection string stays the same.
  public func restart() async throws(EmbeddedPostgresError) {
    try await offPool { [self] (flag) throws(EmbeddedPostgresError) in
      try life.withLock { (life) throws(EmbeddedPostgresError) in
        if life.lock == nil {
          throw EmbeddedPostgresError(
            .stopped, "The embedded PostgreSQL in \(folder.path) was stopped: start a new one.")
        }
        end(&life)
        try launch(&life, until: .after(options.startTimeout), cancellation: flag)
      }
    }
  }

  /// Stops the server and gives the folder free. The data stay, unless they are temporary.
  ///
  /// Clients are disconnected. It is no error to stop twice.
  public func stop() async {
    await offPool { [self] _ in stopNow() }
  }

  /// Creates a database.
  ///
  /// - Parameter template: The database to copy; PostgreSQL's `template1` when nil. Nobody may be connected to it.
  public func createDatabase(_ name: String, template: String? = nil) async throws(EmbeddedPostgresError) {
    try Psql.checkName(name)
    try await offPool { [self] (_) throws(EmbeddedPostgresError) in
      try psql.createDatabase(name, template: template)
    }
  }

  /// Drops a database if it is there, connected clients or not.
  public func dropDatabase(_ name: String) async throws(EmbeddedPostgresError) {
    try Psql.checkName(name)
    try await offPool { [self] (_) throws(EmbeddedPostgresError) in try psql.dropDatabase(name) }
  }
}

// What blocks: called on threads of their own only.
extension EmbeddedPostgres {
  private var psql: Psql {
    Psql(installation: installation, user: user, socketDirectory: socket.path, port: options.port)
  }

  private static func prepare(
    _ options: Options, until deadline: Deadline, cancellation: CancellationFlag
  ) throws(EmbeddedPostgresError) -> EmbeddedPostgres {
    let user = try ServerUser.resolve(dropRootTo: options.serverUser)
    let folder: ServerFolder
    let lock: FolderLock
    if options.isTemporary {
      (folder, lock) = try TemporaryFolder.make(user: user)
    } else {
      folder = try ServerFolder.prepare(
        options.dataDirectory, user: user, relocationDirectory: options.relocationDirectory)
      lock = try FolderLock.acquire(folder)
    }
    do {
      let major = folder.clusterMajor
      let installation = try PostgresInstallation.choose(
        binDirectory: options.binDirectory, clusterMajor: major, folder: folder.path)
      if major == nil {
        try ClusterBuilder(installation: installation, user: user)
          .build(folder, from: options.template, until: deadline, cancellation: cancellation)
      }
      let socket = try SocketFolder.choose(for: folder, options: options, user: user)
      return EmbeddedPostgres(
        options: options, user: user, installation: installation, folder: folder, socket: socket, lock: lock)
    } catch {
      if options.isTemporary { TemporaryFolder.remove(folder, user: user) }
      throw error
    }
  }

  private func launch(
    _ life: inout Life, until deadline: Deadline, cancellation: CancellationFlag
  ) throws(EmbeddedPostgresError) {
    guard Leftovers(folder: folder).clear(until: deadline) else {
      throw EmbeddedPostgresError(
        .inUse, "A PostgreSQL server that an earlier run left in \(folder.path) does not end: stop it by hand.",
        processID: ProcessFile.read(folder)?.processID)
    }
    try socket.restore(user: user)
    // Wider permissions, as a copy may have, make the server refuse its own data.
    if let status = FileSystem.status(folder.data), status.permissions & 0o077 != 0 { chmod(folder.data, 0o700) }

    let (log, logFile) = try ServerLog.open(folder, user: user)
    defer { close(logFile) }
    let child = try spawn(log: log, logFile: logFile)
    life.child = child
    running.withLock { $0 = child }
    do {
      try awaitReadiness(of: child, log: log, until: deadline, cancellation: cancellation)
      try psql.ensureDatabase(options.databaseName)
    } catch {
      end(&life)
      throw error
    }
  }

  private func spawn(log: ServerLog, logFile: Int32) throws(EmbeddedPostgresError) -> ChildProcess {
    let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { if null >= 0 { close(null) } }
    exits.begin()
    let program = installation.program("postgres")
    let started = ChildProcess.start(
      user.command([program, "-D", folder.data] + options.arguments(socketDirectory: socket.path)),
      input: null, output: logFile
    ) { [exits] reason in exits.finish(reason, log: log.tail) }
    switch started {
    case .success(let child): return child
    case .failure(let failure):
      exits.finish(.exited(code: 127), log: "")
      throw EmbeddedPostgresError(.startFailed, "\(program) could not be started (\(FileSystem.text(failure.error))).")
    }
  }

  private func awaitReadiness(
    of child: ChildProcess, log: ServerLog, until deadline: Deadline, cancellation: CancellationFlag
  ) throws(EmbeddedPostgresError) {
    while true {
      if let file = ProcessFile.read(folder), file.isReady, file.processID == child.processID { return }
      if child.waitForExit(until: .after(.milliseconds(2))) {
        let reason = child.exit.map { " (\($0))" } ?? ""
        throw EmbeddedPostgresError(
          .startFailed,
          "PostgreSQL \(installation.version) did not start in \(folder.path)\(reason). Its log, \(folder.log), ends:",
          log: log.tail)
      }
      if cancellation.isSet {
        throw EmbeddedPostgresError(.cancelled, "Starting the embedded PostgreSQL was cancelled.")
      }
      if deadline.hasPassed {
        throw EmbeddedPostgresError(
          .startTimedOut,
          """
          PostgreSQL \(installation.version) in \(folder.path) was not ready after \(options.startTimeout): \
          after a crash it may need longer to recover (raise the start time-out). Its log, \(folder.log), ends:
          """,
          log: log.tail)
      }
    }
  }

  /// Ends the process if there is one, more firmly with every step.
  private func end(_ life: inout Life) {
    guard let child = life.child else { return }
    exits.expect()
    for signal in [SIGINT, SIGQUIT, SIGKILL] {
      child.signal(signal)
      if child.waitForExit(until: .after(options.stopTimeout)) { break }
    }
    life.child = nil
    running.withLock { $0 = nil }
  }

  private func stopNow() {
    life.withLock { life in
      guard life.lock != nil else { return }
      end(&life)
      socket.remove()
      if options.isTemporary { TemporaryFolder.remove(folder, user: user) }
      life.lock = nil
    }
  }
}
