#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Makes the data of a new cluster. Blocks.
struct ClusterBuilder {
  let installation: PostgresInstallation
  let user: ServerUser

  /// A cluster takes about 40 MB, of which its first WAL segment 16 MB, and wants to breathe.
  var spaceNeeded: UInt64 = 64 << 20

  /// Whether the new data are flushed to disk, without which a machine that crashes soon after takes the cluster along,
  /// and with it what was committed.
  var flushes = false

  /// Fills `folder.data`, by way of a folder that gets its name when it is whole.
  func build(
    _ folder: ServerFolder, from template: TemplateCluster?, until deadline: Deadline, cancellation: CancellationFlag
  ) throws(EmbeddedPostgresError) {
    if let template {
      let source = try template.prepare(self, until: deadline, cancellation: cancellation)
      try fill(folder.data, by: folder.unfinishedData, within: deadline, cancellation, copyCommand(source))
    } else {
      try initialize(folder.data, by: folder.unfinishedData, until: deadline, cancellation: cancellation)
    }
  }

  /// Runs `initdb` into a folder beside `target`, named after `unfinished`, and renames that to `target`.
  func initialize(
    _ target: String, by unfinished: String, until deadline: Deadline, cancellation: CancellationFlag
  ) throws(EmbeddedPostgresError) {
    // Bytewise order, so that an index outlives an upgrade of the C library; upper and lower case know Unicode.
    let characters = Self.hasUnicodeCharacters ? "C.UTF-8" : "C"
    try fill(target, by: unfinished, within: deadline, cancellation) { path in
      [
        installation.program("initdb"), "--pgdata=\(path)", "--username=\(EmbeddedPostgres.userName)",
        // Who may open the socket may connect: it has mode 0700 and nothing listens on TCP.
        "--auth=trust", "--encoding=UTF8", "--locale=C", "--lc-ctype=\(characters)",
      ] + haste
    }
  }

  /// Copies a running server into `folder.data`, and has the copy follow it.
  func copy(
    _ primary: String, into folder: ServerFolder, until deadline: Deadline, cancellation: CancellationFlag
  ) throws(EmbeddedPostgresError) {
    try fill(folder.data, by: folder.unfinishedData, within: deadline, cancellation) { path in
      [
        installation.program("pg_basebackup"), "--pgdata=\(path)", "--dbname=\(primary)", "--write-recovery-conf",
        "--wal-method=stream", "--checkpoint=fast",
      ] + haste
    }
  }

  private var haste: [String] { flushes ? [] : ["--no-sync"] }

  private func copyCommand(_ source: String) -> (String) -> [String] {
    #if os(Linux)
      { ["/bin/cp", "-a", "--reflink=auto", source, $0] }
    #else
      { ["/bin/cp", "-a", source, $0] }
    #endif
  }

  private func fill(
    _ target: String, by unfinished: String, within deadline: Deadline, _ cancellation: CancellationFlag,
    _ command: (String) -> [String]
  ) throws(EmbeddedPostgresError) {
    // An initdb whose program was killed goes on for a moment, and removes its folder at the end. We hold the lock, so nobody
    // waits for what these will be.
    let leftovers = ServerFolder.unfinished(like: unfinished)
    // A name of its own: a process id comes again, in a container with every start.
    let unfinished = "\(unfinished).\(String(UInt64.random(in: .min ... .max), radix: 36))"
    for leftover in leftovers { try? remove(leftover) }
    if let free = FileSystem.freeSpace(FileSystem.parent(target)), free < spaceNeeded {
      throw EmbeddedPostgresError(
        .diskFull,
        """
        The disk of \(FileSystem.parent(target)) has \(free >> 20) MB free; a new PostgreSQL cluster needs \
        \(spaceNeeded >> 20) MB: free some space, or name another data folder.
        """)
    }
    let arguments = command(unfinished)
    let failure: EmbeddedPostgresError
    switch Tool.run(arguments, as: user, within: deadline.remaining, cancellation: cancellation) {
    case .success(let outcome) where outcome.succeeded:
      if rename(unfinished, target) == 0 {
        // Those that were still written to.
        for leftover in leftovers { try? remove(leftover) }
        return
      }
      failure = EmbeddedPostgresError(
        .initializationFailed, "The new cluster cannot be named \(target) (\(FileSystem.text(errno))).")
    case .success where cancellation.isSet:
      failure = EmbeddedPostgresError(.cancelled, "Starting the embedded PostgreSQL was cancelled.")
    case .success where deadline.hasPassed:
      failure = EmbeddedPostgresError(
        .startTimedOut, "Making a new cluster in \(target) took longer than the start time-out: is the disk slow?")
    case .success(let outcome):
      failure = EmbeddedPostgresError(
        .initializationFailed, "\(arguments[0]) could not make a new cluster in \(target) (\(outcome.reason)).",
        log: outcome.output)
    case .failure(let spawn):
      failure = EmbeddedPostgresError(
        .initializationFailed, "\(arguments[0]) could not be started (\(FileSystem.text(spawn.error))).")
    }
    try? remove(unfinished)
    throw failure
  }

  /// Removes a folder with the rights of its owner, who may have put links into it.
  func remove(_ path: String) throws(EmbeddedPostgresError) {
    guard FileSystem.exists(path) else { return }
    _ = Tool.run(["/bin/rm", "-rf", "--", path], as: user)
    if FileSystem.exists(path) {
      throw EmbeddedPostgresError(.notWritable, "\(path) cannot be removed: remove it by hand.")
    }
  }

  private static var hasUnicodeCharacters: Bool {
    guard let locale = newlocale(Int32(LC_CTYPE_MASK), "C.UTF-8", nil) else { return false }
    freelocale(locale)
    return true
  }
}
