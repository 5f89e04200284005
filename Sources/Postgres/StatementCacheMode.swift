/// Whether statements are kept prepared at the server.
public enum StatementCacheMode: String, Sendable, CaseIterable {
  /// Each statement is prepared once on each connection, and then run by its name: the fastest. The server must keep
  /// its session for as long as the connection lives. The default.
  case prepare
  /// Each statement is parsed anew when it runs, and leaves nothing behind at the server: for PgBouncer in transaction
  /// mode and other poolers that lend a server's session to one transaction only.
  case describe
}
