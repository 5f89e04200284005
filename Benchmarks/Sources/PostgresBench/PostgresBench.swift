import EmbeddedPostgres
import EventLoop
import Foundation
import Postgres
import Synchronization

/// `SELECT $1::int8` through the pool at 1, 5 and 64 tasks beside `pgbench -n -M prepared` with as many clients, in turns
/// against one server over its unix socket, with 64 over TCP too; up to five tasks with a loop that polls and 64 with two
/// loops, too. pgbench has one thread, two for 64 clients. Prints each median and the ratio to pgbench over the same transport,
/// for one task how long the middle one of its queries took, and for 64 the processor time of one; both also of a program of C
/// around libpq alone, where scripts/build-peers has built it: the least that a driver over libpq can take.
@main
struct PostgresBench {
  static let seconds = 3.0
  static let rounds = 3

  static func main() async throws {
    guard let installation = await PostgresInstallation.all().first else { throw CocoaError(.fileNoSuchFile) }
    let server = try await Server(installation.binDirectory)
    do {
      for tasks in [1, 5, 64] { try await compare(tasks, "unix", server.unix, server) }
      try await compare(64, "tcp", server.tcp, server)
    } catch {
      await server.stop()
      throw error
    }
    await server.stop()
  }

  static func compare(_ tasks: Int, _ transport: String, _ place: String, _ server: Server) async throws {
    var rates: [String: [Rate]] = [:]
    for _ in 0..<rounds {
      if tasks != 5, let rate = try libpq(tasks, place) { rates["libpq alone", default: []].append(rate) }
      rates["pgbench", default: []].append(try await pgbench(tasks, place, server))
      rates["pool, tasks on the loop", default: []].append(try await pool(tasks, place))
      rates["pool, tasks elsewhere", default: []].append(try await pool(tasks, place, onLoop: false))
      if tasks < 64 {
        rates["pool, on a loop that polls", default: []].append(
          try await pool(tasks, place, busyPoll: .microseconds(100)))
      }
      if tasks == 64 {
        rates["pool, tasks on two loops", default: []].append(try await pool(tasks, place, loopCount: 2))
        rates["pool on two loops, tasks elsewhere", default: []].append(
          try await pool(tasks, place, onLoop: false, loopCount: 2))
      }
    }
    let peer = rates["pgbench"] ?? []
    for (name, values) in rates.sorted(by: { $0.key < $1.key }) {
      let perSecond = rounded(median(values, \.perSecond) / 1000)
      let latency = rounded(median(values, \.latency))
      let processor = rounded(median(values, \.processor))
      let figures = [
        perSecond.isNaN ? nil : "\(perSecond) k a second, \(ratio(values, peer, \.perSecond)) × pgbench",
        tasks > 1 || latency.isNaN ? nil : "p50 \(latency) µs, \(ratio(values, peer, \.latency)) × pgbench's",
        tasks < 64 || processor.isNaN ? nil : "\(processor) µs of processor time",
      ]
      print("\(transport), \(tasks) clients, \(name): \(figures.compactMap(\.self).joined(separator: "; "))")
    }
  }

  struct Rate {
    var perSecond = Double.nan
    /// Of the middle one of all queries, in microseconds.
    var latency = Double.nan
    /// The client's for a query, in microseconds.
    var processor = Double.nan
  }

  /// A lone query's time, or the processor time of one of many; nil where the program has not been built.
  static func libpq(_ tasks: Int, _ place: String) throws -> Rate? {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let program = folder.appending(path: ".build/peers/libpq")
    guard FileManager.default.isExecutableFile(atPath: program.path) else { return nil }
    let process = Process()
    process.executableURL = program
    process.arguments = [place, "SELECT 1", tasks == 1 ? "p50" : "processor"]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard let figure = text.split(whereSeparator: \.isWhitespace).last.flatMap({ Double($0) }) else {
      throw CocoaError(.fileReadCorruptFile)
    }
    return tasks == 1 ? Rate(latency: figure) : Rate(processor: figure)
  }

