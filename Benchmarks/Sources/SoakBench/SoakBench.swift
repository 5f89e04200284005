import EmbeddedPostgres
import EventLoop
import Glibc
import Postgres

/// What only long runs show: the memory of an idle pool, of ten million rows and of ten million queries, the processor
/// time of a query, and a hundred thousand cancels at random moments. One of `idle rows queries cancels`, or all.
@main
enum SoakBench {
  static func main() async throws {
    let goals = CommandLine.arguments.dropFirst()
    let server = try await EmbeddedPostgres.start(.temporary)
    do {
      for (name, run) in [("idle", idle), ("rows", rows), ("queries", queries), ("cancels", cancels)] {
        guard goals.isEmpty || goals.contains(name) else { continue }
        let loop = try EventLoop()
        var configuration = PostgresPool.Configuration(try ConnectOptions(server.connectionString))
        configuration.maxConnections = 5
        let before = residentMegabytes()
        let pool = try PostgresPool(configuration, loop: loop)
        try await pool.start()
        print("\(name):", try await run(pool, loop, before))
        await pool.close()
        await loop.stop()
      }
    } catch {
      await server.stop()
      throw error
    }
    await server.stop()
  }

  static func idle(_ pool: PostgresPool, _ loop: EventLoop, _ before: Double) async throws -> String {
    try await withThrowingDiscardingTaskGroup { group in
      for _ in 0..<5 {
        group.addTask { _ = try await pool.withConnection { try await $0.execute("SELECT pg_sleep(1)") } }
      }
    }
    return "\(pool.stat().idle) idle connections take \(rounded(residentMegabytes() - before)) MB"
  }

  static func rows(_ pool: PostgresPool, _ loop: EventLoop, _ before: Double) async throws -> String {
    let expected = 10_000_000
    var count = 0
    var peak = before
    let rows = pool.stream("SELECT n, 'row ' || n FROM generate_series(1, \(expected)::int8) n", as: (Int, String).self)
    for try await (number, text) in rows {
      count += 1
      guard number == count, text.hasPrefix("row ") else { throw Failure(description: "row \(count) is \(number)") }
      if count.isMultiple(of: 100_000) { peak = max(peak, residentMegabytes()) }
    }
    guard count == expected else { throw Failure(description: "\(count) rows") }
    return "\(count) rows took at most \(rounded(peak - before)) MB"
  }

  static func queries(_ pool: PostgresPool, _ loop: EventLoop, _ before: Double) async throws -> String {
    var line = ""
    var processor = Duration.zero
    for million in 0...10 {
      // The first are not counted: caches fill.
      let perTask = million == 0 ? 1000 : 1_000_000 / 64
      let start = processorTime()
      try await withThrowingDiscardingTaskGroup { group in
        for _ in 0..<64 {
          group.addTask(executorPreference: loop) {
            for number in 0..<perTask {
              let answer: Int = try await pool.one("SELECT \(number)::int8")
              guard answer == number else { throw Failure(description: "\(answer) for \(number)") }
            }
          }
        }
      }
      if million > 0 { processor += processorTime() - start }
      line += " \(rounded(residentMegabytes() - before))"
    }
    let each = processor / .microseconds(1) / Double(10 * 64 * (1_000_000 / 64))
    return "MB after the first and each million:\(line); processor time of the client \(rounded(each)) µs a query"
  }

  static func cancels(_ pool: PostgresPool, _ loop: EventLoop, _ before: Double) async throws -> String {
    let perTask = 100_000 / 16
    let cancelled = try await withThrowingTaskGroup(of: Int.self) { group in
      for task in 0..<16 {
        group.addTask {
          var cancelled = 0
          while cancelled < perTask {
            let number = task * 1_000_000 + cancelled
            let query = Task { () -> Int in try await pool.one("SELECT \(number)::int8") }
            for _ in 0..<Int.random(in: 0..<20) { await Task.yield() }
            query.cancel()
            do {
              let answer = try await query.value
              guard answer == number else { throw Failure(description: "\(answer) for \(number)") }
            } catch is CancellationError {
              cancelled += 1
            }
            // Nobody cancels this one: an error here is a cancel that went astray.
            let witness: Int = try await pool.one("SELECT \(-number)::int8")
            guard witness == -number else { throw Failure(description: "\(witness) for \(-number)") }
          }
          return cancelled
        }
      }
      return try await group.reduce(0, +)
    }
    let statistics = pool.stat()
    guard statistics.acquired == 0, statistics.waiting == 0 else { throw Failure(description: "\(statistics)") }
    return "\(cancelled) cancelled, none astray, \(statistics.newCount) connections made"
  }

  struct Failure: Error, CustomStringConvertible { let description: String }

  static func residentMegabytes() -> Double {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    guard fgets(&line, 128, file) != nil else { return 0 }
    let pages =
      String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      .split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? 0
    return pages * Double(sysconf(Int32(_SC_PAGESIZE))) / 1_048_576
  }

  static func processorTime() -> Duration {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return .seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
      + .microseconds(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
  }

  static func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}
