public import EventLoop
public import Postgres

/// A database that belongs to one test.
public struct TestDatabase: Sendable {
  /// Connections to it; at most 5 unless configured otherwise.
  public let pool: PostgresPool
  /// How to connect to it by other means, such as a pool of another kind.
  public let options: ConnectOptions
  /// The same for another process: `host='/…' port=5432 dbname='test_1' user='keel'`.
  public let connectionString: String
  /// The loop that drives ``pool``.
  public let loop: EventLoop

  /// Lends a database of its own to `body`, and drops it afterwards.
  ///
  /// The first call in a process starts a server for all of them, which ends with the process. Tests may run at once:
  /// sixteen do, the others wait their turn.
  ///
  /// - Parameters:
  ///   - template: what the database holds.
  ///   - configure: changes the pool's configuration.
  ///   - body: the test.
  /// - Throws: What `body` throws, `EmbeddedPostgresError` when no server can be started, or ``TestDatabaseError`` when
  ///   the test kept connections.
  public static func with<Result: Sendable>(
    _ template: DatabaseTemplate = .empty, configure: (inout PostgresPool.Configuration) -> Void = { _ in },
    isolation: isolated (any Actor)? = #isolation,
    _ body: (TestDatabase) async throws -> Result
  ) async throws -> Result {
    let server = try await TestServer.shared.value()
    return try await server.turnstile.pass {
      let name = try await server.makeDatabase(template)
      do {
        let result = try await run(on: server, name, configure, body)
        try await server.dropDatabase(name)
        return result
      } catch {
        // The test's own error says more than that of cleaning up after it.
        try? await server.dropDatabase(name)
        throw error
      }
    }
  }

  private static func run<Result: Sendable>(
    on server: TestServer, _ name: String, _ configure: (inout PostgresPool.Configuration) -> Void,
    isolation: isolated (any Actor)? = #isolation,
    _ body: (TestDatabase) async throws -> Result
  ) async throws -> Result {
    let connectionString = server.connectionString(database: name)
    var options = try server.options(database: name)
    // Tests share the machine; patience costs nothing where nothing is wrong.
    options.connectTimeout = .seconds(30)
    options.cancelTimeout = .seconds(30)
    var configuration = PostgresPool.Configuration(options)
    configuration.maxConnections = 5
    configuration.acquireTimeout = .seconds(30)
    configure(&configuration)

    let pool = try PostgresPool(configuration, loop: server.loop)
    do {
      try await pool.start()
      let result = try await body(
        TestDatabase(pool: pool, options: options, connectionString: connectionString, loop: server.loop))
      let holders = await pool.close(deadline: .now + .seconds(10))
      if !holders.isEmpty { throw TestDatabaseError(holders: holders.map { "\($0)" }) }
      return result
    } catch {
      await pool.close(deadline: .now)
      throw error
    }
  }
}

/// Runs a test on a database of its own; see ``TestDatabase/with(_:configure:isolation:_:)``.
///
/// ```swift
/// @Test func `a new user can be found`() async throws {
///   try await withTestDatabase(.shop) { pool in
///     let id: Int = try await pool.one("INSERT INTO users (name) VALUES ('Ada') RETURNING id")
///     #expect(id == 1)
///   }
/// }
/// ```
public func withTestDatabase<Result: Sendable>(
  _ template: DatabaseTemplate = .empty, configure: (inout PostgresPool.Configuration) -> Void = { _ in },
  isolation: isolated (any Actor)? = #isolation,
  _ body: (PostgresPool) async throws -> Result
) async throws -> Result {
  try await TestDatabase.with(template, configure: configure) { database in try await body(database.pool) }
}
