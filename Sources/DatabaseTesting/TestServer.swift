internal import EmbeddedPostgres
internal import EventLoop
internal import Migrations
internal import Postgres
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// The server that all tests of a process share: started by the first, stopped when the process exits.
///
/// If the process is killed the kernel ends the server, and the next run removes the folder.
final class TestServer: Sendable {
  static let shared = Once<TestServer> { try await TestServer.start() }
  /// What the exit handler, a C function without a context, stops.
  private static let running = Mutex<EmbeddedPostgres?>(nil)

  let loop: EventLoop
  /// Each test has up to 5 connections unless it asks for more, and the server has 200.
  let turnstile = Turnstile(places: 16)
  private let server: EmbeddedPostgres
  /// Connections that create and drop databases.
  private let admin: PostgresPool
  private let templates = Mutex<[DatabaseTemplate.ID: Once<String>]>([:])
  private let count = Atomic(0)

  private init(server: EmbeddedPostgres, loop: EventLoop, admin: PostgresPool) {
    self.server = server
    self.loop = loop
    self.admin = admin
  }

  private static func start() async throws -> TestServer {
    var options = EmbeddedPostgres.Options.temporary
    options.settings = ["max_connections": "200"]
    options.databaseName = "postgres"
    let server = try await EmbeddedPostgres.start(options)
    running.withLock { $0 = server }
    atexit { TestServer.running.withLock { $0 }?.stopBlocking() }

    let loop = try EventLoop(.init(name: "keel-testing"))
    var configuration = PostgresPool.Configuration(
      try ConnectOptions(EmbeddedPostgres.withoutEnvironment(server.connectionString)))
    configuration.maxConnections = 2
    // Creating databases takes turns; so many tests may be waiting for one.
    configuration.acquireTimeout = .seconds(120)
    configuration.pipelineDepth = 1
    let admin = try PostgresPool(configuration, loop: loop)
    try await admin.start()
    return TestServer(server: server, loop: loop, admin: admin)
  }

  func connectionString(database: String) -> String { server.connectionString(database: database) }

  func options(database: String) throws -> ConnectOptions {
    try ConnectOptions(EmbeddedPostgres.withoutEnvironment(connectionString(database: database)))
  }

  /// A new database that holds what `template` says.
  func makeDatabase(_ template: DatabaseTemplate) async throws -> String {
    let source = templates.withLock { templates in
      if let known = templates[template.id] { return known }
      // Keeps us for good, as the exit handler does the server.
      let new = Once { [self] in try await makeTemplate(template) }
      templates[template.id] = new
      return new
    }
    return try await create("test", from: try await source.value())
  }

  func dropDatabase(_ name: String) async throws {
    try await finish("DROP DATABASE \(identifier: name) WITH (FORCE)")
  }

  /// Executes a statement even when the test is cancelled, which must neither lose a database nor leave one.
  private func finish(_ statement: SQL) async throws {
    _ = try await Task { [admin] in try await admin.execute(statement) }.value
  }

  private func makeTemplate(_ template: DatabaseTemplate) async throws -> String {
    if template.migrations.isEmpty && template.seed == nil { return "template1" }
    let name = try await create("template", from: "template1")
    let options = try options(database: name)
    if !template.migrations.isEmpty { try await Migrator(template.migrations, options: options, loop: loop).up() }
    if let seed = template.seed {
      let connection = try await PostgresConnection.connect(options, loop: loop)
      do {
        try await seed(connection)
        await connection.close()
      } catch {
        await connection.close()
        throw error
      }
    }
    return name
  }

  private func create(_ prefix: String, from source: String) async throws -> String {
    let name = "\(prefix)_\(count.add(1, ordering: .relaxed).newValue)"
    // Copying the files is twice as fast here as writing every page to the log; before 15 it is the only way.
    let strategy: SQL = server.installation.major >= 15 ? " STRATEGY file_copy" : ""
    try await finish("CREATE DATABASE \(identifier: name) TEMPLATE \(identifier: source)\(strategy)")
    return name
  }
}
