internal import AppConfiguration
internal import EventLoop
internal import Postgres
internal import StructuredLogging

/// The standby servers, a pool over those of them that are fit for reading, and the watch that tells which are.
final class ReplicaSet: Sendable {
  /// For reading: over the replicas, or the primary's own when there are none.
  let pool: PostgresPool
  private let router: ReplicaRouter
  private let period: Duration
  private let maxLag: Duration
  private let loop: EventLoop
  private let logger: Logger

  init(
    _ settings: DatabaseSettings, primary: PostgresPool, loops: DatabaseLoops, logger: Logger, tracer: any QueryTracer
  ) throws {
    let replicas = try settings.replicas.map { url in
      var options = try ConnectOptions(url.reveal())
      options.types = primary.configuration.connect.types
      options.statementCacheMode = primary.configuration.connect.statementCacheMode
      return options
    }
    router = ReplicaRouter(replicas, primary: primary.configuration.connect)
    period = settings.replicaCheckPeriod
    maxLag = settings.replicaMaxLag
    loop = loops.host
    self.logger = logger
    guard !replicas.isEmpty else {
      pool = primary
      return
    }
    var configuration = primary.configuration
    configuration.hooks.beforeConnect = { [router] options in options = router.choose() }
    pool = try PostgresPool(configuration, loops: loops.all, logger: logger, tracer: tracer)
  }

  var isEmpty: Bool { router.replicas.isEmpty }

  /// Looks at each replica once, then opens the pool.
  func start() async throws {
    guard !isEmpty else { return }
    await withTaskGroup { group in
      for index in router.replicas.indices { group.addTask { await self.look(index, isOnce: true) } }
    }
    try await pool.start()
  }

  func close() async {
    guard !isEmpty else { return }
    await pool.close()
  }

  /// Looks at the replicas again and again, until the task is cancelled.
  func watch() async {
    await withTaskGroup { group in
      for index in router.replicas.indices {
        group.addTask {
          while !Task.isCancelled {
            await self.look(index, isOnce: false)
            // Cancelled, the loop ends.
            try? await Task.sleep(for: self.period)
          }
        }
      }
    }
  }

  /// Measures a replica's lag over one connection: once, or until that connection breaks.
  private func look(_ index: Int, isOnce: Bool) async {
    do {
      // Told at once when the replica goes away, not at the next look.
      let connection = try await PostgresConnection.connect(router.replicas[index], loop: loop) { [weak self] in
        self?.judge(index, "it closed its connection")
      }
      do {
        var caughtUp: ContinuousClock.Instant?
        repeat {
          let asked = ContinuousClock.now
          let lag = try await lag(of: connection)
          if lag == .zero { caughtUp = asked }
          // What waits now came after the last look that found nothing waiting, however old the transaction before it is.
          let waiting = caughtUp.map { ContinuousClock.now - $0 }
          judge(index, fault([lag, waiting].compactMap { $0 }.min()))
          if !isOnce { try await Task.sleep(for: period) }
        } while !isOnce
        await connection.close()
      } catch {
        await connection.close()
        throw error
      }
    } catch is CancellationError {
      // The app stops.
    } catch {
      judge(index, "\(error)")
    }
  }

  /// Why a replica is not fit; nil when it is.
  private func fault(_ lag: Duration?) -> String? {
    guard let lag else { return "it has replayed nothing yet" }
    return lag <= maxLag ? nil : "it is \(lag) behind"
  }

  /// How far a replica is behind; nil when it has replayed nothing yet.
  private func lag(of connection: PostgresConnection) async throws -> Duration? {
    // All that was received is replayed: nothing is behind, however long nothing happened; unless nothing is received
    // any more. One that was promoted is no standby, and has everything.
    try await connection.one(
      """
      SELECT CASE
        WHEN NOT pg_is_in_recovery() THEN interval '0'
        WHEN EXISTS (SELECT FROM pg_stat_wal_receiver)
          AND pg_last_wal_replay_lsn() >= pg_last_wal_receive_lsn() THEN interval '0'
        ELSE make_interval(secs => extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()))
      END
      """, as: Duration?.self, name: "ReplicaLag", timeout: .seconds(5))
  }

  private func judge(_ index: Int, _ fault: String?) {
    guard router.judge(index, isFit: fault == nil) else { return }
    let replica: LogValue = .string("\(router.replicas[index])")
    if let fault {
      logger.warning("a replica is not read from", ["replica": replica, "reason": .string(fault)])
    } else {
      logger.info("a replica is read from", ["replica": replica])
    }
    // Those connected elsewhere come to where they now belong; what is under way is finished first.
    pool.reset()
  }
}
