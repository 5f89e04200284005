#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The right to run a server in a folder, held until the object goes.
///
/// `flock` on a file that also names the holder: the kernel drops it with the process, however that ends, and the
/// server itself never inherits it.
final class FolderLock: Sendable {
  private let file: Int32

  private init(file: Int32) { self.file = file }

  deinit {
    // Closing alone leaves the lock to a child of another thread that was forked and has not yet run its program.
    flock(file, LOCK_UN)
    close(file)
  }

  static func acquire(_ folder: ServerFolder) throws(EmbeddedPostgresError) -> FolderLock {
    let file = FileSystem.openOwn(folder.lock, O_RDWR)
    guard file >= 0 else {
      throw EmbeddedPostgresError(
        .notWritable, "The lock \(folder.lock) cannot be opened (\(FileSystem.text(errno))): check who owns the folder."
      )
    }
    let lock = FolderLock(file: file)
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
      let holder = FileSystem.contents(folder.lock).flatMap { Int32($0.prefix { $0.isNumber }) }
      let name = holder.map { "process \($0)" } ?? "another process"
      throw EmbeddedPostgresError(
        .inUse,
        """
        \(folder.path) is in use: \(name) already runs an embedded PostgreSQL there. \
        Stop it first, or name another data folder.
        """,
        processID: holder)
    }
    let text = Array("\(getpid())\n".utf8)
    if ftruncate(file, 0) != 0 || pwrite(file, text, text.count, 0) != text.count {
      throw EmbeddedPostgresError(
        .notWritable, "The lock \(folder.lock) cannot be written (\(FileSystem.text(errno))): check the disk.")
    }
    return lock
  }

  /// Whether the lock's file still has its name: a sweep may have removed a folder before it was locked.
  func isStill(at path: String) -> Bool {
    guard let held = FileSystem.status(descriptor: file), let named = FileSystem.status(path) else { return false }
    return held.identity == named.identity
  }

  /// Whether another process holds the lock of `folder` at this moment.
  ///
  /// The kernel is asked only where the process that the file names lives: asking takes a free lock for an instant, in
  /// which a program that starts would be refused.
  static func isHeldElsewhere(_ folder: ServerFolder) -> Bool {
    guard let holder = FileSystem.contents(folder.lock).flatMap({ Int32($0.prefix { $0.isNumber }) }),
      holder != getpid(), kill(holder, 0) == 0 || errno == EPERM
    else { return false }
    let file = open(folder.lock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else { return false }
    defer { close(file) }
    return flock(file, LOCK_SH | LOCK_NB) != 0
  }

  /// The lock of a folder that nobody uses any more; nil when somebody does or it is not ours to touch.
  static func tryExisting(_ folder: ServerFolder) -> FolderLock? {
    let file = open(folder.lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else { return nil }
    let lock = FolderLock(file: file)
    return flock(file, LOCK_EX | LOCK_NB) == 0 ? lock : nil
  }
}
