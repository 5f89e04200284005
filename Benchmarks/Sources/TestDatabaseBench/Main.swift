import DatabaseTesting
import Postgres

/// What a database of its own costs a test: from the call to its end, with one query in between, for a template of
/// thirty tables. One test at a time, then eight at once.
@main
enum TestDatabaseBench {
  static let template = DatabaseTemplate(migrations: []) { connection in
    for number in 0..<30 {
      try await connection.execute(
        "CREATE TABLE \(identifier: "table_\(number)") (id int8 PRIMARY KEY, name text NOT NULL UNIQUE)")
    }
  }

  static func main() async throws {
    _ = try await once()
    for atOnce in [1, 8] {
      let times = try await withThrowingTaskGroup { group in
        for _ in 0..<atOnce {
          group.addTask {
            var times: [Duration] = []
            for _ in 0..<(80 / atOnce) { times.append(try await once()) }
            return times
          }
        }
        var all: [Duration] = []
        for try await times in group { all += times }
        return all.sorted()
      }
      print("\(atOnce) at once: median \(times[times.count / 2] / .milliseconds(1)) ms a test")
    }
  }

  static func once() async throws -> Duration {
    try await ContinuousClock().measure {
      try await withTestDatabase(template) { pool in
        let count: Int = try await pool.one("SELECT count(*) FROM table_0")
        precondition(count == 0)
      }
    }
  }
}
