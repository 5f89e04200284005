#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Where the server's socket is: beside the data, where asked, or in a short temporary folder.
struct SocketFolder: Sendable {
  let path: String
  /// Made by us for this run, and removed after it.
  let isTemporary: Bool

  /// What fits into a socket address, without its closing zero.
  static var maximumPathLength: Int { MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1 }
  private static let temporaryPrefix = "/tmp/keel-socket-"

  static func choose(
    for folder: ServerFolder, options: EmbeddedPostgres.Options, user: ServerUser
  ) throws(EmbeddedPostgresError) -> SocketFolder {
    func length(_ path: String) -> Int { "\(path)/.s.PGSQL.\(options.port)".utf8.count }

    if let asked = options.socketDirectory {
      let path = FileSystem.absolutePath(asked)
      guard length(path) <= maximumPathLength else {
        throw EmbeddedPostgresError(
          .invalidOption,
          """
          The socket folder \(path) is too long: a socket's path has at most \(maximumPathLength) bytes, \
          this one would have \(length(path)).
          """)
      }
      guard !path.contains(",") else {
        throw EmbeddedPostgresError(
          .invalidOption, "The socket folder \(path) has a comma in its name, where libpq would cut it in two.")
      }
      guard FileSystem.status(path)?.isDirectory == true else {
        throw EmbeddedPostgresError(.notWritable, "The socket folder \(path) does not exist: create it.")
      }
      return SocketFolder(path: path, isTemporary: false)
    }
    // libpq takes a comma for the end of a host's name.
    if length(folder.path) <= maximumPathLength && !folder.path.contains(",") {
      return SocketFolder(path: folder.path, isTemporary: false)
    }
    guard let path = FileSystem.makeUniqueDirectory(prefix: temporaryPrefix),
      !user.isDropped || chown(path, user.id, user.group) == 0
    else {
      throw EmbeddedPostgresError(
        .notWritable, "No folder for the socket can be made in /tmp (\(FileSystem.text(errno))).")
    }
    return SocketFolder(path: path, isTemporary: true)
  }

  /// Makes a temporary folder again that clearing up after a killed server has removed.
  func restore(user: ServerUser) throws(EmbeddedPostgresError) {
    guard isTemporary, !FileSystem.exists(path) else { return }
    guard mkdir(path, 0o700) == 0, !user.isDropped || chown(path, user.id, user.group) == 0 else {
      throw EmbeddedPostgresError(
        .notWritable, "The socket folder \(path) cannot be made again (\(FileSystem.text(errno))).")
    }
  }

  /// Removes the folder if it was made for one run.
  func remove() {
    if isTemporary { Self.removeTemporary(path) }
  }

  /// The same for one that an earlier run left; any other folder is left alone.
  static func removeTemporary(_ path: String) {
    guard path.hasPrefix(temporaryPrefix), !path.dropFirst(temporaryPrefix.count).contains("/") else { return }
    for name in FileSystem.entries(path) where name.hasPrefix(".s.PGSQL.") { unlink("\(path)/\(name)") }
    rmdir(path)
  }
}
