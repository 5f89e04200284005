import EmbeddedPostgres
import EventLoop
import Foundation
import Postgres
import Synchronization

/// `SELECT 1` through the pool at 1, 5 and 64 tasks beside `pgbench -n -M prepared` with as many clients, in turns
/// against one server over its unix socket; one task with a loop that polls and 64 with two loops, too. Prints each
/// median and the ratio.
@main
struct PostgresBench {
  static let seconds = 3.0
  static let rounds = 3

  static func main() async throws {
    var options = EmbeddedPostgres.Options.temporary
    options.settings["max_connections"] = "100"
    let server = try await EmbeddedPostgres.start(options)
    defer { _ = server }
    do {
      for tasks in [1, 5, 64] { try await compare(tasks, server) }
    } catch {
      await server.stop()
      throw error
    }
    await server.stop()
  }

  static func compare(_ tasks: Int, _ server: EmbeddedPostgres) async throws {
    var rates: [String: [Double]] = [:]
    for _ in 0..<rounds {
      rates["pgbench", default: []].append(try await pgbench(tasks, server))
      rates["pool, tasks on the loop", default: []].append(try await pool(tasks, server))
      rates["pool, tasks elsewhere", default: []].append(try await pool(tasks, server, onLoop: false))
      if tasks == 1 {
        rates["pool, on a loop that polls", default: []].append(
          try await pool(tasks, server, busyPoll: .microseconds(100)))
      }
      if tasks == 64 {
        rates["pool, tasks on two loops", default: []].append(try await pool(tasks, server, loopCount: 2))
        rates["pool on two loops, tasks elsewhere", default: []].append(
          try await pool(tasks, server, onLoop: false, loopCount: 2))
      }
    }
    let peer = median(rates["pgbench"] ?? [])
    for (name, values) in rates.sorted(by: { $0.key < $1.key }) {
      let rate = median(values)
      print("\(tasks) clients, \(name): \(Int(rate)) a second, \((rate / peer * 100).rounded() / 100) × pgbench")
    }
  }

  static func pool(
    _ tasks: Int, _ server: EmbeddedPostgres, onLoop: Bool = true, loopCount: Int = 1, busyPoll: Duration = .zero
  ) async throws -> Double {
    var polling = EventLoop.Configuration()
    polling.busyPoll = busyPoll
    let loops = try (0..<loopCount).map { _ in try EventLoop(polling) }
    var configuration = PostgresPool.Configuration(try ConnectOptions(server.connectionString))
    configuration.maxConnections = 5
    let pool = try PostgresPool(configuration, loops: loops)
    try await pool.start()
    let start = ContinuousClock.now
    let end = start.advanced(by: .seconds(seconds))
    let total = try await withThrowingTaskGroup(of: Int.self) { group in
      for task in 0..<tasks {
        group.addTask(executorPreference: onLoop ? loops[task % loopCount] : nil) {
          var count = 0
          while ContinuousClock.now < end {
            let one: Int = try await pool.one("SELECT 1")
            count += one
          }
          return count
        }
      }
      return try await group.reduce(0, +)
    }
    let elapsed = start.duration(to: .now) / .seconds(1)
    await pool.close()
    for loop in loops { await loop.stop() }
    return Double(total) / elapsed
  }

  static func pgbench(_ clients: Int, _ server: EmbeddedPostgres) async throws -> Double {
    let script = FileManager.default.temporaryDirectory.appending(path: "keel-bench-\(getpid()).sql")
    try "SELECT 1;\n".write(to: script, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: script) }
    let process = Process()
    process.executableURL = URL(filePath: server.installation.binDirectory).appending(path: "pgbench")
    // Counted, not timed: a child of a dispatch thread inherits its blocked SIGALRM, and would never stop.
    process.arguments = [
      "-n", "-M", "prepared", "-c", "\(clients)", "-j", "\(min(clients, 2))", "-t", "\(400_000 / max(clients, 8))",
      "-f", script.path, server.connectionString,
    ]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("tps = ") }),
      let rate = Double(line.dropFirst(6).prefix { $0 != " " })
    else { throw CocoaError(.fileReadCorruptFile) }
    return rate
  }

  static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}
