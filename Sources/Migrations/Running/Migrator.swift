public import EventLoop
public import Postgres
public import StructuredLogging

/// Brings the schema of a database to where its files are, and back.
///
/// Each migration and the record of it are one transaction: a migration that fails leaves no trace. Any number of
/// processes may start at once, on any number of machines: one migrates, the others wait and find it done.
///
/// ## Usage
/// ```swift
/// let migrator = Migrator(.shared, options: try ConnectOptions("postgres://localhost/app"), loop: loop)
/// let report = try await migrator.up()
/// ```
///
/// Versions are kept where golang-migrate keeps them, in `schema_migrations`, and under its lock: either tool goes on
/// where the other stopped.
public struct Migrator: Sendable {
  /// How a migrator works. The defaults suit nearly everybody.
  public struct Configuration: Sendable {
    /// The table golang-migrate keeps its version in. Default `schema_migrations`; the history stands beside it.
    public var table = "schema_migrations"
    /// The schema of that table. Default: where the search path finds it, or else the first schema of the path.
    public var schema: String?
    /// How long to wait for another migrator. Default 60 s.
    public var migratorWait: Duration = .seconds(60)
    /// How long a statement may wait for a lock before its migration is undone and tried again. While it waits, everybody
    /// who wants the same table waits behind it. Default 5 s.
    public var lockTimeout: Duration = .seconds(5)
    /// How often a migration that got no lock is tried. Default 5 times.
    public var lockAttempts = 5
    /// The pause before the second try; each further one is twice as long. Default 1 s.
    public var lockRetryDelay: Duration = .seconds(1)
    /// What to do where files and database disagree. Default: refuse.
    public var policies = MigrationPolicies()
    /// Whether what happens is logged; the observer hears of it in any case. Default true.
    public var logsEvents = true

    /// The defaults.
    public init() {}
  }

  /// Receives what happens, on any thread; it should return soon.
  public typealias Observer = @Sendable (MigrationEvent) -> Void

  /// The sets in their order. The first is the one that golang-migrate's table shows.
  public let sets: [MigrationSet]
  /// How it works.
  public let configuration: Configuration
  let options: ConnectOptions
  let loop: EventLoop
  let logger: Logger
  let observer: Observer

  /// A migrator for several sets, each of which may build on those before it.
  ///
  /// - Parameters:
  ///   - sets: The sets in their order.
  ///   - options: The database.
  ///   - loop: The loop that drives the connections.
  ///   - logger: Hears of each step.
  ///   - configuration: How it works.
  ///   - observer: Hears of everything.
  public init(
    _ sets: [MigrationSet], options: ConnectOptions, loop: EventLoop, logger: Logger = .none,
    configuration: Configuration = Configuration(), observer: @escaping Observer = { _ in }
  ) {
    self.sets = sets
    // A migration runs once: nothing is gained by a prepared statement, and PgBouncer in transaction mode loses it.
    var options = options
    if options.statementCacheMode == .prepare { options.statementCacheMode = .describe }
    self.options = options
    self.loop = loop
    self.logger = logger
    self.configuration = configuration
    self.observer = observer
  }

  /// A migrator for one set.
  ///
  /// - Parameters:
  ///   - set: The migrations.
  ///   - options: The database.
  ///   - loop: The loop that drives the connections.
  ///   - logger: Hears of each step.
  ///   - configuration: How it works.
  ///   - observer: Hears of everything.
  public init(
    _ set: MigrationSet, options: ConnectOptions, loop: EventLoop, logger: Logger = .none,
    configuration: Configuration = Configuration(), observer: @escaping Observer = { _ in }
  ) {
    self.init(
      [set], options: options, loop: loop, logger: logger, configuration: configuration, observer: observer)
  }
}

// MARK: Migrating

extension Migrator {
  /// Applies what is pending, or the first `limit` of it.
  @discardableResult
  public func up(limit: Int? = nil) async throws -> MigrationReport {
    try await migrate(.up(limit: limit))
  }

  /// Undoes the `count` migrations that were applied last.
  @discardableResult
  public func down(_ count: Int = 1) async throws -> MigrationReport {
    try await migrate(.down(count: count))
  }

  /// Undoes everything.
  @discardableResult
  public func downAll() async throws -> MigrationReport {
    try await migrate(.downAll)
  }

  /// Brings `set`, or the first set, up or down to `version`; 0 is the empty database.
  @discardableResult
  public func to(_ version: Int64, set: String? = nil) async throws -> MigrationReport {
    try await migrate(.to(version, set: set))
  }

  /// Undoes the migration that was applied last and applies it again.
  @discardableResult
  public func redo() async throws -> MigrationReport {
    try await migrate(.redo)
  }

  /// Carries out whatever `goal` asks for.
  ///
  /// - Throws: ``MigrationError``, or `CancellationError` when the task was cancelled: the migration under way is then
  ///   undone, or has stopped half way if it runs outside a transaction. Cancelled while the server answers nothing, it throws a
  ///   ``MigrationError`` of the code `database` with that error as its cause, for what became of the migration is unknown.
  @discardableResult
  public func migrate(_ goal: MigrationGoal) async throws -> MigrationReport {
    // Mostly there is nothing to do, and then no lock is needed to know it, nor a connection for the lock.
    try await withWorkConnection(andForLock: goal.goesBack) { connection, spare in
      let reading = try await read(connection)
      let changed = MigrationStatus(reading.ledger).changed
      if !changed.isEmpty { report(.changed(changed)) }
      if let ledger = reading.settled, try goal.plan(ledger, configuration.policies).isEmpty {
        return MigrationReport(from: ledger, to: ledger)
      }
      return try await withSession(connection, spare, at: reading.tables) { session in
        try await session.run(goal)
      }
    }
  }
}

