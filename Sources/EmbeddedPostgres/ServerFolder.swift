#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The folder of one embedded server, with every link resolved, and where things are in it.
struct ServerFolder: Sendable {
  let path: String

  var data: String { path + "/data" }
  /// A cluster in the making has a name that begins with this one. It is renamed to `data` when whole, so that a crash leaves no
  /// half of one.
  var unfinishedData: String { path + "/data.unfinished" }
  var log: String { path + "/server.log" }
  var previousLog: String { path + "/server.log.1" }
  var lock: String { path + "/lock" }
  var processFile: String { data + "/postmaster.pid" }
  /// A link to the socket's folder, where that is elsewhere and temporary.
  var socketNote: String { path + "/socket" }

  /// Clusters in the making that processes have left, of names that begin with this one.
  static func unfinished(like path: String) -> [String] {
    let folder = FileSystem.parent(path)
    return FileSystem.entries(folder).map { "\(folder)/\($0)" }.filter { $0.hasPrefix(path) }
  }

  /// The major version of the cluster in `data`; nil when there is none yet.
  var clusterMajor: Int? {
    guard let text = FileSystem.contents(data + "/PG_VERSION") else { return nil }
    return Int(text.prefix { $0.isNumber })
  }
}

extension ServerFolder {
  /// Makes sure of a folder that the server can own, reach and fill; creates what is missing. Blocks.
  static func prepare(
    _ path: String, user: ServerUser, relocationDirectory: String
  ) throws(EmbeddedPostgresError) -> ServerFolder {
    let path = FileSystem.absolutePath(path)
    if !FileSystem.exists(path) {
      try create(path, user: user, relocationDirectory: relocationDirectory)
    }
    guard let status = FileSystem.status(path), status.isDirectory, let real = FileSystem.realPath(path) else {
      throw EmbeddedPostgresError(
        .notACluster, "\(path) is not a folder: move it away, or name another data folder for the embedded PostgreSQL.")
    }
    let folder = ServerFolder(path: real)
    try folder.checkContents()
    try folder.checkOwner(status, user: user)
    if let blocker = folder.blocker(for: user) {
      throw EmbeddedPostgresError(
        .unreachable,
        """
        The user "\(user.name)", as whom PostgreSQL runs, cannot reach \(real): \(blocker) is closed to it. \
        Open that folder (chmod o+x \(blocker)), move the data, or start Keel as an ordinary user.
        """)
    }
    if access(real, W_OK) != 0 { throw notWritable(real, errno) }
    return folder
  }

  private static func create(
    _ path: String, user: ServerUser, relocationDirectory: String
  ) throws(EmbeddedPostgresError) {
    let above = FileSystem.parent(path)
    if let error = FileSystem.makeDirectories(above, mode: 0o755) { throw notWritable(above, error) }
    // A clone under /root is the usual case: the data go where the server reaches them, a link keeps their place.
    let realAbove = FileSystem.realPath(above) ?? above
    if user.isDropped, ServerFolder(path: realAbove + "/x").blocker(for: user) != nil {
      if let error = FileSystem.makeDirectories(relocationDirectory, mode: 0o755) {
        throw notWritable(relocationDirectory, error)
      }
      guard let elsewhere = FileSystem.makeUniqueDirectory(prefix: relocationDirectory + "/postgres-") else {
        throw notWritable(relocationDirectory, errno)
      }
      try give(elsewhere, to: user)
      if symlink(elsewhere, path) != 0 {
        let error = errno
        rmdir(elsewhere)
        if error == EEXIST { return }  // another process was faster
        throw notWritable(path, error)
      }
      return
    }
    if mkdir(path, 0o700) != 0 {
      if errno == EEXIST { return }  // another process was faster; the lock decides between us
      throw notWritable(path, errno)
    }
    try give(path, to: user)
  }

  private static func give(_ path: String, to user: ServerUser) throws(EmbeddedPostgresError) {
    if user.isDropped && chown(path, user.id, user.group) != 0 { throw notWritable(path, errno) }
  }

