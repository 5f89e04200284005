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
  func watch() async throws {
    while true {
      if let database {
        let stat = database.pool.stat()
        history.add(.init(acquired: stat.acquired, total: stat.total, waiting: stat.waiting))
        if let migrator = database.migrator, isSchemaWanted { await read(migrator) }
      }
      try await Task.sleep(for: PoolHistory.interval)
    }
  }

  private var isSchemaWanted: Bool {
    state.withLock { state in
      guard let read = state.schema?.read else { return true }
      guard let look = state.lastLook, .now - look < .seconds(60) else { return false }
      return .now - read > .seconds(15)
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
    state.withLock { $0.schema = Schema(outcome: outcome, read: .now) }
  }
}
