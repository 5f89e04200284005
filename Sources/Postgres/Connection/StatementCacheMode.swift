/// Whether statements are kept prepared at the server, and by which protocol they go.
public enum StatementCacheMode: String, Sendable, CaseIterable {
  /// Each statement is prepared once on each connection, and then run by its name: the fastest. The server must keep
  /// its session for as long as the connection lives. The default.
  case prepare
  /// Each statement is parsed anew when it runs, and leaves nothing behind at the server: for PgBouncer in transaction
  /// mode and other poolers that lend a server's session to one transaction only.
  case describe
  /// Statements go by the simple query protocol, their parameters as literals in the text: for poolers and servers that
  /// know no other.
  ///
  /// Programs need no change: values are the same both ways. The protocol has text only, so the driver turns text into
  /// the binary form that ``PostgresCell`` promises, and parameters from that form into literals: one translation for
  /// each of PostgreSQL's types, and none in the Swift types, those of programs included. What it costs:
  ///
  /// - Nothing is pipelined: each statement waits for the answer to the one before. A batch whose statements stand
  ///   together is sent as one text, and is still one round trip and one transaction.
  /// - The values stand in the server's log and in `pg_stat_activity` wherever the statement does, those of
  ///   ``Sensitive`` too.
  /// - A parameter may stand where a value can, and nowhere else; one in quotes or in a comment is refused.
  /// - The session must have `standard_conforming_strings` on and `client_encoding` UTF8, else parameters are
  ///   refused; and for dates, intervals and `bytea` the styles `ISO`, `postgres` and `hex`, which are PostgreSQL's
  ///   defaults. With `extra_float_digits` at 0 or below, as it is not since PostgreSQL 12, floats come rounded.
  /// - A pool reads the whole catalogue of the database's own types when it connects first. Of a type that the
  ///   driver cannot translate (`record`, `point`, `bit`, `money`, or a base type of an extension other than `hstore` and
  ///   `citext`, say) only the text can be had: see ``PostgresCell/isText``.
  case simple
}
