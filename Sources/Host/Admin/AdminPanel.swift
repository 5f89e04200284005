internal import AppConfiguration
internal import Container
internal import DatabaseModule
internal import Health
internal import Migrations
internal import Postgres
internal import ResourcePool
internal import StructuredLogging
internal import Synchronization

/// What the pages for administration look at. It exists before the app has started: what comes later is attached.
final class AdminPanel: Sendable {
  /// The database, once it is there.
  struct Database: Sendable {
    let pool: PostgresPool
    let migrator: Migrator?
    let statistics: QueryStatistics?
    let kind: String
  }

  /// The record of migrations as it was last read.
  struct Schema: Sendable {
    let outcome: Result<MigrationStatus, any Error>
    let read: ContinuousClock.Instant
  }

  private struct State {
    var database: Database?
    var schema: Schema?
    var lastLook: ContinuousClock.Instant?
    var isReading = false
  }

  let program: String
  let version: String
  let configuration: Configuration
  let catalogs: [SettingsCatalog]
  let monitor: HealthMonitor
  let levelControl: LogLevelControl
  let logger: Logger
  let history = PoolHistory()
  let began = ContinuousClock.now
  private let control: AppControl
  private let state = Mutex(State())

  init(
    _ program: String, _ version: String, _ configuration: Configuration, _ catalogs: [SettingsCatalog],
    _ monitor: HealthMonitor, _ control: AppControl, _ logger: Logger
  ) {
    self.program = program
    self.version = version
    self.configuration = configuration
    self.catalogs = catalogs
    self.monitor = monitor
    self.control = control
    self.logger = logger
    levelControl = logger.levelControl
  }

  func attach(_ database: Database) { state.withLock { $0.database = database } }

  var database: Database? { state.withLock { $0.database } }

  /// Nil until it was read for the first time.
  var schema: Schema? { state.withLock { $0.schema } }

  var graph: Graph? { control.graph }

  var appState: AppState { control.state }

  /// Somebody looks: for a minute what costs a query is kept fresh.
  func noteLook() { state.withLock { $0.lastLook = .now } }

  /// Watches until cancelled: the pool every few seconds, the migrations while somebody looks.
  func watch(every interval: Duration = PoolHistory.interval) async throws {
    try await withThrowingDiscardingTaskGroup { group in
      while true {
        if let database {
          let stat = database.pool.stat()
          history.add(.init(acquired: stat.acquired, total: stat.total, waiting: stat.waiting))
          // Not waited for: the history goes on when the database does not.
          if let migrator = database.migrator, beginReading() { group.addTask { await self.read(migrator) } }
        }
        try await Task.sleep(for: interval)
      }
    }
  }

  /// Whether the migrations are to be read now, which nobody else does meanwhile.
  private func beginReading() -> Bool {
    state.withLock { state in
      guard !state.isReading else { return false }
      if let read = state.schema?.read {
        guard let look = state.lastLook, .now - look < .seconds(60), .now - read > .seconds(15) else { return false }
      }
      state.isReading = true
      return true
    }
  }

  /// On a connection of the migrator's own, so that no slot of the pool is taken.
  private func read(_ migrator: Migrator) async {
    let outcome: Result<MigrationStatus, any Error>
    do {
      outcome = .success(try await migrator.status())
    } catch {
      outcome = .failure(error)
    }
    state.withLock { state in
      state.schema = Schema(outcome: outcome, read: .now)
      state.isReading = false
    }
  }
}
