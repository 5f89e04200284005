internal import Postgres
internal import Synchronization

/// The step under way, for finding out whom it waits for. Its session is not told by libpq's number of it: behind a pooler
/// that is the pooler's.
final class LockWaiter: Sendable {
  /// How the session is told from the others.
  enum Identity: Sendable {
    /// By the server's process, which a transaction keeps.
    case process(Int32)
    /// By how what it runs begins: behind a pooler, by whichever process that is.
    case statement(String)
  }

  private struct State {
    var step: MigrationStep?
    var since = ContinuousClock.now
    var identity: Identity?
    var blockers: [LockHolder] = []
  }

  /// The pause between two looks.
  private static let pause = Duration.milliseconds(500)
  /// How long a step has to run before anybody looks. Most are done long before, and cost no further connection.
  private static let patience = Duration.milliseconds(250)
  /// The longest pause after a look that could not be had, as where the server has no room for another connection.
  private static let longestPause = Duration.seconds(30)

  private let state = Mutex(State())

  /// Who was last seen in the way.
  var blockers: [LockHolder] { state.withLock { $0.blockers } }

  /// Says which session it is from now on.
  func `is`(_ identity: Identity) { state.withLock { $0.identity = identity } }

  fileprivate func begin(_ step: MigrationStep) { state.withLock { $0 = State(step: step) } }

  fileprivate func end() { state.withLock { $0.step = nil } }

  /// The step that has been running for long enough to be asked about.
  private var slowStep: MigrationStep? {
    state.withLock { $0.since.duration(to: .now) < Self.patience ? nil : $0.step }
  }

  /// Tells who stands in the way of whatever step is under way, until it is cancelled.
  func watch(_ migrator: Migrator) async throws {
    var pause = Self.pause
    while true {
      try await Task.sleep(for: pause)
      guard slowStep != nil else { continue }
      do {
        try await migrator.withConnection { try await watch(migrator, from: $0) }
        pause = Self.pause
      } catch {
        // Nothing depends on it: where it cannot be found out, the step goes on.
        pause = min(pause * 2, Self.longestPause)
      }
    }
  }

  private func watch(_ migrator: Migrator, from onlooker: PostgresConnection) async throws {
    var told: (step: MigrationStep, blockers: [Int32])?
    while let step = slowStep {
      let blockers = try await look(for: step, onlooker)
      let processes = blockers.map(\.processID)
      if !blockers.isEmpty, told?.step != step || told?.blockers != processes {
        migrator.report(.blocked(step, by: blockers))
      }
      told = (step, processes)
      try await Task.sleep(for: Self.pause)
    }
  }

  /// Looks who is in the way now.
  private func look(for step: MigrationStep, _ onlooker: some PostgresClient) async throws -> [LockHolder] {
    guard let identity = state.withLock({ $0.identity }) else { return [] }
    let found = try await onlooker.all(
      """
      \(LockHolder.query)
      WHERE a.pid IN (
        SELECT unnest(pg_catalog.pg_blocking_pids(w.pid)) FROM pg_catalog.pg_stat_activity AS w
        WHERE w.datname = current_database() AND \(identity.condition)
      )
      ORDER BY a.pid
      """, as: LockHolder.Columns.self, name: "FindBlockers"
    ).map(LockHolder.init)
    if !found.isEmpty { state.withLock { if $0.step == step { $0.blockers = found } } }
    return found
  }
}

extension LockWaiter.Identity {
  /// The server keeps the beginning of a long statement only.
  fileprivate var condition: SQL {
    switch self {
    case .process(let id): "w.pid = \(id)"
    case .statement(let text):
      """
      w.usename = session_user AND w.state = 'active' AND w.query <> ''
        AND (starts_with(\(text), w.query) OR starts_with(w.query, \(text)))
      """
    }
  }
}

extension MigrationSession {
  /// Runs `body`, and tells who stands in its way when it waits for a lock.
  ///
  /// - Parameter body: Says by ``LockWaiter/is(_:)`` which session it is.
  func watchingLocks<Result>(of step: MigrationStep, _ body: () async throws -> Result) async throws -> Result {
    waiter.begin(step)
    defer { waiter.end() }
    do {
      return try await body()
    } catch var refusal as StatementRefusal {
      refusal.blockers = waiter.blockers
      throw refusal
    }
  }
}

extension MigrationSession {
  /// Runs `body` again, after longer and longer pauses, while a statement of it gets no lock.
  func retryingLocks<Result>(of step: MigrationStep, _ body: () async throws -> Result) async throws -> Result {
    var delay = configuration.lockRetryDelay
    var tries = 1
    while true {
      do {
        return try await body()
      } catch let refusal as StatementRefusal {
        guard refusal.cause.isWaitForLock, tries < configuration.lockAttempts else { throw refusal }
      }
      tries += 1
      migrator.report(.retrying(step, attempt: tries, delay: delay))
      try await pause(for: delay)
      delay *= 2
    }
  }

  /// With a word to the server now and then: it may be set to close sessions that are idle for less long.
  private func pause(for delay: Duration) async throws {
    let end = ContinuousClock.now + delay
    while true {
      let rest = end - .now
      guard rest > .zero else { return }
      try await Task.sleep(for: min(rest, .milliseconds(250)))
      try await work.script("SELECT 1")
    }
  }
}
