#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Folders of servers that live no longer than their process. Blocks.
enum TemporaryFolder {
  private static let prefix = "keel-postgres-"

  /// A new folder, locked, after the abandoned ones are swept away.
  static func make(user: ServerUser) throws(EmbeddedPostgresError) -> (ServerFolder, FolderLock) {
    let base = base(for: user)
    // Where they were before too: what was left in the memory may be what makes it too full for a new one.
    for place in Set([base, FileSystem.memory, "/tmp"].compactMap(FileSystem.realPath)) { sweep(place, user: user) }
    for _ in 1...100 {
      guard let made = FileSystem.makeUniqueDirectory(prefix: "\(base)/\(prefix)"),
        let path = FileSystem.realPath(made),
        !user.isDropped || chown(path, user.id, user.group) == 0
      else {
        throw EmbeddedPostgresError(
          .notWritable, "No temporary folder for PostgreSQL can be made in \(base) (\(FileSystem.text(errno))).")
      }
      let folder = ServerFolder(path: path)
      do throws(EmbeddedPostgresError) {
        let lock = try FolderLock.acquire(folder)
        if lock.isStill(at: folder.lock) { return (folder, lock) }
      } catch  where error.code == .inUse {
        // A sweep in another process has taken the folder before we could lock it: on to the next name.
      }
    }
    throw EmbeddedPostgresError(.notWritable, "No temporary folder for PostgreSQL can be locked in \(base).")
  }

  /// `TMPDIR`, unless it is closed to the server's user.
  private static func base(for user: ServerUser) -> String {
    let wanted = FileSystem.realPath(FileSystem.temporaryDirectory) ?? "/tmp"
    return ServerFolder(path: wanted + "/x").blocker(for: user) == nil ? wanted : "/tmp"
  }

  /// Removes what processes left that were killed. A folder in use is locked; one without a lock is just being made.
  private static func sweep(_ base: String, user: ServerUser) {
    for name in FileSystem.entries(base) where name.hasPrefix(prefix) {
      let folder = ServerFolder(path: "\(base)/\(name)")
      guard let status = FileSystem.status(folder.path), status.owner == user.id else { continue }
      if let lock = FolderLock.tryExisting(folder) {
        withExtendedLifetime(lock) {
          guard Leftovers(folder: folder).clear(until: .after(.seconds(20))) else { return }
          remove(folder, user: user)
        }
      } else if !FileSystem.exists(folder.lock), status.modified < time(nil) - 60 {
        remove(folder, user: user)
      }
    }
  }

  static func remove(_ folder: ServerFolder, user: ServerUser) {
    _ = Tool.run(["/bin/rm", "-rf", "--", folder.path], as: user)
    // Where that user may not write, as in root's own TMPDIR, it is only empty.
    rmdir(folder.path)
  }
}