  private static func notWritable(_ path: String, _ error: Int32) -> EmbeddedPostgresError {
    if error == ENOSPC || error == EDQUOT {
      return EmbeddedPostgresError(.diskFull, "The embedded PostgreSQL has no room at \(path): free some disk space.")
    }
    return EmbeddedPostgresError(
      .notWritable,
      """
      The embedded PostgreSQL cannot write to \(path) (\(FileSystem.text(error))): \
      change its permissions, name another data folder, or name a running server with DATABASE_URL.
      """)
  }

  /// A folder with other things in it is not ours to fill.
  private func checkContents() throws(EmbeddedPostgresError) {
    let names = FileSystem.entries(path)
    if names.contains("PG_VERSION") {
      throw EmbeddedPostgresError(
        .notACluster,
        """
        \(path) is itself the data directory of a PostgreSQL server; Keel keeps its own in a sub-folder "data". \
        Name another data folder, or start that server and name it with DATABASE_URL.
        """)
    }
    if names.contains("data") && clusterMajor == nil && !FileSystem.entries(data).isEmpty {
      throw EmbeddedPostgresError(
        .notACluster,
        "\(data) is neither empty nor the data of a PostgreSQL server: move it away, or name another folder.")
    }
    let foreign = names.filter { name in
      // A disk of its own for the folder has a lost+found.
      !["data", "lock", "server.log", "server.log.1", "socket", "lost+found"].contains(name)
        && !name.hasPrefix("data.unfinished") && !name.hasPrefix(".s.PGSQL.")
    }
    if clusterMajor == nil, let first = foreign.first {
      throw EmbeddedPostgresError(
        .notACluster,
        """
        \(path) is not empty (it holds "\(first)") and has no PostgreSQL data: \
        name an empty or new folder for the embedded PostgreSQL.
        """)
    }
  }

  private func checkOwner(_ status: FileSystem.Status, user: ServerUser) throws(EmbeddedPostgresError) {
    for (name, owner) in [(path, status.owner)] + (FileSystem.status(data).map { [(data, $0.owner)] } ?? []) {
      if owner == user.id { continue }
      // Root's own folder, and nobody else could have put anything in it: safe to hand over whole.
      if user.isDropped && owner == 0 && status.owner != user.id {
        let change = Tool.run(command: ["/bin/chown", "-R", "-P", "-h", "\(user.id):\(user.group)", path])
        if case .success(let outcome) = change, outcome.succeeded { return }
        throw Self.notWritable(path, EPERM)
      }
      let ownerName = ServerUser.name(of: owner)
      let other = owner == 0 ? [] : ["start Keel as \(ownerName)"]
      let asRoot = user.isDropped ? [] : ["start Keel as root"]
      let ways = (other + asRoot + ["hand it over (chown -R \(user.name) \(path))"]).joined(separator: ", ")
      throw EmbeddedPostgresError(
        .notOwner,
        """
        \(name) belongs to "\(ownerName)", and the embedded PostgreSQL would run as "\(user.name)": \
        \(ways), or name another data folder.
        """)
    }
  }

  /// The topmost folder on the way here that `user` may not pass; nil when the way is open.
  func blocker(for user: ServerUser) -> String? {
    guard user.isDropped else { return nil }
    var above: [String] = []
    var step = FileSystem.parent(path)
    while true {
      above.append(step)
      if step == "/" { break }
      step = FileSystem.parent(step)
    }
    let closed = above.reversed().first { folder in
      guard let status = FileSystem.status(folder) else { return false }
      let bit: mode_t = status.owner == user.id ? 0o100 : status.group == user.group ? 0o010 : 0o001
      return status.permissions & bit == 0
    }
    guard let closed else { return nil }
    // The bits know neither further groups nor access lists: ask the kernel before we complain.
    if case .success(let outcome) = Tool.run(["/usr/bin/test", "-x", FileSystem.parent(path)], as: user),
      outcome.succeeded
    {
      return nil
    }
    return closed
  }
}
