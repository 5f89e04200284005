#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Who the server runs as: ourselves, or, for root, whom PostgreSQL refuses, an unprivileged user.
struct ServerUser: Sendable {
  let id: uid_t
  let group: gid_t
  let name: String
  /// True when we are root and give up our rights before running anything of PostgreSQL.
  let isDropped: Bool
  private let setpriv: String?

  /// The current user, or `name` when that is root.
  static func resolve(dropRootTo name: String) throws(EmbeddedPostgresError) -> ServerUser {
    let places: [String] = ["/usr/bin/setpriv", "/bin/setpriv", "/usr/sbin/setpriv"]
    let setpriv = places.first { access($0, X_OK) == 0 }
    guard geteuid() == 0 else {
      let name = account(id: geteuid())?.name ?? "uid \(geteuid())"
      return ServerUser(id: geteuid(), group: getegid(), name: name, isDropped: false, setpriv: setpriv)
    }
    guard let account = account(name: name), account.id != 0 else {
      throw EmbeddedPostgresError(
        .noServerUser,
        """
        PostgreSQL does not run as root, and there is no user "\(name)" to run it as: \
        create one (useradd --system \(name)), or start Keel as an ordinary user.
        """)
    }
    guard setpriv != nil else {
      throw EmbeddedPostgresError(
        .noServerUser,
        """
        PostgreSQL does not run as root, and setpriv, which Keel uses to become "\(name)", was not found: \
        install util-linux, or start Keel as an ordinary user.
        """)
    }
    return ServerUser(id: account.id, group: account.group, name: name, isDropped: true, setpriv: setpriv)
  }

  /// The command line that runs `arguments` as this user and ends them with `SIGINT` when we die.
  ///
  /// setpriv replaces itself, so the child's process id is the program's own. The signal comes when the *thread*
  /// that spawned the child ends: it has to live as long as the child.
  func command(_ arguments: [String]) -> [String] {
    guard let setpriv else { return arguments }
    let drop = isDropped ? ["--reuid=\(id)", "--regid=\(group)", "--init-groups"] : []
    return [setpriv] + drop + ["--pdeathsig", "SIGINT", "--"] + arguments
  }

  /// The name of a user id, for messages.
  static func name(of id: uid_t) -> String { account(id: id)?.name ?? "uid \(id)" }

  private typealias Account = (name: String, id: uid_t, group: gid_t)

  private static func account(name: String) -> Account? {
    lookUp { entry, buffer, size, found in getpwnam_r(name, entry, buffer, size, found) }
  }

  private static func account(id: uid_t) -> Account? {
    lookUp { entry, buffer, size, found in getpwuid_r(id, entry, buffer, size, found) }
  }

  private static func lookUp(
    _ query: (
      UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
      UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
    ) -> Int32
  ) -> Account? {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16_384) { buffer in
      guard let base = buffer.baseAddress, query(&entry, base, buffer.count, &found) == 0, found != nil else {
        return nil
      }
      return (String(cString: entry.pw_name), entry.pw_uid, entry.pw_gid)
    }
  }
}
