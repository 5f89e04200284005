#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The file that the server's standard error goes to, from one start on.
struct ServerLog: Sendable {
  let path: String
  /// Where this run begins.
  let start: Int

  private static let sizeLimit = 16 << 20

  /// Opens the log for appending, an overlong one of the past set aside, and returns the descriptor too.
  static func open(_ folder: ServerFolder, user: ServerUser) throws(EmbeddedPostgresError) -> (ServerLog, Int32) {
    if FileSystem.size(folder.log) > sizeLimit { rename(folder.log, folder.previousLog) }
    let file = FileSystem.openOwn(folder.log, O_WRONLY | O_APPEND)
    guard file >= 0, !user.isDropped || fchown(file, user.id, user.group) == 0 else {
      let error = errno
      if file >= 0 { close(file) }
      throw EmbeddedPostgresError(
        .notWritable, "The server's log \(folder.log) cannot be written (\(FileSystem.text(error))).")
    }
    return (ServerLog(path: folder.log, start: FileSystem.size(folder.log)), file)
  }

  /// Sets aside what an overlong log holds, under a server that writes on: appending, it goes on at the beginning.
  static func trim(_ folder: ServerFolder, user: ServerUser) {
    guard FileSystem.size(folder.log) > sizeLimit else { return }
    // With the rights of the folder's owner, who may have put a link there. Where there is no room for a copy, the room
    // matters more.
    _ = Tool.run(["/bin/cp", "--", folder.log, folder.previousLog], as: user)
    let file = FileSystem.openOwn(folder.log, O_WRONLY)
    guard file >= 0 else { return }
    ftruncate(file, 0)
    close(file)
  }

  /// The last lines of this run.
  var tail: String {
    let size = FileSystem.size(path)
    // Trimmed since, all of it is of this run.
    let begin = start > size ? 0 : start
    guard let text = FileSystem.contents(path, from: max(begin, size - 8192)) else { return "" }
    return text.split(separator: "\n").suffix(15).joined(separator: "\n")
  }
}