// MARK: Looking

extension Migrator {
  /// The version of the first set as the database has it, 0 for none. Changes nothing.
  public func version() async throws -> Int64 {
    try await withWorkConnection { try await read($0).ledger.version }
  }

  /// What is applied and what is not. Changes nothing.
  public func status() async throws -> MigrationStatus {
    try await withWorkConnection { MigrationStatus(try await read($0).ledger) }
  }

  /// What is applied and what is not, asked over a pool or a connection of yours: for what looks often, such as a
  /// readiness check. The records have no down scripts. Changes nothing.
  ///
  /// - Throws: What `client` throws, or ``MigrationError`` when the tables are not a migrator's.
  public func status(on client: some PostgresClient) async throws -> MigrationStatus {
    MigrationStatus(try await read(client, scripts: false).ledger)
  }

  /// What `goal` would run. Changes nothing.
  public func plan(_ goal: MigrationGoal) async throws -> MigrationPlan {
    try await withWorkConnection { try goal.plan(try await read($0).ledger, configuration.policies) }
  }
}

// MARK: Connections

extension Migrator {
  struct Reading {
    var tables: VersionTables
    var ledger: MigrationLedger
    var changes: Reconciliation

    /// The ledger, when database and record agree and nothing is half done.
    var settled: MigrationLedger? {
      tables.exists && tables.hasHistory && changes.isEmpty && (try? ledger.checkClean()) != nil ? ledger : nil
    }
  }

  func read(_ connection: some PostgresClient, scripts: Bool = true) async throws -> Reading {
    let tables = try await locate(connection)
    let (ledger, changes) = try MigrationLedger.reconciling(
      try await tables.read(connection, scripts: scripts), with: sets)
    return Reading(tables: tables, ledger: ledger, changes: changes)
  }

  private func locate(_ connection: some PostgresClient) async throws -> VersionTables {
    try await VersionTables.locate(connection, schema: configuration.schema, table: configuration.table)
  }

  func withWorkConnection<Result: Sendable>(
    _ body: (PostgresConnection) async throws -> Result
  ) async throws -> Result {
    try await withWorkConnection(andForLock: false) { connection, _ in try await body(connection) }
  }

  /// Lends a connection, and a second one made at the same time where it is sure to be needed.
  func withWorkConnection<Result: Sendable>(
    andForLock needsSecond: Bool, _ body: (PostgresConnection, PostgresConnection?) async throws -> Result
  ) async throws -> Result {
    do {
      async let second = needsSecond ? connect() : nil
      // One that nobody comes to use is closed when it is let go.
      let (first, spare) = (try await connect(), try await second)
      return try await lending(first) { try await body($0, spare) }
    } catch let error as PostgresError {
      throw MigrationError(.database, "\(error)", cause: error)
    }
  }

  /// Takes the lock on a connection of its own, brings the record up to date, and lets `body` work.
  ///
  /// - Parameters:
  ///   - spare: A connection that is free for the lock, when there is one.
  ///   - tables: Where the record is, when that is known already.
  ///   - preparing: Whether the tables are made and what another tool did is recorded.
  func withSession<Result: Sendable>(
    _ work: PostgresConnection, _ spare: PostgresConnection? = nil, at tables: VersionTables? = nil,
    preparing: Bool = true, _ body: (inout MigrationSession) async throws -> Result
  ) async throws -> Result {
    let connection = if let spare { spare } else { try await connect() }
    return try await lending(connection) { connection in
      let tables = if let tables { tables } else { try await locate(work) }
      let keys = LockKey.keys(database: tables.database, schema: tables.schema, table: tables.table)
      let lock = try await MigrationLock(
        taking: keys, on: connection, wait: configuration.migratorWait, keepingAwake: work, report: report)
      var session = MigrationSession(migrator: self, work: work, lock: lock, reading: try await read(work))
      if preparing { try await session.prepare() }
      return try await withThrowingTaskGroup(of: Void.self) { [waiter = session.waiter] group in
        group.addTask { try await waiter.watch(self) }
        defer { group.cancelAll() }
        return try await body(&session)
      }
    }
  }

  /// Lends a connection to `body`.
  func withConnection<Result: Sendable>(
    _ body: (PostgresConnection) async throws -> Result
  ) async throws -> Result {
    try await lending(try await connect(), body)
  }

  private func connect() async throws -> PostgresConnection {
    try await PostgresConnection.connect(options, loop: loop, logger: logger)
  }

  private func lending<Result: Sendable>(
    _ connection: PostgresConnection, _ body: (PostgresConnection) async throws -> Result
  ) async throws -> Result {
    do {
      let result = try await body(connection)
      await connection.close()
      return result
    } catch {
      await connection.close()
      throw error
    }
  }

  func report(_ event: MigrationEvent) {
    if configuration.logsEvents { logger.log(event) }
    observer(event)
  }
}
