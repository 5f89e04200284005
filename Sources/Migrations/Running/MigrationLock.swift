internal import Postgres

/// The advisory lock that lets one migrator at a time work on a database.
///
/// It is held by an open transaction on a connection of its own, not by a session: behind PgBouncer's transaction mode a
/// session lock would stay with a pooled connection and shut everybody out. A holder that dies releases it.
///
/// CREATE INDEX CONCURRENTLY waits for every transaction that has a snapshot when it asks. The holder's must have none,
/// or the index that is built under the lock waits for the lock: hence only the simple protocol once the lock is taken,
/// because the extended one keeps the snapshot of the last query. A migrator that waits ends its transaction after each
/// look.
struct MigrationLock: Sendable {
  /// A lock that the same transaction holds, and nobody else can: whoever else may have taken the keys by now, while this
  /// one is held they are ours.
  private let token = Int64.random(in: .min ... .max)

  /// Takes the lock.
  ///
  /// - Parameters:
  ///   - connection: Becomes the lock's, to be closed by its owner; nothing else may run on it.
  ///   - wait: How long to wait for another migrator.
  ///   - work: Waits too, and is kept from being closed by the server for being idle.
  ///   - report: Told of the holder when there is one, and again when it changes.
  /// - Throws: ``MigrationError`` with the code `locked`, naming the holder.
  init(
    taking keys: [LockKey], on connection: PostgresConnection, wait: Duration, keepingAwake work: PostgresConnection,
    report: (MigrationEvent) -> Void
  ) async throws {
    let deadline = ContinuousClock.now.advanced(by: wait)
    var pause = Duration.milliseconds(10)
    var holder: LockHolder?
    while true {
      if try await take(keys, connection) { return }
      let found = try await Self.holder(of: keys, connection)
      if holder == nil || found?.processID != holder?.processID { report(.waiting(found)) }
      holder = found ?? holder
      guard ContinuousClock.now < deadline else { throw Self.timedOut(wait, holder) }
      try await Task.sleep(for: pause)
      try await work.script("SELECT 1")
      pause = min(pause * 2, .milliseconds(250))
    }
  }

  /// Begins a transaction that holds all keys, or none and is over.
  private func take(_ keys: [LockKey], _ connection: PostgresConnection) async throws -> Bool {
    let text: SQL = """
      BEGIN ISOLATION LEVEL READ COMMITTED;
      SET LOCAL idle_in_transaction_session_timeout = 0;
      \(SQL(unchecked: connection.serverVersion >= 170_000 ? "SET LOCAL transaction_timeout = 0;" : ""))
      SELECT bool_and(pg_try_advisory_xact_lock(key))
      FROM unnest(\(keys.map(\.value) + [token])::bigint[]) AS key
      """
    let isTaken = try await connection.scriptValue(text.inlined(), name: "TakeMigrationLock") == "t"
    if !isTaken { try await connection.script("ROLLBACK") }
    return isTaken
  }

  /// Asks whether the lock still holds, of the server and not of its connection: that one may have lost sight of it. By
  /// trying the token, for to look for it among all locks takes hundreds of times as long. Of another session than the
  /// lock's, in a transaction.
  var isHeld: SQL { "(NOT pg_catalog.pg_try_advisory_xact_lock_shared(\(token)))" }

  static let lost = MigrationError(
    .lockLost, "the connection that held the lock broke; nothing more was begun. Run the command again")

  /// Of a row `l` of `pg_locks`: one of the keys, held.
  private static func condition(_ keys: [LockKey]) -> SQL {
    """
    l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
        AND (l.classid::bigint << 32) | l.objid::bigint = ANY (\(keys.map(\.value)))
    """
  }

  private static func holder(of keys: [LockKey], _ connection: PostgresConnection) async throws -> LockHolder? {
    try await connection.optional(
      """
      \(LockHolder.query)
      JOIN pg_catalog.pg_locks AS l ON l.pid = a.pid
      WHERE \(condition(keys))
        AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
      LIMIT 1
      """, as: LockHolder.Columns.self, name: "FindLockHolder"
    ).map(LockHolder.init)
  }

  private static func timedOut(_ wait: Duration, _ holder: LockHolder?) -> MigrationError {
    guard let holder else {
      return MigrationError(.locked, "another migrator held the lock for the whole wait of \(wait); try again")
    }
    return MigrationError(
      .locked,
      """
      another migrator holds the lock: \(holder). Waited \(wait) for it. Let it finish and try again; if it hangs, end it \
      with SELECT pg_terminate_backend(\(holder.processID))
      """)
  }
}

extension LockHolder {
  typealias Columns = (Int32, String, String, String?, Double, String)

  /// What is known of a session; a WHERE clause follows.
  static let query: SQL = """
    SELECT a.pid, coalesce(a.application_name, ''), coalesce(a.usename::text, ''), host(a.client_addr),
      coalesce(extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.backend_start)), 0)::double precision,
      coalesce(a.query, '')
    FROM pg_catalog.pg_stat_activity AS a
    """

  init(_ columns: Columns) {
    self.init(
      processID: columns.0, application: columns.1, user: columns.2, client: columns.3, age: .seconds(columns.4),
      query: columns.5)
  }
}
