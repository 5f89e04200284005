import StructuredLogging
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// One server with its folder: everything about it that blocks. Called on threads of their own only.
///
/// Starting, restarting and stopping take turns under the lock around ``Life``.
final class ServerRuntime: Sendable {
  let installation: PostgresInstallation
  let folder: ServerFolder
  let socket: SocketFolder
  let exits = ServerExits()

  private struct Life {
    /// Nil after the stop: the folder is free for others.
    var lock: FolderLock?
    var child: ChildProcess?
  }

  /// A start that went well.
  private struct Launch {
    let endedOrphan: Bool
    let processID: pid_t
    let duration: Duration
  }

  private let options: EmbeddedPostgres.Options
  private let user: ServerUser
  private let life: Mutex<Life>
  /// A second reference to the process, for what must not wait its turn.
  private let running = Mutex<ChildProcess?>(nil)

  private init(
    options: EmbeddedPostgres.Options, user: ServerUser, installation: PostgresInstallation, folder: ServerFolder,
    socket: SocketFolder, lock: FolderLock
  ) {
    self.options = options
    self.user = user
    self.installation = installation
    self.folder = folder
    self.socket = socket
    life = Mutex(Life(lock: lock))
  }

  /// The server's process id; nil when it does not run. Does not block.
  var processID: Int32? { running.withLock { $0 }?.processID }

  var psql: Psql {
    Psql(installation: installation, user: user, socketDirectory: socket.path, port: options.port)
  }

  static func start(
    _ options: EmbeddedPostgres.Options, cancellation: CancellationFlag
  ) throws(EmbeddedPostgresError) -> ServerRuntime {
    let deadline = Deadline.after(options.startTimeout)
    let server = try prepare(options, until: deadline, cancellation: cancellation)
    do throws(EmbeddedPostgresError) {
      let launch = try server.life.withLock { (life) throws(EmbeddedPostgresError) in
        try server.launch(&life, until: deadline, cancellation: cancellation)
      }
      server.log(launch)
    } catch {
      server.stop()
      throw error
    }
    return server
  }

  func restart(cancellation: CancellationFlag) throws(EmbeddedPostgresError) {
    let started = try life.withLock { (life) throws(EmbeddedPostgresError) in
      if life.lock == nil {
        throw EmbeddedPostgresError(
          .stopped, "The embedded PostgreSQL in \(folder.path) was stopped: start a new one.")
      }
      end(&life)
      try checkLock(life)
      return try launch(&life, until: .after(options.startTimeout), cancellation: cancellation)
    }
    log(started)
  }

  func stop() {
    let isFirst = life.withLock { life in
      guard life.lock != nil else { return false }
      end(&life)
      socket.remove()
      if options.isTemporary {
        // A server that was killed leaves more than its folder; one that ended has taken its process file along.
        if FileSystem.exists(folder.processFile) {
          _ = Leftovers(folder: folder).clear(until: .after(options.stopTimeout))
        }
        TemporaryFolder.remove(folder, user: user)
      }
      life.lock = nil
      return true
    }
    if isFirst { options.logger.debug("embedded PostgreSQL stopped", ["folder": .string(folder.path)]) }
  }

  /// Keeps the log of a server that runs for long from filling the disk.
  func trimLog() {
    life.withLock { life in
      if life.lock != nil { ServerLog.trim(folder, user: user) }
    }
  }

  private func log(_ launch: Launch) {
    if launch.endedOrphan {
      options.logger.info("stopped the server that an earlier run had left", ["folder": .string(folder.path)])
    }
    options.logger.info(
      "embedded PostgreSQL started",
      [
        "folder": .string(folder.path), "version": .string(installation.version),
        "pid": .integer(launch.processID), "duration": .duration(launch.duration),
      ])
  }
}

