import EmbeddedPostgres
import EventLoop
import Foundation
import Postgres

/// Rows into structs, batches, acquire and release, COPY, beside pgx, asyncpg, psycopg and psql, in turns against one
/// server over its unix socket: three rounds, medians. A program of C around libpq alone, which reads no value, says how far
/// from its own library's limit ours is. Peers that are not installed are left out; `scripts/install-deps bench` brings
/// them.
@main
struct DriverBench {
  struct Reading: PostgresRow {
    var id: Int
    var label: String
    var at: Date
    var value: Double
  }

  static let seconds = 2.0
  static let copied = 1_000_000
  static let rows =
    "SELECT n AS id, 'label ' || n AS label, timestamptz '2024-02-29 12:00Z' + n * interval '1 s' AS at, "
    + "n / 7.0::float8 AS value FROM generate_series(1::int8, 10000) AS n"

  static func main() async throws {
    let server = try await EmbeddedPostgres.start(.temporary)
    var rates: [String: [Double]] = [:]
    do {
      for _ in 0..<3 {
        for (name, rate) in try await ours(server) { rates["\(name) keel", default: []].append(rate) }
        for (name, rate) in try peers(server) { rates[name, default: []].append(rate) }
      }
    } catch {
      await server.stop()
      throw error
    }
    await server.stop()
    for (name, values) in rates.sorted(by: { $0.key < $1.key }) {
      let own = rates["\(name.split(separator: " ")[0]) keel"].map(median)
      let ratio = own.map { " (keel is \(($0 / median(values) * 100).rounded() / 100) ×)" } ?? ""
      print("\(name): \(Int(median(values))) a second\(name.hasSuffix("keel") ? "" : ratio)")
    }
  }

  // MARK: Keel

  static func ours(_ server: EmbeddedPostgres) async throws -> [(String, Double)] {
    let loop = try EventLoop()
    var configuration = PostgresPool.Configuration(try ConnectOptions(server.connectionString))
    configuration.maxConnections = 5
    let pool = try PostgresPool(configuration, loop: loop)
    try await pool.start()
    try await pool.execute("CREATE TABLE IF NOT EXISTS copied (id int8, label text)")
    // Where requests are handled: on the loop.
    let rates = try await Task(executorPreference: loop) {
      [
        ("rows", try await rate { try await pool.all(SQL(unchecked: rows), as: Reading.self).count }),
        (
          "rows(tuples)",
          try await rate { try await pool.all(SQL(unchecked: rows), as: (Int, String, Date, Double).self).count }
        ),
        ("batch", try await rate { try await batch(pool) }),
        ("acquire", try await rate { try await acquire(pool) }),
        ("copy", try await rate { try await copy(pool) }),
      ]
    }.value
    await pool.close()
    await loop.stop()
    return rates
  }

  static func batch(_ pool: PostgresPool) async throws -> Int {
    var batch = PostgresBatch()
    let keys = (0..<100).map { batch.one("SELECT \($0)::int8", as: Int.self) }
    let answers = try await pool.run(batch)
    return try keys.reduce(0) { count, key in
      _ = try answers[key]
      return count + 1
    }
  }

  static func acquire(_ pool: PostgresPool) async throws -> Int {
    for _ in 0..<1000 { try await pool.withConnection { _ in } }
    return 1000
  }

  static func copy(_ pool: PostgresPool) async throws -> Int {
    let count = try await pool.copyRows(into: "copied", columns: ["id", "label"]) { writer in
      for index in 0..<copied { try await writer.write(index, "a label of some length") }
    }
    try await pool.execute("TRUNCATE copied")
    return count
  }

  static func rate(_ work: () async throws -> Int) async throws -> Double {
    _ = try await work()
    let start = ContinuousClock.now
    var done = 0
    while ContinuousClock.now - start < .seconds(seconds) { done += try await work() }
    return Double(done) / (start.duration(to: .now) / .seconds(1))
  }

  // MARK: Peers

  /// Figures by workload and driver, such as `rows pgx`.
  static func peers(_ server: EmbeddedPostgres) throws -> [(String, Double)] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    var rates: [(String, Double)] = []
    for (name, figures) in [("pgx", []), ("libpq", ["rows", "batch"])] {
      let peer = folder.appending(path: ".build/peers/\(name)").path
      guard FileManager.default.isExecutableFile(atPath: peer) else { continue }
      for line in try run(peer, [server.connectionString, rows] + figures) where line.count == 2 {
        if let rate = Double(line[1]) { rates.append(("\(line[0]) \(name)", rate)) }
      }
    }
    let python = folder.appending(path: ".build/peers/venv/bin/python3").path
    if FileManager.default.isExecutableFile(atPath: python) {
      let script = folder.appending(path: "Peers/peers.py").path
      let place = [server.socketDirectory, "5432", EmbeddedPostgres.userName, "app"]
      for line in try run(python, [script] + place + [rows]) where line.count == 3 {
        if let rate = Double(line[2]) { rates.append(("\(line[1]) \(line[0])", rate)) }
      }
    }
    rates.append(("copy psql", try psql(server)))
    return rates
  }

  /// What psql's `\copy` does with the same rows from a file, by its own clock: without its start.
  static func psql(_ server: EmbeddedPostgres) throws -> Double {
    let file = FileManager.default.temporaryDirectory.appending(path: "keel-bench-\(getpid()).tsv")
    defer { try? FileManager.default.removeItem(at: file) }
    try (0..<copied).map { "\($0)\ta label of some length\n" }.joined().write(
      to: file, atomically: true, encoding: .utf8)
    let commands =
      ["\\timing on"] + Array(repeating: ["\\copy copied FROM '\(file.path)'", "TRUNCATE copied"], count: 4).joined()
    let lines = try run(
      server.installation.binDirectory + "/psql",
      ["-X", "-d", server.connectionString] + commands.flatMap { ["-c", $0] })
    // Each COPY's line is followed by that of its time.
    let times = zip(lines, lines.dropFirst()).compactMap { line, next in
      line == ["COPY", "\(copied)"] && next.count > 1 ? Double(next[1]) : nil
    }
    guard times.count == 4 else { throw CocoaError(.fileReadCorruptFile) }
    return Double(copied) / (median(times) / 1000)
  }

  static func run(_ program: String, _ arguments: [String]) throws -> [[String]] {
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
  }

  static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}
