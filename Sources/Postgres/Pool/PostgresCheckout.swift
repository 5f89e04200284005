internal import MonotonicTime
internal import ResourcePool

/// A connection lent for one piece of work: a stream, a batch, a COPY.
///
/// A connection or a transaction lends itself; a pool lends one of its own, which comes back when the work is done.
public struct PostgresCheckout: Sendable {
  /// What was lent.
  public let connection: PostgresConnection
  private let lease: (pool: PostgresPool, lease: Lease<PostgresConnection>, since: MonotonicInstant)?
  /// When the time of the transaction that it was lent in is over.
  private let deadline: MonotonicInstant?

  /// A connection that lends itself.
  init(_ connection: PostgresConnection, until deadline: MonotonicInstant? = nil) {
    self.connection = connection
    self.deadline = deadline
    lease = nil
  }

  init(_ lease: Lease<PostgresConnection>, of pool: PostgresPool) {
    connection = lease.resource
    self.lease = (pool, lease, .now)
    deadline = nil
  }

  /// It is a pool's, which closes a connection that comes back in a transaction.
  var isLent: Bool { lease != nil }

  /// For the part of a call that begins with it: what is left of the call's time, and of the transaction's.
  func rest(of options: QueryOptions, since start: MonotonicInstant) -> QueryOptions {
    options.after(.now - start).within(deadline)
  }

  /// Gives it back; once.
  func giveBack(isSound: Bool) {
    guard let lease else { return }
    lease.pool.giveBack(lease.lease, isSound: isSound, since: lease.since)
  }

  /// Tells the pool of an error that may concern its other connections too.
  func report(_ error: any Error) {
    guard let lease else { return }
    lease.pool.suspect(error, lease.lease)
  }
}
