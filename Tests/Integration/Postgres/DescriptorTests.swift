import DatabaseTesting
import EventLoop
import Glibc
import Synchronization
import Testing

@testable import Postgres

// Not behind a pooler: the sockets of direct connections.
@Suite struct DescriptorTests {
  @Test func `a connection that breaks takes nobody's descriptor with it, though libpq has closed its own before`()
    async throws
  {
    try await TestDatabase.with { database in
      let neighbours = Neighbours()
      let connection = try await PostgresConnection.connect(database.options, loop: database.loop)
      await #expect(throws: PostgresError.self) {
        // Called when libpq is done with the socket, and the loop has not been told to forget it: whoever opens a
        // descriptor now gets the number.
        _ = try await connection.run("SELECT pg_terminate_backend(pg_backend_pid())") { _ in
          neighbours.moveIn(database.loop, count: 200)
        }
      }
      try await until { !connection.isOpen }
      #expect(neighbours.count == 200)
      // After the connection's end, which is on the loop too.
      await withCheckedContinuation { continuation in _ = database.loop.execute { continuation.resume() } }
      neighbours.speak()
      try await until { neighbours.heard == 200 }
      neighbours.moveOut()
    }
  }

  @Test func `a connection that nobody closed goes with the last who holds it, though the loop watches it`()
    async throws
  {
    try await TestDatabase.with { database in
      var connection: PostgresConnection? = try await PostgresConnection.connect(database.options, loop: database.loop)
      weak let core = connection?.core
      let process = try #require(connection).processID
      func isServed() async throws -> Bool {
        try await database.pool.one("SELECT count(*) FROM pg_stat_activity WHERE pid = \(process)", as: Int.self) == 1
      }
      // Whom it is lent to holds it too, and what it does under a time-out is forgotten with its timer.
      var lent = connection?.lent()
      connection = nil
      _ = try await lent?.execute("SELECT 1", timeout: .seconds(3600))
      #expect(try await isServed())
      lent = nil
      try await until { try await !isServed() }
      #expect(core == nil)
    }
  }
}

/// Pairs of sockets, one end of each watched by a loop.
private final class Neighbours: Sendable {
  private struct State {
    var ends: [(watched: Int32, other: Int32)] = []
    var registrations: [Registration] = []
    var heard: Set<Int32> = []
  }

  private let state = Mutex(State())

  var count: Int { state.withLock { $0.registrations.count } }
  var heard: Int { state.withLock { $0.heard.count } }

  func moveIn(_ loop: EventLoop, count: Int) {
    for _ in 0..<count {
      var pair: [Int32] = [0, 0]
      guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
        return
      }
      let watched = pair[0]
      state.withLock { $0.ends.append((watched, pair[1])) }
      let registration = try? loop.register(watched, .read) { [weak self] _ in
        var byte: UInt8 = 0
        if read(watched, &byte, 1) == 1 { self?.state.withLock { _ = $0.heard.insert(watched) } }
      }
      if let registration { state.withLock { $0.registrations.append(registration) } }
    }
  }

  func speak() {
    for end in state.withLock({ $0.ends }) {
      var byte: UInt8 = 1
      write(end.other, &byte, 1)
    }
  }

  func moveOut() {
    state.withLock { state in
      for registration in state.registrations { registration.cancel() }
      for end in state.ends {
        close(end.watched)
        close(end.other)
      }
      state = State()
    }
  }
}
