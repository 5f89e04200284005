/// Says that a command works beside a running program: `migrate` while `serve` runs an embedded server in the folder.
///
/// Supply one, and ``DatabaseModule`` connects to that server where there is one, and starts its own where there is not.
/// A program that serves does not: the server would end with the other process.
public struct EmbeddedServerSharing: Sendable {
  /// Sharing is fine.
  public init() {}
}