extension ServerRuntime {
  private static func prepare(
    _ options: EmbeddedPostgres.Options, until deadline: Deadline, cancellation: CancellationFlag
  ) throws(EmbeddedPostgresError) -> ServerRuntime {
    let user = try ServerUser.resolve(dropRootTo: options.serverUser)
    let folder: ServerFolder
    let lock: FolderLock
    if options.isTemporary {
      (folder, lock) = try TemporaryFolder.make(user: user)
    } else {
      folder = try ServerFolder.prepare(
        options.dataDirectory, user: user, relocationDirectory: options.relocationDirectory)
      if folder.path.hasPrefix(options.relocationDirectory + "/") {
        options.logger.info(
          "the server cannot reach the data folder: a link leads to the data",
          ["link": .string(options.dataDirectory), "folder": .string(folder.path)])
      }
      lock = try FolderLock.acquire(folder)
    }
    do {
      let major = folder.clusterMajor
      let installation = try PostgresInstallation.choose(
        binDirectory: options.binDirectory, clusterMajor: major, folder: folder.path)
      if major == nil {
        options.logger.info(
          "making a PostgreSQL cluster",
          ["folder": .string(folder.path), "version": .string(installation.version)])
        let builder = ClusterBuilder(installation: installation, user: user, flushes: !options.isThrowaway)
        if let primary = options.primary {
          try builder.copy(primary, into: folder, until: deadline, cancellation: cancellation)
        } else {
          try builder.build(folder, from: options.template, until: deadline, cancellation: cancellation)
        }
      }
      let socket = try SocketFolder.choose(for: folder, options: options, user: user)
      return ServerRuntime(
        options: options, user: user, installation: installation, folder: folder, socket: socket, lock: lock)
    } catch {
      if options.isTemporary { TemporaryFolder.remove(folder, user: user) }
      throw error
    }
  }

  /// A folder of this name that is not the one we locked is somebody else's, and so is a server that runs in it.
  private func checkLock(_ life: Life) throws(EmbeddedPostgresError) {
    if life.lock?.isStill(at: folder.lock) == true { return }
    throw EmbeddedPostgresError(
      .notACluster,
      """
      The folder \(folder.path) was removed or replaced while the embedded PostgreSQL was using it: \
      move it back, or start the program again.
      """)
  }

  private func launch(
    _ life: inout Life, until deadline: Deadline, cancellation: CancellationFlag
  ) throws(EmbeddedPostgresError) -> Launch {
    let begin = ContinuousClock.now
    let leftovers = Leftovers(folder: folder)
    let isOrphaned = leftovers.isServerRunning
    guard leftovers.clear(until: deadline) else {
      throw EmbeddedPostgresError(
        .inUse, "A PostgreSQL server that an earlier run left in \(folder.path) does not end: stop it by hand.",
        processID: ProcessFile.read(folder)?.processID)
    }
    try socket.restore(user: user)
    // Wider permissions, as a copy may have, make the server refuse its own data. With its owner's rights, who may
    // have put a link there.
    if let status = FileSystem.status(folder.data), status.permissions & 0o077 != 0 {
      _ = Tool.run(["/bin/chmod", "700", folder.data], as: user)
    }

    let (log, logFile) = try ServerLog.open(folder, user: user)
    defer { close(logFile) }
    let child = try spawn(log: log, logFile: logFile)
    life.child = child
    running.withLock { $0 = child }
    do throws(EmbeddedPostgresError) {
      try awaitReadiness(of: child, log: log, until: deadline, cancellation: cancellation)
      // A standby has the databases that its primary has.
      if options.primary == nil { try psql.ensureDatabase(options.databaseName) }
      guard let processID = child.processID, exits.becomeReady() else { throw ended(child, log) }
      return Launch(endedOrphan: isOrphaned, processID: processID, duration: .now - begin)
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
    ) { [exits, folder, logger = options.logger, isTemporary = options.isTemporary] reason in
      let tail = log.tail
      let details: LogMetadata = [
        "folder": .string(folder.path), "reason": .string(reason.description), "log": .string(tail),
      ]
      switch exits.finish(reason, log: tail) {
      case .ready: logger.error("embedded PostgreSQL ended unexpectedly", details)
      case .stopping where reason == .exited(code: 0): break
      // By SIGQUIT it ends with 0 as well.
      case .stopping, .forced:
        guard !isTemporary else { break }
        logger.warning(
          "embedded PostgreSQL ended without its last checkpoint: its next start recovers the data, and needs room "
            + "on the disk for that", details)
      case .starting: break
      }
    }
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
        throw ended(child, log)
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

  private func ended(_ child: ChildProcess, _ log: ServerLog) -> EmbeddedPostgresError {
    let reason = child.exit.map { " (\($0))" } ?? ""
    return EmbeddedPostgresError(
      .startFailed,
      "PostgreSQL \(installation.version) did not start in \(folder.path)\(reason). Its log, \(folder.log), ends:",
      log: log.tail)
  }

  /// Ends the process if there is one, more firmly with every step.
  private func end(_ life: inout Life) {
    guard let child = life.child else { return }
    exits.expect()
    // One that tidied up would take the socket of a successor in another folder of this name along.
    let isOurs = life.lock?.isStill(at: folder.lock) == true
    for signal in isOurs ? [SIGINT, SIGQUIT, SIGKILL] : [SIGKILL] {
      if signal != SIGINT { exits.force() }
      child.signal(signal)
      if child.waitForExit(until: .after(options.stopTimeout)) { break }
    }
    life.child = nil
    running.withLock { $0 = nil }
  }
}