  static func processorTime() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6
      + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
  }

  static func pool(
    _ tasks: Int, _ place: String, onLoop: Bool = true, loopCount: Int = 1, busyPoll: Duration = .zero
  ) async throws -> Rate {
    var polling = EventLoop.Configuration()
    polling.busyPoll = busyPoll
    let loops = try (0..<loopCount).map { _ in try EventLoop(polling) }
    var configuration = PostgresPool.Configuration(try ConnectOptions(place))
    configuration.maxConnections = 5
    let pool = try PostgresPool(configuration, loops: loops)
    try await pool.start()
    let start = ContinuousClock.now
    let before = processorTime()
    let end = start.advanced(by: .seconds(seconds))
    let latencies = try await withThrowingTaskGroup(of: [Duration].self) { group in
      for task in 0..<tasks {
        group.addTask(executorPreference: onLoop ? loops[task % loopCount] : nil) {
          var latencies: [Duration] = []
          var now = ContinuousClock.now
          while now < end {
            let sent = now
            let one: Int = try await pool.one("SELECT \(1)::int8")
            guard one == 1 else { throw CocoaError(.coderInvalidValue) }
            now = .now
            latencies.append(now - sent)
          }
          return latencies
        }
      }
      return try await group.reduce([], +)
    }
    let elapsed = start.duration(to: .now) / .seconds(1)
    let processor = (processorTime() - before) / Double(latencies.count)
    await pool.close()
    for loop in loops { await loop.stop() }
    let microseconds = latencies.map { $0 / .microseconds(1) }
    return Rate(
      perSecond: Double(latencies.count) / elapsed, latency: microseconds.sorted()[latencies.count / 2],
      processor: processor)
  }

  static func pgbench(_ clients: Int, _ place: String, _ server: Server) async throws -> Rate {
    let folder = FileManager.default.temporaryDirectory.appending(path: "keel-bench-\(getpid())-pgbench")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let script = folder.appending(path: "select.sql")
    try "SELECT :v::int8;\n".write(to: script, atomically: true, encoding: .utf8)
    let log = folder.appending(path: "log").path
    let process = Process()
    process.executableURL = URL(filePath: server.tool("pgbench"))
    // Counted, not timed: a child of a dispatch thread inherits its blocked SIGALRM, and would never stop.
    process.arguments = [
      "-n", "-M", "prepared", "-c", "\(clients)", "-j", "\(clients == 64 ? 2 : 1)", "-t",
      "\(400_000 / max(clients, 8))",
      "-D", "v=1", "-f", script.path,
    ]
    process.arguments? += clients == 1 ? ["-l", "--log-prefix=\(log)", place] : [place]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("tps = ") }),
      let rate = Double(line.dropFirst(6).prefix { $0 != " " })
    else { throw CocoaError(.fileReadCorruptFile) }
    // A file for each of its threads; the third word of a line is how long it took.
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    let latencies = try files.filter { $0.path.hasPrefix(log) }.flatMap { file in
      try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap { line in
        line.split(separator: " ").dropFirst(2).first.flatMap { Double($0) }
      }
    }
    return Rate(perSecond: rate, latency: latencies.isEmpty ? .nan : latencies.sorted()[latencies.count / 2])
  }

  /// A server that listens at a socket and at a port of 127.0.0.1, which the embedded kind does not.
  struct Server {
    private let binaries: String
    private let folder = "/tmp/keel-bench-\(getpid())"
    private let port = UInt16.random(in: 20_000..<32_000)

    var unix: String { "host=/tmp port=\(port) dbname=postgres user=keel" }
    var tcp: String { "host=127.0.0.1 port=\(port) dbname=postgres user=keel sslmode=disable" }

    init(_ binaries: String) async throws {
      self.binaries = binaries
      try await launch("initdb", ["-D", folder, "-U", "keel", "-A", "trust", "-N", "-E", "UTF8"]).end()
      // Not by pg_ctl: Foundation would wait for what that leaves behind.
      var settings = ["listen_addresses=127.0.0.1", "fsync=off", "synchronous_commit=off", "autovacuum=off"]
      settings = settings.flatMap { ["-c", $0] }
      _ = try launch("postgres", ["-D", folder, "-k", "/tmp", "-p", "\(port)"] + settings)
      let deadline = ContinuousClock.now + .seconds(30)
      while try await launch("pg_isready", ["-h", "127.0.0.1", "-p", "\(port)"]).exitCode() != 0 {
        guard ContinuousClock.now < deadline else { throw CocoaError(.executableLoad) }
        try await Task.sleep(for: .milliseconds(50))
      }
    }

    func tool(_ name: String) -> String { "\(binaries)/\(name)" }

    func stop() async {
      try? await launch("pg_ctl", ["-D", folder, "-m", "immediate", "stop"]).end()
      try? FileManager.default.removeItem(atPath: folder)
    }

    /// PostgreSQL does not run as root.
    private func launch(_ name: String, _ arguments: [String]) throws -> Process {
      let command = (getuid() == 0 ? ["/usr/sbin/runuser", "-u", "postgres", "--"] : []) + [tool(name)] + arguments
      let process = Process()
      process.executableURL = URL(filePath: command[0])
      process.arguments = Array(command.dropFirst())
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      return process
    }
  }

  static func median(_ rates: [Rate], _ figure: (Rate) -> Double) -> Double {
    rates.isEmpty ? .nan : rates.map(figure).sorted()[rates.count / 2]
  }

  static func ratio(_ rates: [Rate], _ peer: [Rate], _ figure: (Rate) -> Double) -> Double {
    rounded(median(rates, figure) / median(peer, figure))
  }

  static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}

extension Process {
  func exitCode() async -> Int32 {
    while isRunning { try? await Task.sleep(for: .milliseconds(5)) }
    return terminationStatus
  }

  func end() async throws {
    guard await exitCode() == 0 else { throw CocoaError(.executableLoad) }
  }
}
