internal import Glibc

/// How many files, sockets and pipes the process may have open at a time (`RLIMIT_NOFILE`).
///
/// Where it is reached, nobody can connect any more, and neither can the pool: clients are not to take all of it.
struct DescriptorLimit: Equatable, Sendable {
  /// The largest value stands for "no limit".
  let count: UInt

  /// What the process has now.
  static var current: DescriptorLimit {
    var limit = rlimit()
    // Fails for a resource that does not exist, and for nothing else (getrlimit(2)).
    getrlimit(resource, &limit)
    return DescriptorLimit(count: UInt(limit.rlim_cur))
  }

  private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)

  /// What the process has once it was raised to all that it may have, as Go and Java do: systemd and shells begin with 1024,
  /// for the sake of programs that wait with select(2). Where that is refused, it stays.
  static func raised() -> DescriptorLimit {
    var limit = rlimit()
    if getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max {
      limit.rlim_cur = limit.rlim_max
      setrlimit(resource, &limit)
    }
    return current
  }

  /// How many clients may be connected: a tenth, and 64 at least, is left to the program's connections, files and pipes.
  var clients: Int {
    let spared = max(64, count / 10)
    return count > spared ? Int(clamping: count - spared) : 1
  }
}
