import EmbeddedPostgres
import EventLoop
import Foundation
import Glibc
import Migrations
import Postgres

/// The 32 shared migrations, up and down, beside psql with the same files, in turns against one server; and what
/// `keel migrate version` costs as a process, where KEEL names the program. Medians of the rounds.
@main
struct MigrationsBench {
  static let rounds = 15
  static let folder = "../migrations/shared"

  static func main() async throws {
    let server = try await EmbeddedPostgres.start(.temporary)
    let loop = try EventLoop()
    do {
      try await compare(server, loop)
      if let keel = ProcessInfo.processInfo.environment["KEEL"] { try await version(keel, server, loop) }
    } catch {
      await loop.stop()
      await server.stop()
      throw error
    }
    await loop.stop()
    await server.stop()
  }

  static func compare(_ server: EmbeddedPostgres, _ loop: EventLoop) async throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    let up = names.filter { $0.hasSuffix(".up.sql") }.map { "\(folder)/\($0)" }
    let down = names.filter { $0.hasSuffix(".down.sql") }.reversed().map { "\(folder)/\($0)" }
    var times: [String: [Double]] = [:]
    func note(_ what: String, _ milliseconds: Double) { times[what, default: []].append(milliseconds) }

    for _ in 0..<rounds {
      // A database of its own each time: what one leaves in the catalogue must not slow the other.
      try await server.createDatabase("ours")
      let ours = try migrator(server, loop, "ours")
      for (direction, goal) in [("up", MigrationGoal.up()), ("down", .downAll)] {
        let start = ContinuousClock.now
        let report = try await ours.migrate(goal)
        let whole = start.duration(to: .now) / .milliseconds(1)
        let sql = report.completed.reduce(0) { $0 + $1.duration / .milliseconds(1) }
        note("\(direction): all", whole)
        note("\(direction): the SQL", sql)
        note("\(direction): everything else", whole - sql)
      }
      try await server.dropDatabase("ours")

      try await server.createDatabase("one_by_one")
      note("up: psql, a process for each file", try each(up, server, "one_by_one"))
      note("down: psql, a process for each file", try each(down, server, "one_by_one"))
      try await server.dropDatabase("one_by_one")

      try await server.createDatabase("together")
      note("up: psql, one process", try psql(up, server, "together"))
      note("down: psql, one process", try psql(down, server, "together"))
      try await server.dropDatabase("together")

      try await server.createDatabase("empty")
      note("psql, one process and no file", try psql([], server, "empty"))
      try await server.dropDatabase("empty")
    }
    for (what, values) in times.sorted(by: { $0.key < $1.key }) {
      print("\(what): \(rounded(median(values))) ms (\(rounded(values.min() ?? 0)) at best)")
    }
    let start = median(times["psql, one process and no file"] ?? [])
    for direction in ["up", "down"] {
      let sql = median(times["\(direction): the SQL"] ?? [])
      let together = median(times["\(direction): psql, one process"] ?? []) - start
      let apart = median(times["\(direction): psql, a process for each file"] ?? [])
      let all = median(times["\(direction): all"] ?? [])
      print("\(direction): the SQL is \(rounded(sql / together)) × psql's in one process, its start left out;")
      print("\(direction): all is \(rounded(all / apart)) × psql with a process for each file")
    }
  }

  static func migrator(_ server: EmbeddedPostgres, _ loop: EventLoop, _ database: String) throws -> Migrator {
    Migrator(
      try MigrationSet(directory: folder, name: "shared"),
      options: try ConnectOptions(server.connectionString(database: database)), loop: loop)
  }

  // MARK: Processes

  static func each(_ files: [String], _ server: EmbeddedPostgres, _ database: String) throws -> Double {
    try files.reduce(0) { $0 + (try psql([$1], server, database)) }
  }

  static func psql(_ files: [String], _ server: EmbeddedPostgres, _ database: String) throws -> Double {
    let commands = files.isEmpty ? ["-c", ""] : files.flatMap { ["-f", $0] }
    return try run(
      server.installation.binDirectory + "/psql",
      ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", server.connectionString(database: database)] + commands
    ).milliseconds
  }

  static func version(_ keel: String, _ server: EmbeddedPostgres, _ loop: EventLoop) async throws {
    try await server.createDatabase("current")
    try await migrator(server, loop, "current").up()
    let url = server.connectionString(database: "current")
    let runs = try (0..<rounds * 2).map { _ in
      try run(keel, ["migrate", "version", "--database-url", url, "--log-level", "error"])
    }
    print(
      "keel migrate version: \(rounded(median(runs.map(\.processor)))) ms of process time, "
        + "\(rounded(median(runs.map(\.milliseconds)))) ms in all")
  }

  struct Failure: Error {
    let program: String
    let code: Int32
  }

  /// What a process took: on the clock, and of the processors' time, its children's included.
  static func run(_ program: String, _ arguments: [String]) throws -> (milliseconds: Double, processor: Double) {
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    let before = processorTime()
    let start = ContinuousClock.now
    try process.run()
    process.waitUntilExit()
    let time = start.duration(to: .now) / .milliseconds(1)
    guard process.terminationStatus == 0 else { throw Failure(program: program, code: process.terminationStatus) }
    return (time, processorTime() - before)
  }

  static func processorTime() -> Double {
    var usage = rusage()
    // The clock that C's header names by an enum of its own.
    getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
    return milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime)
  }

  static func milliseconds(_ time: timeval) -> Double {
    let seconds = Double(time.tv_sec)
    return seconds * 1000 + Double(time.tv_usec) / 1000
  }

  static func median(_ values: [Double]) -> Double {
    values.isEmpty ? .nan : values.sorted()[values.count / 2]
  }

  static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
