#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A folder of PostgreSQL server programs.
public struct PostgresInstallation: Hashable, Sendable {
  /// The major versions that Keel starts.
  public static let supportedMajors = 13...18

  /// Where `postgres`, `initdb` and `psql` are.
  public let binDirectory: String
  /// The full version, such as "15.20".
  public let version: String
  /// The major version, such as 15.
  public let major: Int

  /// Every usable installation of this machine, newest first.
  ///
  /// Looked for with `$PG_CONFIG` or `pg_config`, in the folders of the distributions and of Homebrew, and on `PATH`. It runs each
  /// `postgres --version`, so it takes some milliseconds.
  public static func all() async -> [PostgresInstallation] {
    await offPool { _ in find() }
  }

  /// The path of one of its programs.
  func program(_ name: String) -> String { binDirectory + "/" + name }
}

extension PostgresInstallation {
  /// The installation for a cluster: its own major version, or the newest for a new one. Blocks.
  static func choose(
    binDirectory: String?, clusterMajor: Int?, folder: String
  ) throws(EmbeddedPostgresError) -> PostgresInstallation {
    let found: [PostgresInstallation]
    if let binDirectory {
      guard let only = inspect(binDirectory) else {
        throw EmbeddedPostgresError(
          .binariesNotFound,
          "\(binDirectory) does not hold the programs postgres, initdb and psql of a PostgreSQL server.")
      }
      found = [only]
    } else {
      found = find()
    }

    let supported = found.filter { supportedMajors.contains($0.major) }
    guard let newest = supported.first else { throw notFound(unsupported: found) }
    guard let clusterMajor else { return newest }
    if let match = supported.first(where: { $0.major == clusterMajor }) { return match }
    let installed = supported.map { "\($0.major) (\($0.binDirectory))" }.joined(separator: ", ")
    throw EmbeddedPostgresError(
      .versionMismatch,
      """
      \(folder) holds data of PostgreSQL \(clusterMajor), but only PostgreSQL \(installed) is here: \
      install it (apt-get install postgresql-\(clusterMajor)), upgrade the data with pg_upgrade, \
      or move the folder away to start afresh.
      """)
  }

  private static func notFound(unsupported: [PostgresInstallation]) -> EmbeddedPostgresError {
    let range = "\(supportedMajors.lowerBound) to \(supportedMajors.upperBound)"
    let others = unsupported.map { "\($0.version) (\($0.binDirectory))" }.joined(separator: ", ")
    let seen = others.isEmpty ? "" : " Found, but not supported: \(others)."
    return EmbeddedPostgresError(
      .binariesNotFound,
      """
      No PostgreSQL server (version \(range)) was found on this machine.\(seen) \
      Install one (apt-get install postgresql-15, brew install postgresql@17), set PG_CONFIG to its pg_config, \
      or name a running server with DATABASE_URL.
      """)
  }

  /// Every installation, supported or not, newest first; a folder reached by two paths counts once.
  static func find() -> [PostgresInstallation] {
    var seen: Set<String> = []
    var found: [PostgresInstallation] = []
    for candidate in candidates() {
      guard let folder = programFolder(candidate), seen.insert(folder).inserted else { continue }
      if let installation = inspect(folder) { found.append(installation) }
    }
    return found.enumerated().sorted { ($1.element.major, $0.offset) < ($0.element.major, $1.offset) }.map(\.element)
  }

  /// Follows links such as /usr/local/bin/postgres to the folder that has the whole set.
  private static func programFolder(_ candidate: String) -> String? {
    FileSystem.realPath(candidate + "/postgres").map(FileSystem.parent)
  }

  private static func candidates() -> [String] {
    let path = (FileSystem.environment("PATH") ?? "").split(separator: ":").map(String.init)
    var folders: [String] = []
    let onPath = path.map { $0 + "/pg_config" }.first { access($0, X_OK) == 0 }
    if let tool = FileSystem.environment("PG_CONFIG") ?? onPath,
      case .success(let outcome) = Tool.run(command: [tool, "--bindir"], within: .seconds(5)), outcome.succeeded
    {
      folders += outcome.output.split(separator: "\n").prefix(1).map(String.init)
    }
    folders += FileSystem.entries("/usr/lib/postgresql").map { "/usr/lib/postgresql/\($0)/bin" }
    for (parent, prefix) in [
      ("/usr", "pgsql-"), ("/usr/local", "pgsql"), ("/opt/homebrew/opt", "postgresql"),
      ("/usr/local/opt", "postgresql"), ("/usr/libexec", "postgresql"),
    ] {
      let names = FileSystem.entries(parent).filter { $0.hasPrefix(prefix) }
      folders += names.flatMap { ["\(parent)/\($0)/bin", "\(parent)/\($0)"] }
    }
    return folders + path
  }

  /// The version of a folder's server; nil unless all programs are there.
  static func inspect(_ folder: String) -> PostgresInstallation? {
    guard ["postgres", "initdb", "psql"].allSatisfy({ access("\(folder)/\($0)", X_OK) == 0 }),
      case .success(let outcome) = Tool.run(command: [folder + "/postgres", "--version"], within: .seconds(5)),
      outcome.succeeded
    else { return nil }
    // "postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)", or "18beta1" for one in the making.
    let words = outcome.output.split(whereSeparator: \.isWhitespace)
    guard words.count >= 3, let major = Int(words[2].prefix { $0.isNumber }) else { return nil }
    return PostgresInstallation(binDirectory: folder, version: String(words[2]), major: major)
  }
}
