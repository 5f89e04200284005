#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The few file calls this layer makes. Every one may block: call them off the cooperative pool.
enum FileSystem {
  struct Status {
    var owner: uid_t
    var group: gid_t
    var permissions: mode_t
    var isDirectory: Bool
    var identity: Identity
    /// Seconds since 1970.
    var modified: Int
  }

  /// Says whether two names are one file.
  struct Identity: Equatable {
    var device: dev_t
    var inode: ino_t
  }

  /// The status of what `path` leads to; nil when there is nothing or it cannot be seen.
  static func status(_ path: String) -> Status? {
    var raw = stat()
    return stat(path, &raw) == 0 ? Status(raw) : nil
  }

  static func status(descriptor: Int32) -> Status? {
    var raw = stat()
    return fstat(descriptor, &raw) == 0 ? Status(raw) : nil
  }

  /// Whether the name exists, be it a link that leads nowhere.
  static func exists(_ path: String) -> Bool {
    var raw = stat()
    return lstat(path, &raw) == 0
  }

  /// Names in a folder without "." and "..", sorted; empty when it cannot be read.
  static func entries(_ path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      // In place: an entry is no longer than its name needs, so that a copy of the whole array may leave the buffer.
      guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { continue }
      let name = String(cString: (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self))
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// The text of a file from `offset` on; nil when it cannot be read.
  static func contents(_ path: String, from offset: Int = 0) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    if offset > 0 { lseek(file, off_t(offset), SEEK_SET) }
    return String(decoding: readToEnd(file), as: UTF8.self)
  }

  static func readToEnd(_ file: Int32) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = read(file, &chunk, chunk.count)
      if count > 0 {
        bytes += chunk[..<count]
      } else if count == 0 || errno != EINTR {
        return bytes
      }
    }
  }

  static func size(_ path: String) -> Int {
    var raw = stat()
    return stat(path, &raw) == 0 ? Int(raw.st_size) : 0
  }

  /// The path with every link resolved; nil when it does not exist.
  static func realPath(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// Opens a file of ours in a folder of the server's user, created when missing; -1, with errno set, on failure.
  ///
  /// Root writes to it, so a link of either kind, which that user could have put there, is refused. One without a name is
  /// a file that somebody has removed meanwhile.
  static func openOwn(_ path: String, _ flags: Int32) -> Int32 {
    let file = open(path, flags | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { return -1 }
    var raw = stat()
    guard fstat(file, &raw) == 0, raw.st_mode & S_IFMT == S_IFREG, raw.st_nlink <= 1 else {
      close(file)
      errno = EMLINK
      return -1
    }
    return file
  }

  /// What a symbolic link says; nil when there is none or it cannot be read.
  static func linkTarget(_ path: String) -> String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4097) { buffer in
      guard let base = buffer.baseAddress else { return nil }
      let count = readlink(path, base, buffer.count - 1)
      guard count >= 0 else { return nil }
      buffer[count] = 0
      return String(cString: base)
    }
  }

  /// `path` made absolute against the working directory, without touching the disk otherwise.
  static func absolutePath(_ path: String) -> String {
    guard !path.hasPrefix("/") else { return path }
    guard let folder = getcwd(nil, 0) else { return path }
    defer { free(folder) }
    return String(cString: folder) + "/" + path
  }

  /// The path without its last component; "/" for the root itself.
  static func parent(_ path: String) -> String {
    let components = path.split(separator: "/", omittingEmptySubsequences: true)
    return "/" + components.dropLast().joined(separator: "/")
  }

  /// Creates a folder and those above it; an errno on failure.
  static func makeDirectories(_ path: String, mode: mode_t) -> Int32? {
    if status(path)?.isDirectory == true { return nil }
    let above = parent(path)
    if above != path, let error = makeDirectories(above, mode: 0o755) { return error }
    return mkdir(path, mode) == 0 || errno == EEXIST ? nil : errno
  }

  /// Creates a folder with a new name, mode 0700; nil on failure, with errno set.
  static func makeUniqueDirectory(prefix: String) -> String? {
    var template = Array("\(prefix)XXXXXX".utf8CString)
    return template.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
    }
  }

  /// Bytes that an ordinary user may still write on the file system of `path`.
  static func freeSpace(_ path: String) -> UInt64? {
    var raw = statvfs()
    return statvfs(path, &raw) == 0 ? UInt64(raw.f_bavail) * UInt64(raw.f_frsize) : nil
  }

  /// The words for an errno.
  static func text(_ error: Int32) -> String { String(cString: strerror(error)) }

  /// Where Linux has its files in memory.
  static let memory = "/dev/shm"

  /// Where temporary folders go: `TMPDIR`, else memory where the machine has plenty, else `/tmp`.
  static var temporaryDirectory: String {
    if let path = environment("TMPDIR"), path.hasPrefix("/") {
      return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }
    if access(memory, W_OK) == 0, let free = freeSpace(memory), free >= 2 << 30 { return memory }
    return "/tmp"
  }

  static func environment(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
  }
}

extension FileSystem.Status {
  fileprivate init(_ raw: stat) {
    owner = raw.st_uid
    group = raw.st_gid
    permissions = raw.st_mode & 0o7777
    isDirectory = raw.st_mode & S_IFMT == S_IFDIR
    identity = FileSystem.Identity(device: raw.st_dev, inode: raw.st_ino)
    #if canImport(Darwin)
      modified = raw.st_mtimespec.tv_sec
    #else
      modified = raw.st_mtim.tv_sec
    #endif
  }
}
