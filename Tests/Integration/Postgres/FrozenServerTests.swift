import DatabaseTesting
import Glibc
import Postgres
import ResourcePool
import Synchronization
import Testing

/// A server process that does nothing any more and whose connection stays: stopped, or on a machine that hangs.
// Not behind a pooler: they stop the server's process of a connection.
@Suite struct FrozenServerTests {
  private struct Trouble: Error {}

  /// Runs `body` with a pool that gives a frozen server little time, and the server's processes on afterwards.
  private func withPool(_ body: (PostgresPool, Frozen) async throws -> Void) async throws {
    try await TestDatabase.with { database in
      var configuration = PostgresPool.Configuration(database.options)
      configuration.connect.cancelTimeout = .milliseconds(300)
      let pool = try PostgresPool(configuration, loop: database.loop)
      try await pool.start()
      try await pool.execute("CREATE TABLE t (n int)")
      let frozen = Frozen()
      do {
        try await body(pool, frozen)
      } catch {
        frozen.thaw()
        throw error
      }
      frozen.thaw()
      await pool.close()
    }
  }

  /// What a task comes to, within a minute.
  private func outcome(of task: Task<Void, any Error>) async throws -> (any Error)? {
    let isOver = Flag()
    Task {
      _ = await task.result
      isOver.set()
    }
    try await until { isOver.isSet }
    do {
      try await task.value
      return nil
    } catch {
      return error
    }
  }

  @Test func `a transaction that fails while the server is frozen is not held up by its ROLLBACK`() async throws {
    try await withPool { pool, frozen in
      let task = Task {
        try await pool.transaction { tx in
          try await tx.execute("INSERT INTO t VALUES (1)")
          frozen.freeze(tx.connection)
          throw Trouble()
        }
      }
      let error = try await outcome(of: task)
      #expect(error is Trouble)
      frozen.thaw()
      let count: Int = try await pool.one("SELECT count(*) FROM t")
      #expect(count == 0)
    }
  }

  @Test func `a part of a transaction that fails while the server is frozen is not held up either`() async throws {
    try await withPool { pool, frozen in
      let task = Task {
        try await pool.transaction { tx in
          try await tx.transaction { part in
            frozen.freeze(part.connection)
            throw Trouble()
          }
        }
      }
      let error = try await outcome(of: task)
      #expect(error is Trouble)
    }
  }

  @Test func `a COPY whose closure throws while the server is frozen is not held up`() async throws {
    try await withPool { pool, frozen in
      let task = Task {
        try await pool.withConnection { connection in
          _ = try await connection.copyIn("COPY t FROM STDIN") { writer in
            try await writer.write("1\n")
            frozen.freeze(connection)
            throw Trouble()
          }
        }
      }
      let error = try await outcome(of: task)
      #expect(error is Trouble)
      frozen.thaw()
      let count: Int = try await pool.one("SELECT count(*) FROM t")
      #expect(count == 0)
    }
  }

  @Test func `a COPY whose closure throws while the server is busy with a row is cancelled, and keeps its connection`()
    async throws
  {
    try await withPool { pool, _ in
      try await pool.execute(
        "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$"
      )
      try await pool.execute("CREATE TRIGGER dawdle BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION dawdle()")
      let task = Task {
        try await pool.withConnection { connection in
          _ = try await connection.copyIn("COPY t FROM STDIN") { writer in
            try await writer.write(String(repeating: "1\n", count: 100_000))
            throw Trouble()
          }
        }
      }
      let error = try await outcome(of: task)
      #expect(error is Trouble)
      let count: Int = try await pool.one("SELECT count(*) FROM t")
      #expect(count == 0)
      #expect(pool.stat().newCount == 1)
    }
  }

  @Test func `the COMMIT of a transaction that has a time-out is not waited for without end`() async throws {
    try await withPool { pool, frozen in
      let task = Task {
        try await pool.transaction(timeout: .seconds(1)) { tx in
          try await tx.execute("INSERT INTO t VALUES (1)")
          frozen.freeze(tx.connection)
        }
      }
      let error = try await outcome(of: task) as? PostgresError
      #expect(error?.code == .outcomeUnknown || error?.code == .timedOut, "\(String(describing: error))")
    }
  }
}

/// Server processes that were stopped.
private final class Frozen: Sendable {
  private let processes = Mutex<[Int32]>([])

  func freeze(_ connection: PostgresConnection) {
    processes.withLock { $0.append(connection.processID) }
    kill(connection.processID, SIGSTOP)
  }

  func thaw() {
    for process in processes.withLock({ $0 }) { kill(process, SIGCONT) }
  }
}
