/// What a session told those who listen, with `NOTIFY` or `pg_notify`.
public struct PostgresNotification: Sendable, Equatable {
  /// The channel it was sent on.
  public let channel: String
  /// What was sent with it; empty when nothing was.
  public let payload: String
  /// The server process of the session that sent it, as `pg_stat_activity` names it.
  public let processID: Int32
}
