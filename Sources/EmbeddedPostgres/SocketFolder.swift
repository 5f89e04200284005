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
  /// Where a folder that is made for one run, and removed after it, is noted; nil for one that stays.
  private let note: String?

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
      return SocketFolder(path: path, note: nil)
    }
    // libpq takes a comma for the end of a host's name.
    if length(folder.path) <= maximumPathLength && !folder.path.contains(",") {
      return SocketFolder(path: folder.path, note: nil)
    }
    guard let path = FileSystem.makeUniqueDirectory(prefix: temporaryPrefix),
      !user.isDropped || chown(path, user.id, user.group) == 0
    else {
      throw EmbeddedPostgresError(
        .notWritable, "No folder for the socket can be made in /tmp (\(FileSystem.text(errno))).")
    }
    return SocketFolder(path: path, note: folder.socketNote)
  }

  /// Makes a temporary folder again that clearing up after an earlier run has removed, and notes it: a server that ends in
  /// good order takes its process file along, which names it too.
  func restore(user: ServerUser) throws(EmbeddedPostgresError) {
    guard let note else { return }
    symlink(path, note)
    if FileSystem.exists(path) { return }
    guard mkdir(path, 0o700) == 0, !user.isDropped || chown(path, user.id, user.group) == 0 else {
      throw EmbeddedPostgresError(
        .notWritable, "The socket folder \(path) cannot be made again (\(FileSystem.text(errno))).")
    }
  }

  /// Removes the folder if it was made for one run.
  func remove() {
    guard let note else { return }
    Self.removeTemporary(path)
    unlink(note)
  }

  /// The same for one that an earlier run left; any other folder is left alone.
  static func removeTemporary(_ path: String) {
    guard path.hasPrefix(temporaryPrefix), !path.dropFirst(temporaryPrefix.count).contains("/") else { return }
    for name in FileSystem.entries(path) where name.hasPrefix(".s.PGSQL.") { unlink("\(path)/\(name)") }
    rmdir(path)
  }
}
