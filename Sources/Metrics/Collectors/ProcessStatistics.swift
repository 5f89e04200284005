#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What the system tells of the process; nil where it does not.
struct ProcessStatistics {
  var cpuSeconds: Double?
  var residentBytes: Double?
  var virtualBytes: Double?
  var openDescriptors: Double?
  var maxDescriptors: Double?
  var maxVirtualBytes: Double?
  var startTime: Double?
  var threads: Double?

  static func current() -> ProcessStatistics {
    var statistics = ProcessStatistics()
    var time = timespec()
    if clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 {
      statistics.cpuSeconds = Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
    #if canImport(Glibc)
      statistics.maxDescriptors = limit(of: __rlimit_resource_t(RLIMIT_NOFILE.rawValue))
      statistics.maxVirtualBytes = limit(of: __rlimit_resource_t(RLIMIT_AS.rawValue))
    #else
      statistics.maxDescriptors = limit(of: RLIMIT_NOFILE)
      statistics.maxVirtualBytes = limit(of: RLIMIT_AS)
    #endif
    #if os(Linux)
      statistics.addProc()
    #endif
    return statistics
  }

  #if canImport(Glibc)
    private typealias Resource = __rlimit_resource_t
  #else
    private typealias Resource = Int32
  #endif

  /// The largest value stands for "no limit".
  private static func limit(of resource: Resource) -> Double? {
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0 else { return nil }
    return limit.rlim_cur == .max ? .infinity : Double(limit.rlim_cur)
  }
}

#if os(Linux)
  extension ProcessStatistics {
    /// Fields of `/proc/self/stat` after the command, which is in parentheses and may hold anything (proc(5)).
    private enum Field {
      static let threads = 17
      static let startTicks = 19
      static let virtualBytes = 20
      static let residentPages = 21
    }

    private static let bootTime: Double? = contents(of: "/proc/stat")?.split(separator: "\n")
      .first { $0.hasPrefix("btime ") }
      .flatMap { Double($0.dropFirst("btime ".count)) }

    fileprivate mutating func addProc() {
      // Where none is left to count them with, all are in use.
      openDescriptors = Self.countDescriptors() ?? (errno == EMFILE ? maxDescriptors : nil)
      guard let text = Self.contents(of: "/proc/self/stat"), let end = text.lastIndex(of: ")") else { return }
      let fields = text[text.index(after: end)...].split(separator: " ")
      guard fields.count > Field.residentPages else { return }
      threads = Double(fields[Field.threads])
      virtualBytes = Double(fields[Field.virtualBytes])
      residentBytes = Double(fields[Field.residentPages]).map { $0 * Double(sysconf(Int32(_SC_PAGESIZE))) }
      if let boot = Self.bootTime, let ticks = Double(fields[Field.startTicks]) {
        startTime = boot + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
      }
    }

    private static func countDescriptors() -> Double? {
      guard let folder = opendir("/proc/self/fd") else { return nil }
      defer { closedir(folder) }
      var count = 0
      while readdir(folder) != nil { count += 1 }
      // Not the folder itself, its parent and the descriptor that reads it.
      return Double(max(count - 3, 0))
    }

    private static func contents(of path: String) -> String? {
      let descriptor = open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { return nil }
      defer { close(descriptor) }
      var bytes: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = read(descriptor, &chunk, chunk.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { break }
        bytes += chunk[..<count]
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }
#endif
