import DatabaseTesting
import EventLoop
import Glibc
import StructuredLogging
import Testing

@testable import Postgres

/// What is sent together is written together, where libpq can do that.
@Suite struct CorkingTests {
  @Test func `statements that wait for more are answered once the connection is uncorked`() async throws {
    try await withTestDatabase { pool in
      let options = pool.configuration.connect
      try await offLoop { _ throws(PostgresError) in
        let handle = try ConnectionHandle.connect(options, logger: .none, isCancelled: { false })
        let socket = try handle.duplicateSocket()
        defer { close(socket) }
        var session = ConnectionSession(handle, .prepare)
        let requests = (0..<3).map { ConnectionRequest(.statement("SELECT \($0)::int4")) }
        var corks: [Bool] = []
        for request in requests {
          var deliveries = Deliveries()
          session.submit(request, nil, corked: true, &deliveries)
          corks.append(deliveries.corks)
        }
        // Only the first has somebody see to it that the rest goes off.
        #expect(corks == [true, false, false])
        let wasCorked = session.isCorked
        session.uncork()
        let isCorked = session.isCorked
        #expect(wasCorked && !isCorked)
        while !requests.allSatisfy(\.isDone) {
          var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
          guard poll(&entry, 1, 60_000) == 1 else { break }
          var deliveries = Deliveries()
          session.pump(.read, &deliveries)
        }
        for (number, request) in requests.enumerated() {
          #expect(request.error == nil)
          let value = request.result.map { $0.values.bytes(0, 0)?.integer(Int32.self) }
          #expect(value == Int32(number))
        }
      }
    }
  }

  @Test func `what another statement writes takes along what waited`() async throws {
    try await withTestDatabase { pool in
      let options = pool.configuration.connect
      try await offLoop { _ throws(PostgresError) in
        let handle = try ConnectionHandle.connect(options, logger: .none, isCancelled: { false })
        var session = ConnectionSession(handle, .prepare)
        var deliveries = Deliveries()
        session.submit(ConnectionRequest(.statement("SELECT 1")), nil, corked: true, &deliveries)
        let wasCorked = session.isCorked
        session.submit(ConnectionRequest(.statement("SELECT 2")), nil, &deliveries)
        let isCorked = session.isCorked
        #expect(wasCorked && !isCorked)
      }
    }
  }
}
