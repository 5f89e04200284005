import Synchronization

/// The process' use of processor, memory, threads and file descriptors, under the names that every Prometheus client
/// uses. Metrics that the system does not tell are left out.
public final class ProcessCollector: MetricsCollector {
  private static let cpu = MetricDescriptor(
    "process_cpu_seconds_total", .counter, help: "User and system processor time spent, in seconds.")
  private static let residentMemory = MetricDescriptor(
    "process_resident_memory_bytes", .gauge, help: "Memory that is resident, in bytes.")
  private static let virtualMemory = MetricDescriptor(
    "process_virtual_memory_bytes", .gauge, help: "Memory that is mapped, in bytes.")
  private static let maxVirtualMemory = MetricDescriptor(
    "process_virtual_memory_max_bytes", .gauge, help: "Memory that may be mapped, in bytes.")
  private static let openDescriptors = MetricDescriptor(
    "process_open_fds", .gauge, help: "File descriptors that are open.")
  private static let maxDescriptors = MetricDescriptor(
    "process_max_fds", .gauge, help: "File descriptors that may be open.")
  private static let startTime = MetricDescriptor(
    "process_start_time_seconds", .gauge, help: "When the process started, in seconds since 1970.")
  private static let threads = MetricDescriptor("process_threads", .gauge, help: "Threads of the process.")

  private struct Cache {
    var families: [MetricFamily] = []
    var expires: ContinuousClock.Instant?
  }

  private let maxAge: Duration
  private let cache = Mutex(Cache())

  /// Makes a collector.
  ///
  /// - Parameter maxAge: How long values are reused, since reading them costs several system calls.
  public init(maxAge: Duration = .seconds(1)) {
    self.maxAge = maxAge
  }

  /// The `process_` metrics.
  public var descriptors: [MetricDescriptor] {
    [
      Self.cpu, Self.residentMemory, Self.virtualMemory, Self.maxVirtualMemory, Self.openDescriptors,
      Self.maxDescriptors, Self.startTime, Self.threads,
    ]
  }

  /// The values, at most `maxAge` old.
  public func collect() -> [MetricFamily] {
    let now = ContinuousClock.now
    return cache.withLock { cache in
      if let expires = cache.expires, now < expires { return cache.families }
      cache = Cache(families: Self.read(), expires: now + maxAge)
      return cache.families
    }
  }

  private static func read() -> [MetricFamily] {
    let statistics = ProcessStatistics.current()
    let values = [
      (cpu, statistics.cpuSeconds), (residentMemory, statistics.residentBytes),
      (virtualMemory, statistics.virtualBytes), (maxVirtualMemory, statistics.maxVirtualBytes),
      (openDescriptors, statistics.openDescriptors),
      (maxDescriptors, statistics.maxDescriptors), (startTime, statistics.startTime), (threads, statistics.threads),
    ]
    return values.compactMap { descriptor, value in value.map { MetricFamily(descriptor, $0) } }
  }
}
