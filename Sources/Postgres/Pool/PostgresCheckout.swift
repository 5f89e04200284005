internal import ResourcePool

/// A connection lent for one piece of work: a stream, a batch, a COPY.
///
/// A connection or a transaction lends itself; a pool lends one of its own, which comes back when the work is done.
public struct PostgresCheckout: Sendable {
  /// What was lent.
  public let connection: PostgresConnection
  private let lease: (pool: PostgresPool, lease: Lease<PostgresConnection>)?

  /// A connection that lends itself.
  init(_ connection: PostgresConnection) {
    self.connection = connection
    lease = nil
  }

  init(_ lease: Lease<PostgresConnection>, of pool: PostgresPool) {
    connection = lease.resource
    self.lease = (pool, lease)
  }

  /// Gives it back; once.
  func giveBack(isSound: Bool) {
    guard let lease else { return }
    lease.pool.giveBack(lease.lease, isSound: isSound)
  }

  /// Tells the pool of an error that may concern its other connections too.
  func report(_ error: any Error) {
    guard let lease else { return }
    lease.pool.suspect(error, lease.lease)
  }
}
